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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speediness.errors import SpeedinessError, VideoError
from speediness.web.containment import end_with_parent, limit_process, open_contained

if TYPE_CHECKING:
    from speediness.heatmap.squares import MapKind
    from speediness.results.curve import SpeedinessCurve
    from speediness.results.plan import SpeedPlan

JobInput = dict[str, Any]
"""kind, video (path), name, media (its path for others), folder (for results), params, curve (path),
video_s, and the three limits."""
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
    from speediness.web.overview import draw_thumbnail

    path = Path(job["film"])
    container, clock_start_s = open_contained(path)
    reader = VideoReader(path)
    info = reader.info
    duration_s = None if info.duration_s is None else float(info.duration_s)
    if duration_s is not None:
        _refuse_long(path, duration_s, job["film_s"])
    draw_thumbnail(reader, Path(job["folder"], "thumbnail.jpg"))
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
    from speediness.web.overview import verdict

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
        "verdict": verdict(curve.segments),
    }


def render(job: JobInput, report: Report) -> dict[str, Any]:
    """The adaptive video with its plan and frame."""
    from speediness.speedup.render import render_speedup

    path, folder = Path(job["film"]), Path(job["folder"])
    open_contained(path)
    curve, plan = _planned(job)
    plan.save(folder / "plan.json")
    _draw_plots(curve, path, folder, plan)
    made = render_speedup(path, plan, folder / "film.mp4", audio="first", progress=report)
    return {"duration_s": made.duration_s}


def study(job: JobInput, report: Report) -> dict[str, Any]:
    """The two videos of a blind comparison, equally long."""
    from speediness.speedup.render import render_speedup

    path, folder = Path(job["film"]), Path(job["folder"])
    open_contained(path)
    curve, plan = _planned(job)
    made = render_speedup(
        path,
        plan,
        folder / "adaptive.mp4",
        audio="first",
        progress=lambda done, total: report(done / 2, total),
    )
    render_speedup(
        path,
        _uniform(curve.duration_s, plan.rate),
        folder / "uniform.mp4",
        audio="first",
        progress=lambda done, total: report((total + done) / 2, total),
    )
    return {"duration_s": made.duration_s}


def export(job: JobInput, report: Report) -> dict[str, Any]:
    """The plan as a timeline in every format, and the subtitles beside the video on its clock."""
    from speediness.timeline.export import FORMATS, export_timeline
    from speediness.video.reader import VideoReader
    from speediness.video.subtitle_files import map_subtitles, mapped_name, subtitle_files

    path, folder = Path(job["film"]), Path(job["folder"])
    open_contained(path)
    info = replace(VideoReader(path).info, path=Path(job["media"]))
    _, plan = _planned(job)
    for suffix in FORMATS:
        export_timeline(plan, info, folder / f"timeline{suffix}")
    # A link beside the video may lead to what the server does not show.
    texts = [text for text in subtitle_files(path) if text.is_file() and not text.is_symlink()]
    stems = folder / "subtitles"
    for text in texts:
        map_subtitles(text, mapped_name(text, path, stems), plan.output_time)
    return {"subtitles": [text.name.removeprefix(path.stem) for text in texts]}


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


def heatmap(job: JobInput, report: Report, kind: MapKind = "drive") -> dict[str, Any]:
    """The video with its class-activation maps laid over it (§5.5)."""
    from speediness.heatmap.maps import find_maps
    from speediness.heatmap.render import render_heatmap

    path = Path(job["film"])
    open_contained(path)

    def seen(done_s: float, total_s: float) -> None:
        _refuse_long(path, done_s, job["film_s"])
        report(FINDING * done_s, total_s)

    maps = find_maps(path, kind, progress=seen)
    render_heatmap(
        path,
        maps,
        Path(job["folder"], "film.mp4"),
        progress=lambda done, total: report(FINDING * total + (1 - FINDING) * done, total),
    )
    return {"duration_s": maps.duration_s}


def propagate(job: JobInput, report: Report) -> dict[str, Any]:
    """The video with what was outlined in its first frame, followed to the end."""
    import numpy as np
    from PIL import Image, ImageDraw

    from speediness.propagate.mask_files import write_mask
    from speediness.propagate.render import propagate as follow
    from speediness.video.reader import VideoReader

    path, folder = Path(job["film"]), Path(job["folder"])
    open_contained(path)
    info = VideoReader(path).info
    size_px = info.width_px, info.height_px
    mask = Image.new("L", size_px)
    for number, corners in enumerate(job["params"]["objects"], 1):
        ImageDraw.Draw(mask).polygon([(x * size_px[0], y * size_px[1]) for x, y in corners], fill=number)
    write_mask(folder / "first.png", np.asarray(mask))
    made = follow(path, folder / "first.png", folder / "film.mp4", progress=report)
    return {"objects": made.objects}


WORK: dict[str, Callable[[JobInput, Report], dict[str, Any]]] = {
    "look": probe,
    "analyse": analyse,
    "render": render,
    "study": study,
    "playable": playable,
    "heatmap": heatmap,
    "speedmap": partial(heatmap, kind="speed"),
    "export": export,
    "propagate": propagate,
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


def _planned(job: JobInput) -> tuple[SpeedinessCurve, SpeedPlan]:
    """The curve of the video, and the plan that is wished."""
    from speediness.results.curve import SpeedinessCurve
    from speediness.speedup.solver import plan_speedup

    curve, wish = SpeedinessCurve.load(Path(job["curve"])), job["params"]
    return curve, plan_speedup(curve, wish["rate"], locks_s=[(start, end) for start, end in wish["locks"]])


def _uniform(duration_s: float, rate: float) -> SpeedPlan:
    import numpy as np

    from speediness.results.plan import SpeedPlan

    return SpeedPlan(np.array([0.0, duration_s]), np.full(2, 1 / rate), rate)


if __name__ == "__main__":
    main()
