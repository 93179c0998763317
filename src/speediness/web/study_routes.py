"""What the page asks in the blind comparison."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse, PlainTextResponse

from speediness.web.api_error import ApiError
from speediness.web.plan_request import Request
from speediness.web.services import Services
from speediness.web.study import Choice, Side


class Question(Request):
    """Which video to compare; None: whichever has the fewest votes."""

    video_id: str | None = None


class Vote(Request):
    """What a viewer says."""

    choice: Choice


def study_routes(services: Services) -> APIRouter:
    """The routes under ``/api/study``."""
    router = APIRouter(prefix="/api/study")
    study = services.study

    @router.get("")
    def overview() -> dict[str, Any]:
        videos = [
            {"id": job.video_id, "name": job.video_name, "rate": job.params["rate"], "job": job.id}
            for job in study.videos()
        ]
        return {"films": videos, "tallies": [tally.to_json() for tally in study.tallies()]}

    @router.post("/trials")
    def draw(question: Question) -> dict[str, Any]:
        trial = study.draw(question.video_id)
        return {
            "id": trial.id,
            "film": trial.video_name,
            "rate": trial.rate,
            "first": trial.first_side,
        }

    @router.get("/trials/{trial_id}/{side}")
    def video(trial_id: str, side: Side) -> FileResponse:
        job_id, which = study.shown(trial_id, side)
        path = services.result(job_id, f"{which}.mp4")
        if not path.is_file():
            raise ApiError(404, "these videos were removed; take the next comparison")
        return FileResponse(path, media_type="video/mp4")

    @router.post("/trials/{trial_id}/vote")
    def vote(trial_id: str, vote: Vote) -> dict[str, Any]:
        return {"chosen": study.vote(trial_id, vote.choice)}

    @router.get("/votes.csv")
    def votes() -> PlainTextResponse:
        headers = {"content-disposition": 'attachment; filename="speediness-votes.csv"'}
        return PlainTextResponse(study.to_csv(), media_type="text/csv", headers=headers)

    return router
