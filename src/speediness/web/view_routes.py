"""What a film shows: its pictures, its curve, its plan."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse

from speediness.web.jobs import Kind
from speediness.web.refusal import Refusal
from speediness.web.services import Services
from speediness.web.wish import Wish

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
    """The routes under ``/api/films/ID`` that the player and the chart live on."""
    router = APIRouter(prefix="/api/films/{film_id}")

    @router.get("/video")
    def video(film_id: str) -> FileResponse:
        film = services.films.find(film_id)
        if copy := services.jobs.latest_done("playable", film_id).get(film_id):
            return FileResponse(services.result(copy.id, "film.mp4"), media_type="video/mp4")
        looked = services.jobs.latest_done("look", film_id).get(film_id)
        if looked is None:
            raise Refusal(409, "this film has not been looked at yet; open it first")
        kind = MEDIA_TYPES.get(looked.result["container"], "application/octet-stream")
        return FileResponse(film.path, media_type=kind)

    @router.get("/heatmap")
    def heatmap(film_id: str) -> FileResponse:
        return FileResponse(_done(services, "heatmap", film_id, "film.mp4"), media_type="video/mp4")

    @router.get("/curve")
    def curve(film_id: str) -> FileResponse:
        services.films.find(film_id)
        return FileResponse(
            _done(services, "analyse", film_id, "columns.json"), media_type="application/json"
        )

    @router.post("/plan")
    def plan(film_id: str, wish: Wish) -> JSONResponse:
        path = _done(services, "analyse", film_id, "curve.json")
        return JSONResponse(services.planner.plan(path, wish.rate, wish.locks))

    return router


def _done(services: Services, kind: Kind, film_id: str, name: str) -> Path:
    job = services.jobs.latest_done(kind, film_id).get(film_id)
    if job is None:
        raise Refusal(404, "that has not been made yet for this film")
    return services.result(job.id, name)
