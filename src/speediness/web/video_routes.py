"""What the page asks about videos: which there are, and what is known of each; uploads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request

from speediness.speedup.solver import DEFAULT_OPTIONS
from speediness.version import __version__
from speediness.web.api_error import ApiError
from speediness.web.job_routes import job_to_json
from speediness.web.jobs import JobKind
from speediness.web.motion_search import MOST_QUERY_S
from speediness.web.routes import Routes
from speediness.web.services import Services
from speediness.web.videos import ServedVideo, shown_path

SHOWN: tuple[JobKind, ...] = (
    *("analyse", "playable", "render", "export"),
    *("heatmap", "speedmap", "propagate", "study"),
)
STALL_S = 30.0  # an upload from which nothing comes for so long is given up
MOST_UPLOADS = 3  # at a time


def video_routes(services: Services) -> Routes:
    """The routes under ``/api`` that concern videos."""
    routes = Routes()
    uploads = asyncio.Semaphore(MOST_UPLOADS)

    @routes.on("GET", "/api/about")
    def about() -> dict[str, Any]:
        limits = services.settings.limits
        return {
            "version": __version__,
            "folder": shown_path(services.settings.folder.name),
            "upload_bytes": limits.upload_bytes,
            "film_s": limits.video_s,
            "slowest": DEFAULT_OPTIONS.slowest,
            "fastest": DEFAULT_OPTIONS.fastest,
            "query_s": MOST_QUERY_S,
        }

    @routes.on("GET", "/api/films")
    def videos() -> list[dict[str, Any]]:
        looked = services.jobs.latest_done("look")
        refused = services.jobs.latest("look", "failed")
        analysed = services.jobs.latest_done("analyse")

        def facts(video: ServedVideo) -> dict[str, Any]:
            look, curve = looked.get(video.id), analysed.get(video.id)
            image = look is not None and services.result(look.id, "thumbnail.jpg").is_file()
            return {
                "looked": look is not None,
                "problem": refused[video.id].message if look is None and video.id in refused else None,
                "duration_s": look.result["duration_s"] if look else None,
                "thumbnail": look.id if look and image else None,
                "analysed": curve is not None,
                "verdict": curve.result.get("verdict") if curve else None,
            }

        return [video_to_json(video) | facts(video) for video in services.videos.all()]

    @routes.on("POST", "/api/uploads")
    async def upload(request: Request) -> dict[str, Any]:
        if uploads.locked():
            raise ApiError(429, "too many uploads at a time; let one finish")
        if not (name := request.query_params.get("name")):
            raise ApiError(422, "say what the video is called")
        promised = request.headers.get("content-length")
        async with uploads:
            video = await services.videos.add(
                unquote(name), int(promised) if promised else None, _blocks(request)
            )
        return video_to_json(video)

    @routes.on("GET", "/api/films/{video_id}")
    def video(video_id: str) -> dict[str, Any]:
        video = services.videos.find(video_id)
        looked = services.jobs.latest_done("look", video_id).get(video_id)
        done = {
            kind: job.id
            for kind in SHOWN
            if (job := services.jobs.latest_done(kind, video_id).get(video_id))
        }
        analysed = services.jobs.latest_done("analyse", video_id).get(video_id)
        return video_to_json(video) | {
            "info": looked.result if looked else None,
            "done": done,
            "searchable": analysed is not None and "network_sha256" in analysed.result,
            "jobs": [job_to_json(job, services.runner) for job in services.jobs.of_video(video_id)],
        }

    @routes.on("DELETE", "/api/films/{video_id}")
    def remove(video_id: str) -> dict[str, Any]:
        services.videos.remove_upload(services.videos.find(video_id))
        for job in services.jobs.of_video(video_id):
            services.runner.remove(job.id)
        return {}

    return routes


def video_to_json(video: ServedVideo) -> dict[str, Any]:
    """What the page may know of a video; not where it lies."""
    return {"id": video.id, "name": video.name, "size_bytes": video.size_bytes, "uploaded": video.uploaded}


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    """The body, piece by piece.

    Raises:
        ApiError: 408, nothing comes any more; 400, the sender is gone.
    """
    stream = request.stream()
    while True:
        try:
            block = await asyncio.wait_for(anext(stream), STALL_S)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise ApiError(408, "the upload stalled; try again") from None
        except ClientDisconnect:
            raise ApiError(400, "the upload broke off; try again") from None
        yield block
