"""The process that does one job: reads what to do, reports as it goes, and can be killed at any time.

Started by :mod:`speediness.web.runner` as ``python -m speediness.web.worker``. The first line of
standard input is the order; standard output carries one JSON object a line: ``progress`` (done, in
all), then ``result`` or ``error``.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speediness.errors import SpeedinessError, VideoError
from speediness.web.containment import end_with_parent, limit_process, open_contained

if TYPE_CHECKING:
    from speediness.results.curve import SpeedinessCurve
    from speediness.results.plan import SpeedPlan

JobInput = dict[str, Any]
"""kind, video (path), name, folder (for results), params, curve (path), video_s, and the three limits."""
Report = Callable[[float, float], None]

REPORT_EVERY_S = 0.2
FINDING = 0.3  # share of a heat map's time that goes into finding it; the rest draws it
MEASURING = 0.2  # share of a playable copy's time that goes into finding how long the video is


def main() -> None:
    """Do one job and say what came of it."""
    job: JobInput = json.loads(sys.stdin.readline())
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.stdout = sys.stderr  # whatever a library prints is not for the server
    end_with_parent()
    limit_process(job["memory_bytes"], job["cpu_s"], job["file_bytes"])

    def say(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    try:
        say({"result": WORK[job["kind"]](job, _every_so_often(say))})
    except SpeedinessError as error:
        # The name its owner knows; where the server keeps it is nobody's business.
        say({"error": str(error).replace(job["film"], job["name"])})
    except MemoryError:
        say({"error": "this video needs more memory than a job may take; use a smaller frame"})
    except Exception as error:
        traceback.print_exc()
        say({"error": f"a bug: {type(error).__name__}; please report it"})


def _every_so_often(say: Callable[[dict[str, Any]], None]) -> Report:
    next_s = 0.0

    def report(done: float, total: float) -> None:
        nonlocal next_s
        if time.monotonic() >= next_s:
            next_s = time.monotonic() + REPORT_EVERY_S
            say({"progress": [float(done), float(total)]})

    return report


def probe(job: JobInput, report: Report) -> dict[str, Any]:
    """What the video is, for the player: size, length, coding, and when its first frame shows."""
    from speediness.video.reader import VideoReader

    path = Path(job["film"])
    container, clock_start_s = open_contained(path)
    reader = VideoReader(path)
    info = reader.info
    duration_s = None if info.duration_s is None else float(info.duration_s)
    if duration_s is not None:
        _refuse_long(path, duration_s, job["film_s"])
    return {
        "width_px": info.width_px,
        "height_px": info.height_px,
        "duration_s": duration_s,
        "frame_rate": round(float(info.frame_rate), 3),
        "codec": info.codec,
        "container": container,
        "has_audio": info.has_audio,
        # A browser's clock starts with the container's, a curve's with the first frame.
        "starts_at_s": max(0.0, float(reader.start_s) - clock_start_s),
    }


def analyse(job: JobInput, report: Report) -> dict[str, Any]:
    """The curve, its frame, the part of it that the page draws, and the features that search compares."""
    from speediness.analysis.analyse import analyse_with_features
    from speediness.results.archive import features_to_arrays, to_bytes
    from speediness.results.documents import write_json
    from speediness.results.store import ResultStore
    from speediness.web.curve_columns import curve_columns

    path, folder = Path(job["film"]), Path(job["folder"])
    open_contained(path)

    def seen(done_s: float, total_s: float) -> None:
        _refuse_long(path, done_s, job["film_s"])
        report(done_s, total_s)

    curve, features = analyse_with_features(path, store=ResultStore(), progress=seen)
    curve = replace(curve, made_by=curve.made_by | {"video": Path(job["name"]).name})
    curve.save(folder / "curve.json")
    _draw_plots(curve, path, folder)
    write_json(folder / "columns.json", curve_columns(curve))
    (folder / "features.npz").write_bytes(to_bytes(features_to_arrays(features)))
    return {
        "duration_s": curve.duration_s,
        "frames": len(curve.times_s),
        "network_sha256": curve.made_by["network_sha256"],
    }


def render(job: JobInput, report: Report) -> dict[str, Any]:
    """The adaptive video with its plan and frame."""
    from speediness.results.curve import SpeedinessCurve
    from speediness.speedup.render import render_speedup
    from speediness.speedup.solver import plan_speedup

    path, folder = Path(job["film"]), Path(job["folder"])
    open_contained(path)
    curve = SpeedinessCurve.load(Path(job["curve"]))
    plan = plan_speedup(curve, job["params"]["rate"], locks_s=_locks(job))
    plan.save(folder / "plan.json")
    _draw_plots(curve, path, folder, plan)
    made = render_speedup(path, plan, folder / "film.mp4", audio="first", progress=report)
    return {"duration_s": made.duration_s}


def study(job: JobInput, report: Report) -> dict[str, Any]:
    """The two videos of a blind comparison, equally long."""
    from speediness.results.curve import SpeedinessCurve
    from speediness.speedup.render import render_speedup
    from speediness.speedup.solver import plan_speedup

    path, folder = Path(job["film"]), Path(job["folder"])
    open_contained(path)
    curve = SpeedinessCurve.load(Path(job["curve"]))
    rate = job["params"]["rate"]
    plan = plan_speedup(curve, rate, locks_s=_locks(job))
    made = render_speedup(
        path,
        plan,
        folder / "adaptive.mp4",
        audio="first",
        progress=lambda done, total: report(done / 2, total),
    )
    render_speedup(
        path,
        _uniform(curve.duration_s, rate),
        folder / "uniform.mp4",
        audio="first",
        progress=lambda done, total: report((total + done) / 2, total),
    )
    return {"duration_s": made.duration_s}


def playable(job: JobInput, report: Report) -> dict[str, Any]:
    """A copy at its own speed that every browser plays."""
    from speediness.speedup.render import render_speedup
    from speediness.video.reader import VideoReader

    path = Path(job["film"])
    open_contained(path)
    reader = VideoReader(path)
    promised_s = float(reader.info.duration_s or 0)
    for (
        done_s,
        _,
    ) in reader.decoded():  # to the end: a video cut short is not as long as its header promises
        _refuse_long(path, float(done_s), job["film_s"])
        report(MEASURING * float(done_s), promised_s)
    made = render_speedup(
        path,
        _uniform(float(reader.end_s), 1.0),
        Path(job["folder"], "film.mp4"),
        audio="first",
        progress=lambda done, total: report(MEASURING * total + (1 - MEASURING) * done, total),
    )
    return {"duration_s": made.duration_s}


def heatmap(job: JobInput, report: Report) -> dict[str, Any]:
    """The video with its class-activation maps laid over it (§5.5)."""
    from speediness.heatmap.maps import find_maps
    from speediness.heatmap.render import render_heatmap

    path = Path(job["film"])
    open_contained(path)

    def seen(done_s: float, total_s: float) -> None:
        _refuse_long(path, done_s, job["film_s"])
        report(FINDING * done_s, total_s)

    maps = find_maps(path, progress=seen)
    render_heatmap(
        path,
        maps,
        Path(job["folder"], "film.mp4"),
        progress=lambda done, total: report(FINDING * total + (1 - FINDING) * done, total),
    )
    return {"duration_s": maps.duration_s}


WORK: dict[str, Callable[[JobInput, Report], dict[str, Any]]] = {
    "look": probe,
    "analyse": analyse,
    "render": render,
    "study": study,
    "playable": playable,
    "heatmap": heatmap,
}


def _refuse_long(path: Path, video_s: float, most_s: float) -> None:
    """Whatever its header promised: a video counts as long as it plays."""
    if video_s > most_s:
        raise VideoError(
            f"{path} lasts longer than the {most_s / 60:g} minutes that this server takes;"
            " cut it, or start the server with a larger --max-minutes"
        )


def _draw_plots(curve: SpeedinessCurve, video: Path, folder: Path, plan: SpeedPlan | None = None) -> None:
    from speediness.plots import plot_curve

    for name in ("plot.png", "plot.svg"):
        plot_curve(curve, folder / name, plan, video=video)


def _locks(job: JobInput) -> list[tuple[float, float]]:
    return [(start_s, end_s) for start_s, end_s in job["params"]["locks"]]


def _uniform(duration_s: float, rate: float) -> SpeedPlan:
    import numpy as np

    from speediness.results.plan import SpeedPlan

    return SpeedPlan(np.array([0.0, duration_s]), np.full(2, 1 / rate), rate)


if __name__ == "__main__":
    main()
