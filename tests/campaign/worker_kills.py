"""``kill -9`` of the page's worker: the job is reported as failed, and begun again it ends as without."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from campaign.made import made_curve, made_video
from campaign.server import Server, error_log, served
from web_site import settings_in

LATEST = 1.1  # of the time that a job takes: some kills come too late
MADE = {
    "analyse": lambda folder: made_curve(folder, "curve.json"),
    "render": lambda folder: made_video(folder, "film.mp4"),
    "heatmap": lambda folder: made_video(folder, "film.mp4"),
}
WISHES = {"render": {"rate": 2, "locks": []}}


@dataclass
class Killed:
    """What came of one verb."""

    kills: int = 0
    finished: int = 0
    """Runs that were over before their kill."""
    faults: int = 0


def kill_workers(video: Path, folder: Path, times: int, seed: int, most_s: float) -> Killed:
    """Have a server work on a video, and kill who works.

    Args:
        video: to work on.
        folder: for the server.
        times: kills.
        seed: of the moments.
        most_s: after which no more jobs are begun.
    """
    settings = settings_in(folder)
    shutil.copy(video, settings.folder / "long.mp4")
    with served(settings, folder / "cache") as server:
        site = server.site
        video_id = site.video_id("long.mp4")
        assert site.run_job(video_id, "look")["state"] == "done"
        wanted, took_s = {}, {}
        for kind, made in MADE.items():
            began_s = time.monotonic()
            job = site.run_job(video_id, kind, WISHES.get(kind))
            took_s[kind] = time.monotonic() - began_s
            assert job["state"] == "done", job
            wanted[kind] = made(settings.state / "jobs" / job["id"])
        began_s, result, rng = time.monotonic(), Killed(), np.random.default_rng(seed)
        kinds, first = list(MADE), site.get(f"films/{video_id}")["done"]
        while result.kills < times and time.monotonic() - began_s < most_s:
            kind = kinds[(result.kills + result.finished) % len(kinds)]
            shutil.rmtree(folder / "cache", ignore_errors=True)  # else there is nothing to do
            run_s = time.monotonic()
            job = _killed(server, video_id, kind, rng.uniform(0, LATEST * took_s[kind]))
            at = settings.state / "jobs" / job["id"]
            if job["state"] == "done":
                result.finished += 1
                # The machine has other work now than at first.
                took_s[kind] = (took_s[kind] + time.monotonic() - run_s) / 2
                wrong = (
                    MADE[kind](at) != wanted[kind] or site.client.delete(f"/api/jobs/{job['id']}").is_error
                )
            else:
                result.kills += 1
                wrong = (
                    job["state"] != "failed" or "ended unexpectedly" not in job["message"] or at.exists()
                )
            if wrong or site.get(f"films/{video_id}")["done"] != first or site.get("jobs"):
                result.faults += 1
                print(f"the page's worker: {job}", flush=True)
        for kind, made in MADE.items():
            job = site.run_job(video_id, kind, WISHES.get(kind))
            result.faults += (
                job["state"] != "done" or made(settings.state / "jobs" / job["id"]) != wanted[kind]
            )
        result.faults += bool(list(folder.rglob("*.partial")))
    result.faults += "Traceback" in error_log(settings).read_text()
    return result


def _killed(server: Server, video_id: str, kind: str, after_s: float) -> dict:
    """A job after its end."""
    body = {"kind": kind} | ({"wish": WISHES[kind]} if kind in WISHES else {})
    job_id = server.site.post(f"films/{video_id}/jobs", body)["id"]
    server.wait_for_worker(job_id)
    until_s = time.monotonic() + after_s
    while time.monotonic() < until_s and server.site.get(f"jobs/{job_id}")["active"]:
        time.sleep(0.02)
    server.kill_workers()
    return server.site.end_of(job_id)
