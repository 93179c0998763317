"""What the page asks when it looks for motion."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from speediness.search.hits import Hit
from speediness.web.motion_search import find_alike
from speediness.web.refusal import Refusal
from speediness.web.services import Services
from speediness.web.wish import Seconds


class Stretch(BaseModel):
    """A part of a film, in seconds."""

    model_config = ConfigDict(extra="forbid")

    start_s: Seconds
    end_s: Seconds


def search_routes(services: Services) -> APIRouter:
    """The route that searches all analysed films for a stretch of one."""
    router = APIRouter(prefix="/api/films/{film_id}")
    one_at_a_time = asyncio.Semaphore(1)

    @router.post("/search")
    async def search(film_id: str, stretch: Stretch) -> dict[str, Any]:
        async with one_at_a_time:
            return await asyncio.to_thread(_search, services, film_id, stretch)

    return router


def _search(services: Services, film_id: str, stretch: Stretch) -> dict[str, Any]:
    asked = services.films.find(film_id)
    looked, copies = services.jobs.latest_done("look"), services.jobs.latest_done("playable")
    analysed = {
        film: job
        for film, job in services.jobs.latest_done("analyse").items()
        if "network_sha256" in job.result and film in looked  # versions before kept no features
    }
    if asked.id not in analysed:
        raise Refusal(409, "no features are kept of this film; analyse it first")
    network = analysed[asked.id].result["network_sha256"]
    own = services.result(analysed[asked.id].id, "features.npz")
    films, left = {own: asked}, []
    for film in services.films.all():
        job = analysed.get(film.id)
        # Features of different networks cannot be compared.
        if job is None or job.result["network_sha256"] != network:
            left.append(film)
        elif film.id != asked.id:
            films[services.result(job.id, "features.npz")] = film
    alike = find_alike(own, [path for path in films if path != own], stretch.start_s, stretch.end_s)
    left += [films[path] for path in alike.unread]

    def match(hit: Hit) -> dict[str, Any]:
        film = films[hit.path]
        copy = copies.get(film.id)
        return {
            "film_id": film.id,
            "film": film.name,
            "version": copy.id if copy else film.id,
            "starts_at_s": 0.0 if copy else looked[film.id].result["starts_at_s"],
            "start_s": round(hit.start_s, 3),
            "end_s": round(hit.end_s, 3),
            "similarity": round(hit.similarity, 3),
        }

    return {
        "graph": alike.graph,
        "here": [match(hit) for hit in alike.here],
        "elsewhere": [match(hit) for hit in alike.elsewhere],
        "searched": len(films) - len(alike.unread),
        "unsearched": [{"id": film.id, "name": film.name} for film in left],
    }
