"""What the page asks about jobs: start, how far, cancel, again, and what they made."""

from pathlib import PurePosixPath
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse

from speediness.timeline.export import FORMATS
from speediness.web.api_error import ApiError
from speediness.web.jobs import ACTIVE, Job, JobKind
from speediness.web.plan_request import MaskRequest, PlanRequest, Request
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


class JobSpec(Request):
    """A job that is wanted; a wish comes with what is planned, a mask with what is followed."""

    kind: JobKind
    wish: PlanRequest | None = None
    mask: MaskRequest | None = None


def job_routes(services: Services) -> APIRouter:
    """The routes under ``/api`` that concern jobs."""
    router = APIRouter(prefix="/api")
    runner = services.runner

    @router.post("/films/{video_id}/jobs")
    async def start(video_id: str, spec: JobSpec) -> dict[str, Any]:
        if (spec.wish is not None) != (spec.kind in NEEDS_CURVE):
            raise ApiError(422, f"a rate belongs to {', '.join(NEEDS_CURVE)}, and to nothing else")
        if (spec.mask is not None) != (spec.kind == "propagate"):
            raise ApiError(422, "an outline belongs to propagate, and to nothing else")
        video = services.videos.find(video_id)
        asked = spec.wish or spec.mask
        params = asked.model_dump(mode="json") if asked else {}
        return job_to_json(runner.submit(spec.kind, video, params), runner)

    @router.get("/jobs")
    def active() -> list[dict[str, Any]]:
        return [job_to_json(job, runner) for job in services.jobs.active()]

    @router.get("/jobs/{job_id}")
    def job(job_id: str) -> dict[str, Any]:
        return job_to_json(_job(job_id), runner)

    @router.post("/jobs/{job_id}/cancel")
    async def cancel(job_id: str) -> dict[str, Any]:
        runner.cancel(_job(job_id).id)
        return job_to_json(_job(job_id), runner)

    @router.delete("/jobs/{job_id}")
    async def remove(job_id: str) -> dict[str, Any]:
        runner.remove(_job(job_id).id)
        return {}

    @router.get("/jobs/{job_id}/files/{name}")
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

    return router


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
