"""What the page asks about films: which there are, and what is known of each; uploads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request

from speediness import __version__
from speediness.speedup.plan import DEFAULT_OPTIONS
from speediness.web.films import Film, shown_path
from speediness.web.job_routes import job_to_json
from speediness.web.jobs import Kind
from speediness.web.motion_search import MOST_QUERY_S
from speediness.web.refusal import Refusal
from speediness.web.services import Services

SHOWN: tuple[Kind, ...] = ("analyse", "playable", "heatmap", "study")
STALL_S = 30.0  # an upload from which nothing comes for so long is given up
MOST_UPLOADS = 3  # at a time


def film_routes(services: Services) -> APIRouter:
    """The routes under ``/api`` that concern films."""
    router = APIRouter(prefix="/api")
    uploads = asyncio.Semaphore(MOST_UPLOADS)

    @router.get("/about")
    def about() -> dict[str, Any]:
        limits = services.settings.limits
        return {
            "version": __version__,
            "folder": shown_path(services.settings.folder.name),
            "upload_bytes": limits.upload_bytes,
            "film_s": limits.film_s,
            "slowest": DEFAULT_OPTIONS.slowest,
            "fastest": DEFAULT_OPTIONS.fastest,
            "query_s": MOST_QUERY_S,
        }

    @router.get("/films")
    def films() -> list[dict[str, Any]]:
        looked = services.jobs.latest_done("look")
        analysed = services.jobs.latest_done("analyse")
        return [
            film_to_json(film)
            | {
                "duration_s": looked[film.id].result["duration_s"] if film.id in looked else None,
                "analysed": film.id in analysed,
            }
            for film in services.films.all()
        ]

    @router.post("/uploads")
    async def upload(request: Request, name: str) -> dict[str, Any]:
        if uploads.locked():
            raise Refusal(429, "too many uploads at a time; let one finish")
        promised = request.headers.get("content-length")
        async with uploads:
            film = await services.films.add(
                unquote(name), int(promised) if promised else None, _blocks(request)
            )
        return film_to_json(film)

    @router.get("/films/{film_id}")
    def film(film_id: str) -> dict[str, Any]:
        film = services.films.find(film_id)
        looked = services.jobs.latest_done("look", film_id).get(film_id)
        done = {
            kind: job.id for kind in SHOWN if (job := services.jobs.latest_done(kind, film_id).get(film_id))
        }
        analysed = services.jobs.latest_done("analyse", film_id).get(film_id)
        return film_to_json(film) | {
            "info": looked.result if looked else None,
            "done": done,
            "searchable": analysed is not None and "network_sha256" in analysed.result,
            "jobs": [job_to_json(job, services.runner) for job in services.jobs.of_film(film_id)],
        }

    @router.delete("/films/{film_id}")
    def remove(film_id: str) -> dict[str, Any]:
        services.films.remove_upload(services.films.find(film_id))
        for job in services.jobs.of_film(film_id):
            services.runner.remove(job.id)
        return {}

    return router


def film_to_json(film: Film) -> dict[str, Any]:
    """What the page may know of a film; not where it lies."""
    return {"id": film.id, "name": film.name, "size_bytes": film.size_bytes, "uploaded": film.uploaded}


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    """The body, piece by piece.

    Raises:
        Refusal: 408, nothing comes any more.
    """
    stream = request.stream()
    while True:
        try:
            block = await asyncio.wait_for(anext(stream), STALL_S)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Refusal(408, "the upload stalled; try again") from None
        yield block
