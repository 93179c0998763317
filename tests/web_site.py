"""A server that runs for a test, and videos whose curve is made up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn

from speediness.cli.serve import listening
from speediness.results.archive import features_to_arrays, to_bytes
from speediness.results.curve import Segment, SpeedinessCurve
from speediness.results.documents import write_json
from speediness.results.features import MotionFeatures
from speediness.sampling import playback_factors
from speediness.web.app import create_app
from speediness.web.curve_columns import curve_columns
from speediness.web.services import Services
from speediness.web.settings import Limits, Settings

PATIENCE_S = 60.0  # the machine may be busy


class Site:
    """A server that runs, and a client that asks as its own page would."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = f"http://127.0.0.1:{settings.port}"
        self.client = httpx.Client(base_url=self.url, headers={"X-Speediness": "1"}, timeout=PATIENCE_S)

    def get(self, path: str) -> Any:
        answer = self.client.get(f"/api/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.client.post(f"/api/{path}", json=body or {})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def upload(self, name: str, content: bytes) -> str:
        answer = self.client.post("/api/uploads", params={"name": name}, content=content)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    def video_id(self, name: str) -> str:
        return next(video["id"] for video in self.get("films") if video["name"] == name)

    def run_job(self, video_id: str, kind: str, wish: dict[str, Any] | None = None) -> dict[str, Any]:
        """Start a job and wait for its end."""
        job = self.post(f"films/{video_id}/jobs", {"kind": kind} | ({"wish": wish} if wish else {}))
        return self.end_of(job["id"])

    def end_of(self, job_id: str) -> dict[str, Any]:
        until_s = time.monotonic() + PATIENCE_S
        while (job := self.get(f"jobs/{job_id}"))["active"]:
            assert time.monotonic() < until_s, f"{job['kind']} does not end"
            time.sleep(0.05)
        return job


@contextmanager
def serving(settings: Settings) -> Iterator[Site]:
    """A real server on a port of its own, in a thread."""
    with listening("127.0.0.1", 0) as listener:
        settings = replace(settings, port=listener.getsockname()[1])
        server = uvicorn.Server(
            uvicorn.Config(create_app(settings), log_level="warning", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            site = Site(settings)
            with site.client:
                yield site
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)


def workers(server: int | None = None) -> list[int]:
    """Process numbers of the workers that a process started, this one unless given, and that still run."""
    found, server = [], server or os.getpid()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                line, status = (entry / "cmdline").read_bytes(), (entry / "stat").read_text()
            except OSError:
                continue
            state, parent = status.rpartition(")")[2].split()[:2]
            if b"speediness.web.worker" in line and parent == str(server) and state != "Z":
                found.append(int(entry.name))
    return found


def settings_in(root: Path, **limits: Any) -> Settings:
    for folder in (root / "films", root / "state"):
        folder.mkdir(parents=True, exist_ok=True)
    return Settings((root / "films").resolve(), (root / "state").resolve(), limits=Limits(**limits))


def made_up_curve(duration_s: float, rate: int = 25, seed: int = 0) -> SpeedinessCurve:
    """A network that finds every other stretch natural up to 4x and the rest up to 1.3x, with doubts."""
    frames = round(duration_s * rate)
    times_s = np.arange(frames) / rate
    rng = np.random.default_rng(seed)
    stretch_s = max(duration_s / 12, 2.0)
    calm = (times_s // stretch_s).astype(int) % 2 == 0
    reach = np.where(calm, 4.0, 1.3) * np.exp(rng.normal(0, 0.2, frames))
    factors = playback_factors()
    normal = 1 / (1 + np.exp(4 * (np.log(np.array(factors))[:, None] - np.log(reach))))
    edges_s = [*np.arange(0, duration_s - 1e-6, stretch_s).tolist(), duration_s]
    labels = ("natural", "slow_motion", "natural", "sped_up")
    segments = tuple(
        Segment(start_s, end_s, labels[n % 4], (1.0, 0.5, 1.0, 2.0)[n % 4], 0.8)
        for n, (start_s, end_s) in enumerate(pairwise(edges_s))
    )
    return SpeedinessCurve(
        times_s,
        duration_s,
        factors,
        normal.astype(np.float32),
        np.ones(frames, np.float32),
        segments,
        made_by={"video": "made up"},
    )


def made_up_features(duration_s: float, period_s: float, seed: int = 0) -> MotionFeatures:
    """Something moves over and over."""
    times_s = np.arange(0.03, duration_s, 1 / 16)
    phase = 2 * np.pi * times_s / period_s
    waves = np.stack([np.sin(phase), np.cos(phase), np.sin(2 * phase + 1), 0 * phase], 1) + 1
    noise = np.random.default_rng(seed).normal(0, 0.1, waves.shape)
    still = np.ones(len(times_s), np.float32)
    return MotionFeatures(times_s, (waves + noise).astype(np.float16), still, (0.0,), duration_s)


def with_curve(
    settings: Settings,
    name: str,
    curve: SpeedinessCurve,
    features: MotionFeatures | None = None,
    network_sha256: str = "made up",
) -> str:
    """Make the state of a video look as if it had been analysed, before the server starts; its id.

    Without features as an earlier version did it, which kept none.
    """
    services = Services.open(settings)
    (video,) = [video for video in services.videos.all() if video.name == name]
    look = services.jobs.add("look", video.id, video.name, {})
    info = {
        "width_px": 96,
        "height_px": 64,
        "duration_s": curve.duration_s,
        "frame_rate": 25,
        "codec": "h264",
        "container": "mov,mp4,m4a,3gp,3g2,mj2",
        "has_audio": False,
        "starts_at_s": 0.0,
    }
    services.jobs.finish(look.id, "done", result=info)
    job = services.jobs.add("analyse", video.id, video.name, {})
    folder = services.runner.folder(job.id)
    folder.mkdir()
    curve.save(folder / "curve.json")
    write_json(folder / "columns.json", curve_columns(curve))
    (folder / "plot.png").write_bytes(b"")
    if features:
        (folder / "features.npz").write_bytes(to_bytes(features_to_arrays(features)))
    services.jobs.finish(job.id, "done", result={"network_sha256": network_sha256} if features else {})
    services.database.close()
    return video.id
