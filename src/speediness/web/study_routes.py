"""What the page asks in the blind comparison."""

from typing import Any, get_args

from starlette.responses import FileResponse, PlainTextResponse

from speediness.web.api_error import ApiError
from speediness.web.asked import one_of
from speediness.web.routes import Routes
from speediness.web.services import Services
from speediness.web.study import Choice, Side


def study_routes(services: Services) -> Routes:
    """The routes under ``/api/study``."""
    routes = Routes()
    study = services.study

    @routes.on("GET", "/api/study")
    def overview() -> dict[str, Any]:
        videos = [
            {"id": job.video_id, "name": job.video_name, "rate": job.params["rate"], "job": job.id}
            for job in study.videos()
        ]
        return {"films": videos, "tallies": [tally.to_json() for tally in study.tallies()]}

    @routes.on("POST", "/api/study/trials", lambda video_id=None: video_id and str(video_id))
    def draw(asked: str | None) -> dict[str, Any]:
        """Compare this video; None: whichever has the fewest votes."""
        trial = study.draw(asked)
        return {
            "id": trial.id,
            "film": trial.video_name,
            "rate": trial.rate,
            "first": trial.first_side,
        }

    @routes.on("GET", "/api/study/trials/{trial_id}/{side}")
    def video(trial_id: str, side: Any) -> FileResponse:
        if side not in get_args(Side):
            raise ApiError(404, "there is no such side")
        job_id, which = study.shown(trial_id, side)
        path = services.result(job_id, f"{which}.mp4")
        if not path.is_file():
            raise ApiError(404, "these videos were removed; take the next comparison")
        return FileResponse(path, media_type="video/mp4")

    @routes.on("POST", "/api/study/trials/{trial_id}/vote", lambda choice: one_of(choice, get_args(Choice)))
    def vote(trial_id: str, asked: Choice) -> dict[str, Any]:
        return {"chosen": study.vote(trial_id, asked)}

    @routes.on("GET", "/api/study/votes.csv")
    def votes() -> PlainTextResponse:
        headers = {"content-disposition": 'attachment; filename="speediness-votes.csv"'}
        return PlainTextResponse(study.to_csv(), media_type="text/csv", headers=headers)

    return routes
