"""Eight clients ask the page at once, half of what they ask hostile, while its worker is killed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from campaign.server import Server, error_log, served
from speediness.web.settings import Settings
from synthetic import steady, write_video
from web.test_hostile import REQUESTS, SECRET, WISH
from web_site import Site, made_up_curve, made_up_features, settings_in, with_curve

CLIENTS = 8
PATIENCE_S = 1.0  # of people; what is slower is counted
PAUSE_S = 0.1  # at most, between two requests of a client
KILLED_AFTER_S = (0.2, 2.0)
LONG_FRAMES = 1500  # whose analysis takes longer than that
ORDINARY: dict[str, Callable[[str], tuple[str, str, dict]]] = {
    "the page": lambda video: ("GET", "/", {}),
    "its script": lambda video: ("GET", "/static/app.js", {}),
    "all videos": lambda video: ("GET", "/api/films", {}),
    "one video": lambda video: ("GET", f"/api/films/{video}", {}),
    "jobs": lambda video: ("GET", "/api/jobs", {}),
    "a part of a video": lambda video: (
        "GET",
        f"/api/films/{video}/video",
        {"headers": {"Range": "bytes=1000-2000"}},
    ),
    "a part of a curve": lambda video: ("GET", f"/api/films/{video}/columns?start_s=0&end_s=1", {}),
    "a plan": lambda video: (
        "POST",
        f"/api/films/{video}/plan",
        {"content": WISH, "headers": {"Content-Type": "application/json"}},
    ),
    "a search": lambda video: (
        "POST",
        f"/api/films/{video}/search",
        {"json": {"start_s": 0.2, "end_s": 0.9}},
    ),
}


@dataclass
class Asked:
    """What came of it."""

    took_s: dict[str, list[float]] = field(default_factory=lambda: {"ordinary": [], "hostile": []})
    """Seconds that each answer took, by what was asked."""
    faults: list[str] = field(default_factory=list)
    lasted_s: float = 0.0


def run(seconds: float, seed: int) -> Asked:
    """Ask for a while; the worker is killed once, its job begun again, another waits behind it.

    Args:
        seconds: for which the clients ask.
        seed: of what they ask, and when the worker is killed.
    """
    with tempfile.TemporaryDirectory(prefix="page-") as name:
        root = Path(name)
        settings = settings_in(root)
        write_video(settings.folder / "film.mp4", steady(50, 25))
        write_video(settings.folder / "long.mp4", steady(LONG_FRAMES, 25))
        (root / "secret.mp4").write_bytes(SECRET)
        video = with_curve(settings, "film.mp4", made_up_curve(2), made_up_features(2, 0.7))
        asked = Asked()
        with served(settings, root / "cache") as server, ThreadPoolExecutor(CLIENTS) as pool:
            before = server.site.get(f"films/{video}")
            began_s = time.monotonic()
            clients = [
                pool.submit(_ask, server.site.settings, video, (seed, n), began_s + seconds, asked)
                for n in range(CLIENTS)
            ]
            asked.faults += _kill_one(server, np.random.default_rng(seed))
            for client in clients:
                client.result()
            asked.lasted_s = time.monotonic() - began_s
            if server.site.get(f"films/{video}") != before:
                asked.faults.append("another video is not as it was")
            left = [*(settings.state / "uploads").iterdir(), *root.rglob("*.partial")]
            asked.faults += [f"left: {path.name}" for path in left]
        complaints = error_log(settings).read_text()
        if "Traceback" in complaints:
            asked.faults.append(complaints[complaints.index("Traceback") :][:2000])
    return asked


def _ask(settings: Settings, video: str, seed: tuple[int, int], until_s: float, asked: Asked) -> None:
    rng, site = np.random.default_rng(seed), Site(settings)
    with site.client:
        while time.monotonic() < until_s:
            kind = "hostile" if rng.integers(2) else "ordinary"
            name = str(rng.choice(list(REQUESTS if kind == "hostile" else ORDINARY)))
            began_s = time.monotonic()
            try:
                wrong = (_hostile if kind == "hostile" else _ordinary)(site, video, name)
            except Exception as error:  # an answer that never came is a fault
                wrong = f"{type(error).__name__}: {error}"
            asked.took_s[kind].append(time.monotonic() - began_s)
            if wrong:
                asked.faults.append(f"{name}: {wrong}")
            time.sleep(rng.uniform(0, PAUSE_S))


def _ordinary(site: Site, video: str, name: str) -> str:
    verb, path, more = ORDINARY[name](video)
    answer = site.client.request(verb, path, **more)
    return (
        "" if answer.status_code in (200, 206) and answer.content else f"{answer.status_code} {answer.text}"
    )


def _hostile(site: Site, video: str, name: str) -> str:
    answer = REQUESTS[name](site, video)
    status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 400
    leaks = SECRET in answer or b"root:" in answer or b"Traceback" in answer
    return "" if 400 <= status < 500 and not leaks else f"{answer[:300]!r}"


def _kill_one(server: Server, rng: np.random.Generator) -> list[str]:
    """Kill the worker once; what was wrong then."""
    site, faults = server.site, []
    video = site.video_id("long.mp4")
    look = site.run_job(video, "look")
    analysis = site.post(f"films/{video}/jobs", {"kind": "analyse"})
    waiting = site.post(f"films/{video}/jobs", {"kind": "playable"})
    server.wait_for_worker(analysis["id"])
    time.sleep(rng.uniform(*KILLED_AFTER_S))
    server.kill_workers()
    ended = [look, site.end_of(analysis["id"]), site.end_of(waiting["id"]), site.run_job(video, "analyse")]
    for job, wanted in zip(ended, ("done", "failed", "done", "done"), strict=True):
        if job["state"] != wanted:
            faults.append(f"{job['kind']} is {job['state']} instead of {wanted}: {job['message']}")
    if (server.site.settings.state / "jobs" / analysis["id"]).exists():
        faults.append("something is left of the job that was killed")
    return faults
