"""What a video shows: its frames, its curve, its plan."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse

from speediness.web.api_error import ApiError
from speediness.web.curve_columns import columns_between
from speediness.web.jobs import JobKind
from speediness.web.plan_request import PlanRequest, Seconds
from speediness.web.services import Services

# What a browser is told a container is. Its name is FFmpeg's word after decoding, never the file's.
MEDIA_TYPES = {
    "mov,mp4,m4a,3gp,3g2,mj2": "video/mp4",
    "matroska,webm": "video/webm",
    "ogg": "video/ogg",
    "avi": "video/x-msvideo",
    "mpegts": "video/mp2t",
    "gif": "image/gif",
}


def view_routes(services: Services) -> APIRouter:
    """The routes under ``/api/videos/ID`` that the player and the chart live on."""
    router = APIRouter(prefix="/api/films/{video_id}")

    @router.get("/video")
    def video(video_id: str) -> FileResponse:
        video = services.videos.find(video_id)
        if copy := services.jobs.latest_done("playable", video_id).get(video_id):
            return FileResponse(services.result(copy.id, "film.mp4"), media_type="video/mp4")
        looked = services.jobs.latest_done("look", video_id).get(video_id)
        if looked is None:
            raise ApiError(409, "this video has not been looked at yet; open it first")
        kind = MEDIA_TYPES.get(looked.result["container"], "application/octet-stream")
        return FileResponse(video.path, media_type=kind)

    @router.get("/curve")
    def curve(video_id: str) -> FileResponse:
        services.videos.find(video_id)
        return FileResponse(
            _done(services, "analyse", video_id, "columns.json"), media_type="application/json"
        )

    @router.get("/columns")
    def columns(video_id: str, start_s: Seconds, end_s: Seconds) -> JSONResponse:
        """A part of the curve in as many columns as the whole has."""
        curve = services.planner.load(_done(services, "analyse", video_id, "curve.json"))
        if not start_s < end_s or start_s >= curve.duration_s:
            raise ApiError(422, "there is nothing of the video between these moments")
        return JSONResponse(columns_between(curve, start_s, end_s))

    @router.post("/plan")
    def plan(video_id: str, wish: PlanRequest) -> JSONResponse:
        path = _done(services, "analyse", video_id, "curve.json")
        return JSONResponse(services.planner.plan(path, wish.rate, wish.locks))

    return router


def _done(services: Services, kind: JobKind, video_id: str, name: str) -> Path:
    job = services.jobs.latest_done(kind, video_id).get(video_id)
    if job is None:
        raise ApiError(404, "that has not been made yet for this video")
    return services.result(job.id, name)
