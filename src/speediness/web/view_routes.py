"""What a video shows: its frames, its curve, its plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.responses import FileResponse

from speediness.web.api_error import ApiError
from speediness.web.asked import plan_wish, stretch
from speediness.web.curve_columns import columns_between
from speediness.web.jobs import JobKind
from speediness.web.routes import Routes
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


def view_routes(services: Services) -> Routes:
    """The routes under ``/api/videos/ID`` that the player and the chart live on."""
    routes = Routes()

    @routes.on("GET", "/api/films/{video_id}/video")
    def video(video_id: str) -> FileResponse:
        video = services.videos.find(video_id)
        if copy := services.jobs.latest_done("playable", video_id).get(video_id):
            return FileResponse(services.result(copy.id, "film.mp4"), media_type="video/mp4")
        looked = services.jobs.latest_done("look", video_id).get(video_id)
        if looked is None:
            raise ApiError(409, "this video has not been looked at yet; open it first")
        kind = MEDIA_TYPES.get(looked.result["container"], "application/octet-stream")
        return FileResponse(video.path, media_type=kind)

    @routes.on("GET", "/api/films/{video_id}/curve")
    def curve(video_id: str) -> FileResponse:
        services.videos.find(video_id)
        return FileResponse(
            _done(services, "analyse", video_id, "columns.json"), media_type="application/json"
        )

    @routes.on("GET", "/api/films/{video_id}/columns", stretch)
    def columns(video_id: str, asked: tuple[float, float]) -> dict[str, Any]:
        """A part of the curve in as many columns as the whole has."""
        start_s, end_s = asked
        curve = services.planner.load(_done(services, "analyse", video_id, "curve.json"))
        if not start_s < end_s or start_s >= curve.duration_s:
            raise ApiError(422, "there is nothing of the video between these moments")
        return columns_between(curve, start_s, end_s)

    @routes.on("POST", "/api/films/{video_id}/plan", plan_wish)
    def plan(video_id: str, asked: dict[str, Any]) -> dict[str, Any]:
        path = _done(services, "analyse", video_id, "curve.json")
        return services.planner.plan(path, asked["rate"], asked["locks"])

    return routes


def _done(services: Services, kind: JobKind, video_id: str, name: str) -> Path:
    job = services.jobs.latest_done(kind, video_id).get(video_id)
    if job is None:
        raise ApiError(404, "that has not been made yet for this video")
    return services.result(job.id, name)
