"""What the page asks about jobs: start, how far, cancel, again, and what they made."""

from pathlib import PurePosixPath
from typing import Any, get_args

from starlette.responses import FileResponse

from speediness.timeline.export import FORMATS
from speediness.web.api_error import ApiError
from speediness.web.asked import one_of, outlined, plan_wish
from speediness.web.jobs import ACTIVE, Job, JobKind
from speediness.web.routes import Routes
from speediness.web.runner import NEEDS_CURVE, Runner
from speediness.web.services import Services

# What may be played or downloaded: name in the job's folder, and how the file is called after the video.
DOWNLOADS: dict[tuple[str, str], tuple[str, str]] = {
    ("look", "thumbnail"): ("thumbnail.jpg", ".jpg"),
    ("analyse", "curve"): ("curve.json", ".speediness.json"),
    ("analyse", "plot"): ("plot.png", ".speediness.png"),
    ("analyse", "drawing"): ("plot.svg", ".speediness.svg"),
    ("render", "film"): ("film.mp4", "-{rate:g}x.mp4"),
    ("render", "plan"): ("plan.json", "-{rate:g}x.plan.json"),
    ("render", "plot"): ("plot.png", "-{rate:g}x.plan.png"),
    ("render", "drawing"): ("plot.svg", "-{rate:g}x.plan.svg"),
    ("playable", "film"): ("film.mp4", "-playable.mp4"),
    ("heatmap", "film"): ("film.mp4", "-heatmap.mp4"),
    ("speedmap", "film"): ("film.mp4", "-speedmap.mp4"),
    ("propagate", "film"): ("film.mp4", "-followed.mp4"),
} | {("export", suffix[1:]): (f"timeline{suffix}", f"-{{rate:g}}x{suffix}") for suffix in FORMATS}


def _wanted(kind: Any, wish: Any = None, mask: Any = None) -> tuple[JobKind, dict[str, Any]]:
    """A job and its parameters; a wish comes with what is planned, a mask with what is followed."""
    one_of(kind, get_args(JobKind))
    if (wish is not None) != (kind in NEEDS_CURVE):
        raise ApiError(422, f"a rate belongs to {', '.join(NEEDS_CURVE)}, and to nothing else")
    if (mask is not None) != (kind == "propagate"):
        raise ApiError(422, "an outline belongs to propagate, and to nothing else")
    return kind, outlined(**mask) if mask is not None else plan_wish(**wish) if wish is not None else {}


def job_routes(services: Services) -> Routes:
    """The routes under ``/api`` that concern jobs."""
    routes = Routes()
    runner = services.runner

    @routes.on("POST", "/api/films/{video_id}/jobs", _wanted)
    async def start(video_id: str, asked: tuple[JobKind, dict[str, Any]]) -> dict[str, Any]:
        kind, params = asked
        return job_to_json(runner.submit(kind, services.videos.find(video_id), params), runner)

    @routes.on("GET", "/api/jobs")
    def active() -> list[dict[str, Any]]:
        return [job_to_json(job, runner) for job in services.jobs.active()]

    @routes.on("GET", "/api/jobs/{job_id}")
    def job(job_id: str) -> dict[str, Any]:
        return job_to_json(_job(job_id), runner)

    @routes.on("POST", "/api/jobs/{job_id}/cancel")
    async def cancel(job_id: str) -> dict[str, Any]:
        runner.cancel(_job(job_id).id)
        return job_to_json(_job(job_id), runner)

    @routes.on("DELETE", "/api/jobs/{job_id}")
    async def remove(job_id: str) -> dict[str, Any]:
        runner.remove(_job(job_id).id)
        return {}

    @routes.on("GET", "/api/jobs/{job_id}/files/{name}")
    def download(job_id: str, name: str) -> FileResponse:
        job = _job(job_id)
        offered = {name: form for (kind, name), form in DOWNLOADS.items() if kind == job.kind}
        for number, rest in enumerate(job.result.get("subtitles", [])):
            offered[f"subtitles-{number}"] = f"subtitles{rest}", "-{rate:g}x" + _plain(rest)
        if job.state != "done" or name not in offered:
            raise ApiError(404, "that job made no such file")
        stored, ending = offered[name]
        if not services.result(job_id, stored).is_file():
            raise ApiError(
                404, "an earlier version of this program did that and made no such file; do it again"
            )
        filename = PurePosixPath(job.video_name).stem + ending.format(rate=job.params.get("rate", 1))
        return FileResponse(services.result(job_id, stored), filename=filename)

    def _job(job_id: str) -> Job:
        job = services.jobs.get(job_id)
        if job is None:
            raise ApiError(404, "there is no such job; it was removed")
        return job

    return routes


def _plain(text: str) -> str:
    """Text that ``str.format`` leaves as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def job_to_json(job: Job, runner: Runner) -> dict[str, Any]:
    """What the page may know of a job."""
    progress = runner.progress(job.id)
    share, left_s = progress.fraction_and_left_s() if progress else (0.0, None)
    return {
        "id": job.id,
        "kind": job.kind,
        "film_id": job.video_id,
        "film_name": job.video_name,
        "params": job.params,
        "state": job.state,
        "active": job.state in ACTIVE,
        "message": job.message,
        "subtitles": job.result.get("subtitles", []),
        "created_s": job.created_s,
        "share": share,
        "left_s": left_s,
    }
