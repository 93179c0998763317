"""What the page asks when it looks for motion."""

import asyncio
from typing import Any

from speediness.search.hits import Hit
from speediness.web.api_error import ApiError
from speediness.web.asked import stretch
from speediness.web.motion_search import find_alike
from speediness.web.routes import Routes
from speediness.web.services import Services


def search_routes(services: Services) -> Routes:
    """The route that searches all analysed videos for a stretch of one."""
    routes = Routes()
    one_at_a_time = asyncio.Semaphore(1)

    @routes.on("POST", "/api/films/{video_id}/search", stretch)
    async def search(video_id: str, asked: tuple[float, float]) -> dict[str, Any]:
        async with one_at_a_time:
            return await asyncio.to_thread(_search, services, video_id, *asked)

    return routes


def _search(services: Services, video_id: str, start_s: float, end_s: float) -> dict[str, Any]:
    asked = services.videos.find(video_id)
    looked, copies = services.jobs.latest_done("look"), services.jobs.latest_done("playable")
    analysed = {
        video: job
        for video, job in services.jobs.latest_done("analyse").items()
        if "network_sha256" in job.result and video in looked  # versions before kept no features
    }
    if asked.id not in analysed:
        raise ApiError(409, "no features are kept of this video; analyse it first")
    network = analysed[asked.id].result["network_sha256"]
    own = services.result(analysed[asked.id].id, "features.npz")
    videos, left = {own: asked}, []
    for video in services.videos.all():
        job = analysed.get(video.id)
        # Features of different networks cannot be compared.
        if job is None or job.result["network_sha256"] != network:
            left.append(video)
        elif video.id != asked.id:
            videos[services.result(job.id, "features.npz")] = video
    alike = find_alike(own, [path for path in videos if path != own], start_s, end_s)
    left += [videos[path] for path in alike.unread]

    def match(hit: Hit) -> dict[str, Any]:
        video = videos[hit.path]
        copy = copies.get(video.id)
        return {
            "film_id": video.id,
            "film": video.name,
            "version": copy.id if copy else video.id,
            "starts_at_s": 0.0 if copy else looked[video.id].result["starts_at_s"],
            "start_s": round(hit.start_s, 3),
            "end_s": round(hit.end_s, 3),
            "similarity": round(hit.similarity, 3),
        }

    return {
        "graph": alike.graph,
        "here": [match(hit) for hit in alike.here],
        "elsewhere": [match(hit) for hit in alike.elsewhere],
        "searched": len(videos) - len(alike.unread),
        "unsearched": [
            {"id": video.id, "name": video.name, "looked": video.id in looked} for video in left
        ],
    }
