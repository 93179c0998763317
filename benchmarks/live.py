"""How well does mpv keep to a plan? ``speediness play``, watched by somebody else.

    python benchmarks/live.py [--seconds 60]

A marked video twice as long (``benchmarks/marked.py``) is played at 2x by a plan that swings between
about 1x and 4x, through the code of ``speediness play``, without a window. A process of its own is a
second client of mpv's: it asks for the position at every frame and looks at its own clock. Nothing it
says reaches the player.
"""

from __future__ import annotations

import json
import socket
import tempfile
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from marked import RATE, write_marked
from report import this_machine
from speediness.live.session import Session
from speediness.results.curve import SpeedinessCurve
from speediness.sampling import playback_factors
from speediness.speedup.solver import plan_speedup

SPEED, WAVE_S = 2.0, 16.0
SETTLED_S = 2.0  # a player needs a moment until its sound runs


def main() -> None:
    """Play once and print what was seen."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long it plays")
    parser.add_argument("--video", type=Path, help="a marked video of twice that length, made before")
    given = parser.parse_args()
    curve = waves(given.seconds * SPEED)
    with tempfile.TemporaryDirectory() as folder, get_context("spawn").Pool(1) as pool:
        video, address = given.video or Path(folder) / "marked.mp4", str(Path(folder) / "mpv")
        if given.video is None:
            write_marked(video, curve.duration_s)
        session = Session(curve, lambda rate: plan_speedup(curve, rate), SPEED, 0.0)
        seen = pool.apply_async(watch, (address,))
        session.play(video, ["--no-config", "--vo=null", "--ao=null", f"--input-ipc-server={address}"])
        moments = np.array(seen.get(10))
    plan = session.replan(SPEED)
    print(f"{this_machine()}\n{report(moments[:, 0], plan.output_time(moments[:, 1]))}")
    print(f"plan: {plan.output_duration_s:.1f} s at {plan.factor.min():.2f}x to {plan.factor.max():.2f}x")


def waves(seconds: float) -> SpeedinessCurve:
    """A curve of which the fastest that looks natural goes from 1x to 4x and back."""
    times_s = np.arange(round(seconds * RATE)) / RATE
    limit = 2 ** (1 - np.cos(2 * np.pi * times_s / WAVE_S))
    normal = np.stack([np.where(factor <= limit, 0.9, 0.1) for factor in playback_factors()])
    return SpeedinessCurve(
        times_s, seconds, playback_factors(), normal.astype(np.float32), np.ones(len(times_s), np.float32)
    )


def watch(address: str) -> list[tuple[float, float]]:
    """Every (clock, position) that mpv tells until it ends, both seconds."""
    with socket.socket(socket.AF_UNIX) as client:
        for _ in range(200):
            try:
                client.connect(address)
                break
            except OSError:
                time.sleep(0.1)
        client.sendall(b'{"command": ["observe_property", 1, "time-pos"]}\n')
        moments: list[tuple[float, float]] = []
        for line in client.makefile():
            event = json.loads(line)
            if event.get("name") == "time-pos" and event.get("data") is not None:
                moments.append((time.monotonic(), event["data"]))
        return moments


def report(clock_s: np.ndarray, plan_s: np.ndarray) -> str:
    """What the clock and the plan's own time say of each other, in two sentences."""
    running = plan_s > SETTLED_S
    clock_s, plan_s = clock_s[running], plan_s[running]
    ahead_ms = 1000 * ((plan_s - plan_s[0]) - (clock_s - clock_s[0]))
    slope, _ = np.polyfit(clock_s - clock_s[0], ahead_ms, 1)
    off_ms = np.abs(ahead_ms - np.median(ahead_ms))
    half, p95 = np.quantile(off_ms, (0.5, 0.95))
    return (
        f"{len(clock_s)} frames in {clock_s[-1] - clock_s[0]:.1f} s: drift {60 * slope:+.1f} ms a minute;\n"
        f"off the plan by {half:.1f} ms in the middle, {p95:.1f} ms at most for 95 % of the frames,"
        f" {off_ms.max():.1f} ms at worst"
    )


if __name__ == "__main__":
    main()
