"""Does analysis stay flat? Time and memory against a video's length and against its size.

    python benchmarks/scaling.py [--clips DIR] [-o DIR] [--long] [--size 1920x1080]

Videos of 10 s to 60 min, with --long to 2 h, all of one size; and videos of a minute from 360 to 2160
lines. They are made on the way (benchmarks/videos.py), the longer ones by repeating a minute. Every one is
analysed by ``speediness analyse --no-cache`` in a process of its own, which says at its end how much
memory it ever held (VmHWM of /proc, so that this runs on Linux only).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from report import Results, arguments, markdown, report
from videos import make_video

MINUTE_S = 60
LENGTHS_S = (10, MINUTE_S, 5 * MINUTE_S, 20 * MINUTE_S, 60 * MINUTE_S)
LONG_S = 120 * MINUTE_S
SIZES_PX = ((640, 360), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160))
BAR_MB, BAR_GROWTH = 1500, 0.1

ANALYSE = """
import re, sys
from speediness.cli.main import main
code = main(sys.argv[1:])
with open("/proc/self/status") as status:
    print(re.search(r"VmHWM:\\s*(\\d+) kB", status.read())[1])
sys.exit(code)
"""


def main() -> None:
    """Measure, print, draw."""
    parser = arguments(__doc__)
    parser.add_argument("--clips", type=Path, metavar="DIR", help="videos to make the videos of")
    parser.add_argument("--long", action="store_true", help="also a video of two hours")
    parser.add_argument("--size", default="1920x1080", help="of the videos of different lengths")
    given = parser.parse_args()
    report("scaling", given, partial(measure, given), tables, draw)


def measure(given: argparse.Namespace) -> Results:
    """Wall time and peak memory of both series."""
    width_px, height_px = map(int, given.size.split("x"))
    lengths_s = (*LENGTHS_S, LONG_S) if given.long else LENGTHS_S
    by_length = [(seconds, (width_px, height_px)) for seconds in lengths_s]
    by_size = [(MINUTE_S, size_px) for size_px in SIZES_PX]
    taken = {case: measured(*case, given.clips) for case in dict.fromkeys([*by_length, *by_size])}
    return {
        "by_length": [taken[case] for case in by_length],
        "by_size": [taken[case] for case in by_size],
    }


def measured(seconds: int, size_px: tuple[int, int], clips: Path | None) -> Results:
    """Make a video and analyse it, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "film.mp4"
        with get_context("spawn").Pool(1) as pool:
            pool.apply(make_video, (video, seconds, size_px), {"clips": clips})
        options = ["-o", folder, "--no-cache", "--json"]
        command = [sys.executable, "-c", ANALYSE, "analyse", str(video), *options]
        start_s = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wall_s = time.perf_counter() - start_s
    if done.returncode:
        raise SystemExit(f"analyse failed:\n{done.stderr}")
    peak_mb = int(done.stdout.split()[-1]) * 1024 / 1e6
    return {"seconds": seconds, "size_px": size_px, "wall_s": wall_s, "peak_mb": peak_mb}


def tables(results: Results) -> str:
    """Both series, and whether memory stays within bounds."""
    parts = []
    for series in ("by_length", "by_size"):
        rows = [
            [
                f"{row['size_px'][0]}x{row['size_px'][1]}",
                f"{row['seconds'] / MINUTE_S:.3g}",
                f"{row['wall_s']:.1f}",
                f"{row['seconds'] / row['wall_s']:.2f}",
                f"{row['peak_mb']:.0f}",
            ]
            for row in results[series]
        ]
        parts.append(markdown(["film", "min", "wall s", "x real time", "peak MB"], rows))
    peaks_mb = {row["seconds"]: row["peak_mb"] for row in results["by_length"]}
    growth = peaks_mb[60 * MINUTE_S] / peaks_mb[5 * MINUTE_S] - 1
    parts.append(
        f"From 5 to 60 minutes the peak changes by {growth:+.1%} (bar: {BAR_GROWTH:.0%}); "
        f"the highest is {max(peaks_mb.values()):.0f} MB (bar: {BAR_MB} MB).\n"
    )
    return "\n".join(parts)


def draw(figure: Figure, results: Results) -> None:
    """Time above, memory below; length on the left, size on the right."""
    figure.set_size_inches(9, 5.4)
    panels = figure.subplots(2, 2, sharex="col")
    by_length, by_size = results["by_length"], results["by_size"]
    minutes = [row["seconds"] / MINUTE_S for row in by_length]
    megapixels = [row["size_px"][0] * row["size_px"][1] / 1e6 for row in by_size]
    for column, (xs, rows) in enumerate(((minutes, by_length), (megapixels, by_size))):
        time_axes, memory_axes = panels[:, column]
        walls_s = [row["wall_s"] for row in rows]
        # Relative errors count, or the short videos would not.
        slope, start = np.polyfit(xs, walls_s, 1, w=1 / np.array(walls_s))
        time_axes.plot(xs, np.polyval([slope, start], xs), color="#6E7B74", linewidth=1)
        time_axes.plot(xs, walls_s, "o", color="#222222")
        unit = ("minute", "megapixel")[column]
        time_axes.set_title(f"{start:.1f} s + {slope:.2f} s per {unit}", fontsize=9)
        memory_axes.plot(xs, [row["peak_mb"] for row in rows], "o-", color="#222222", linewidth=1)
        memory_axes.axhline(BAR_MB, color="#AA3377", linewidth=1, linestyle=":")
        memory_axes.set_ylim(0, None)
    for axes in panels[:, 0]:
        axes.set_xscale("log")
    panels[0, 0].set_yscale("log")
    panels[0, 1].set_ylim(0, None)
    panels[1, 0].set_xticks(minutes, [f"{length:.2g}" for length in minutes])
    panels[1, 0].minorticks_off()
    panels[0, 0].set_ylabel("wall time, s")
    panels[0, 1].set_ylabel("wall time, s, one minute of video")
    panels[1, 0].set_ylabel("peak memory, MB (dotted: bar)")
    width_px, height_px = by_length[0]["size_px"]
    panels[1, 0].set_xlabel(f"length of a {width_px}x{height_px} video, min")
    panels[1, 1].set_xlabel("megapixels of a frame")


if __name__ == "__main__":
    main()
