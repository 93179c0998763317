"""How fast are heat maps? Finding and drawing them against analysis of the same video, in one run.

    python benchmarks/heatmap_speed.py [VIDEO...] [-o DIR]

Without VIDEO: a minute of the bundled clip at 1920x1080, 25 frames a second; other videos are made by
benchmarks/videos.py. "heatmap" is what the command does: find the maps, then read the video again, paint
it and encode it. Rounds alternate between the ways, so that what else the machine does hits all alike;
the tables give medians. CPU time is that of all threads and hardly minds a busy machine, wall time does.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from matplotlib.figure import Figure

from report import Results, arguments, markdown, report
from speediness.analysis.analyse import analyse
from speediness.heatmap.maps import find_maps
from speediness.heatmap.render import render_heatmap
from speediness.heatmap.squares import MapKind
from speediness.video.reader import VideoReader
from videos import make_video

ROUNDS = 3
SIZE_PX, SECONDS = (1920, 1080), 60
ANALYSE = "analyse"
BAR = 1 / 3  # share of the speed of analysis that heat maps are to reach at least


def main() -> None:
    """Measure, print, draw."""
    parser = arguments(__doc__)
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    given = parser.parse_args()
    report("heatmap_speed", given, partial(measure, given.videos), tables, draw)


def measure(videos: list[Path]) -> Results:
    """Wall and CPU seconds that each way takes for each video, by round."""
    with tempfile.TemporaryDirectory() as folder:
        if not videos:
            videos = [Path(folder) / "film.mp4"]
            make_video(videos[0], SECONDS, SIZE_PX)
        return {"films": [measured(video, Path(folder, "out.mp4")) for video in videos]}


def measured(video: Path, out: Path) -> Results:
    """Rounds of all ways over one video."""
    reader = VideoReader(video)
    n_frames = sum(1 for _ in reader.decoded())  # also brings the file into memory
    taken_s: dict[str, list[list[float]]] = {}

    def timed(name: str, way: Callable[[], Any]) -> tuple[Any, list[float]]:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        made = way()
        seconds = [time.perf_counter() - wall_s, time.process_time() - cpu_s]
        taken_s.setdefault(name, []).append(seconds)
        return made, seconds

    for _ in range(ROUNDS):
        timed(ANALYSE, partial(analyse, video))
        for kind in get_args(MapKind):
            maps, found = timed(f"{kind}: find", partial(find_maps, video, kind))
            _, drawn = timed(f"{kind}: draw", partial(render_heatmap, video, maps, out, force=True))
            taken_s.setdefault(f"{kind}: heatmap", []).append(np.add(found, drawn).tolist())
    return {
        "film": video.name,
        "size_px": [reader.info.width_px, reader.info.height_px],
        "frames": n_frames,
        "seconds": float(reader.end_s),
        "bit_rate": video.stat().st_size * 8 / float(reader.end_s),
        "heat_bit_rate": out.stat().st_size * 8 / float(reader.end_s),
        "taken_s": taken_s,
    }


def shares(video: Results) -> dict[str, list[float]]:
    """Of each way, its speed as a share of that of analysis: by wall, by CPU."""
    medians = {name: np.median(taken, 0) for name, taken in video["taken_s"].items()}
    return {name: (medians[ANALYSE] / taken).tolist() for name, taken in medians.items()}


def tables(results: Results) -> str:
    """One for each video."""
    parts = []
    for video in results["films"]:
        rows = []
        for name, (of_wall, of_cpu) in shares(video).items():
            wall_s, cpu_s = np.median(video["taken_s"][name], 0)
            numbers = (
                f"{video['seconds'] / wall_s:.3g}",
                f"{of_wall:.2f}",
                f"{cpu_s:.1f}",
                f"{of_cpu:.2f}",
            )
            rows.append([name, f"{wall_s:.1f}", *numbers])
        columns = ["way", "wall s", "x real time", "of the speed of analysis", "CPU s", "the same by CPU"]
        width_px, height_px = video["size_px"]
        parts.append(
            f"{width_px}x{height_px}, {video['frames']} frames, {video['seconds']:.0f} s, "
            f"{video['bit_rate'] / 1e6:.1f} Mbit/s; with the map {video['heat_bit_rate'] / 1e6:.1f}.\n\n"
            + markdown(columns, rows)
        )
    return "\n".join(parts)


def draw(figure: Figure, results: Results) -> None:
    """Shares of the speed of analysis as bars; a video in each panel."""
    videos = results["films"]
    figure.set_size_inches(8, 0.8 + 2.2 * len(videos))
    panels = figure.subplots(len(videos), 1, sharex=True, squeeze=False)[:, 0]
    for axes, video in zip(panels, videos, strict=True):
        of_cpu = {name: both[1] for name, both in shares(video).items()}
        colours = ["#6E7B74" if name == ANALYSE else "#AA3377" for name in of_cpu]
        axes.barh(list(of_cpu), list(of_cpu.values()), color=colours)
        for name, share in of_cpu.items():
            axes.annotate(f"{share:.2f}", (share, name), (4, 0), textcoords="offset points", va="center")
        axes.axvline(BAR, color="#222222", linewidth=0.8, linestyle=":")
        axes.invert_yaxis()
        axes.set_title(f"{video['size_px'][0]}x{video['size_px'][1]}", loc="left", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("speed as a share of analysis, by CPU time (dotted: a third)")


if __name__ == "__main__":
    main()
