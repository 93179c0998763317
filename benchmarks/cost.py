"""What do 1, 10^3 and 10^6 hours of video cost to analyse, index, search and train on?

    pip install "speediness[search,train]"
    python benchmarks/cost.py [--size 640x360] [-o DIR]

Counts seconds of processor, all cores together, so that what else the machine does matters little. Half a
minute of video is analysed, with and without what search compares; videos are put into libraries of three
sizes; 100 000 vectors are searched (benchmarks/search.py has more); 2 and 8 steps of speednet_small are
trained, and the difference is six. The table multiplies; nothing larger was run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from report import Results, arguments, markdown, report
from search import measured as measured_search  # pyright: ignore[reportAttributeAccessIssue]
from speediness.analysis.options import AnalysisOptions
from speediness.corpus.analysed_video import AnalysedVideo, analyse_file, ready
from speediness.datasets import find_videos
from speediness.search.library import TIDIED_EVERY, video_row, writing
from speediness.training.loop import train
from speediness.training.recipes import find_recipe
from speediness.video.listing import VideoFile
from videos import make_video

HOURS = (1, 1_000, 1_000_000)
PRICE = 0.04  # $ a core hour, assumed
SECONDS, SOURCES, STEPS = 30, 4, (2, 8)
IN_LIBRARY, COMMITS, VECTORS = (1_000, 100_000, 1_000_000), 20, 100_000
VIDEO_H = 0.1  # mean length of a video, assumed: 6 minutes
HOW = AnalysisOptions(no_cache=True)


def main() -> None:
    """Measure, print, draw."""
    parser = arguments(__doc__)
    parser.add_argument("--size", default="640x360", help="of the videos")
    given = parser.parse_args()
    report("cost", given, partial(measure, given), tables, draw)


def measure(given: Namespace) -> Results:
    """Core seconds by what is done."""
    width_px, height_px = map(int, given.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        videos = Path(folder, "videos")
        videos.mkdir()
        make_video(videos / "0.mp4", SECONDS, (width_px, height_px))
        for n in range(1, SOURCES):
            shutil.copy(videos / "0.mp4", videos / f"{n}.mp4")
        stat = os.stat(videos / "0.mp4")
        video = VideoFile(str(videos), "0.mp4", stat.st_size, stat.st_mtime_ns)
        ready(HOW)
        seen = analyse_file(video, HOW, True)
        assert isinstance(seen, AnalysedVideo) and seen.windows is not None
        return {
            "size": given.size,
            "video_bytes": stat.st_size,
            "analyse_s": core_s(lambda: analyse_file(video, HOW, False)),
            "index_s": core_s(lambda: analyse_file(video, HOW, True)),
            "windows": len(seen.windows.spans_s),
            "window_bytes": (seen.windows.vectors.nbytes + sum(map(len, seen.windows.images)))
            / len(seen.windows.spans_s),
            "libraries": [commits(Path(folder, f"db{n}"), video, seen, n) for n in IN_LIBRARY],
            "search": measured_search(
                seen.windows.vectors, VECTORS, seen.windows.vectors.shape[1], "IvfSq"
            ),
            "training": trained(videos, Path(folder)),
        }


def core_s(work: Callable[[], Any]) -> float:
    """Seconds of processor, the second time."""
    work()
    before_s = time.process_time()
    work()
    return time.process_time() - before_s


def commits(db: Path, video: VideoFile, seen: AnalysedVideo, known: int) -> Results:
    """Put videos of six minutes into a library that knows of so many."""
    windows = seen.windows
    assert windows is not None
    many = [n % len(windows.spans_s) for n in range(round(len(windows.spans_s) * VIDEO_H * 3600 / SECONDS))]
    seen = replace(
        seen,
        windows=replace(
            windows,
            spans_s=windows.spans_s[many],
            vectors=windows.vectors[many],
            motion=windows.motion[many],
            images=[windows.images[n] for n in many],
        ),
    )
    with writing(db, "net", "0") as library:
        row = asdict(video_row(video, seen.sha256, seen, "0"))
        row["film"] = row.pop("video")
        rows = {name: [value] * known for name, value in row.items()}
        rows["path"] = [f"known{n}.mp4" for n in range(known)]
        rows["film"] = rows["path"]
        library.videos.add(pa.table(rows, schema=library.videos.schema))
        taken_s = []
        for n in range(COMMITS):
            named = replace(video, path=f"{n}.mp4")
            began_s = time.process_time()
            library.commit(video_row(named, seen.sha256, seen, "0"), seen)
            taken_s.append(time.process_time() - began_s)
        began_s = time.process_time()
        library.tidy()
        tidied_s = time.process_time() - began_s
    commit_s = float(np.median(taken_s))
    return {"known": known, "commit_s": commit_s, "tidy_s": tidied_s}


def trained(videos: Path, folder: Path) -> Results:
    """Core seconds of a step of speednet_small, and how much video its windows last."""
    taken_s = []
    recipe = find_recipe("speednet_small", ["validation_share=0.5"])
    items = find_videos(str(videos), "train")
    for steps in (1, *STEPS):  # the first decodes
        before_s = time.process_time()
        train(
            replace(recipe, steps=steps),
            items,
            folder / f"run{steps}",
            folder / "cache",
            log=lambda line: None,
        )
        taken_s.append(time.process_time() - before_s)
    step_s = (taken_s[2] - taken_s[1]) / (STEPS[1] - STEPS[0])
    window_s = float(recipe.n_frames / recipe.frame_rate)
    return {"step_s": step_s, "video_s": recipe.windows * window_s, "first_s": taken_s[0]}


def tables(results: Results) -> str:
    """What was measured, and what it comes to."""
    size, training, search = results["size"], results["training"], results["search"]
    per_h = 3600 / SECONDS
    analyse_h, index_h = (results[name] * per_h / 3600 for name in ("analyse_s", "index_s"))
    pass_h = training["step_s"] / training["video_s"]
    measured = markdown(
        ["measured", "core seconds"],
        [
            [f"analyse, {SECONDS} s of {size}", f"{results['analyse_s']:.2f}"],
            ["the same with what search compares", f"{results['index_s']:.2f}"],
            [f"a step of training, windows of {training['video_s']:.0f} s", f"{training['step_s']:.2f}"],
        ],
    )
    writer = markdown(
        ["videos in the library", "commit of 6 minutes, ms", f"every {TIDIED_EVERY}: tidy, s", "videos/s"],
        [
            [
                f"{row['known']:,}",
                f"{1e3 * row['commit_s']:.0f}",
                f"{row['tidy_s']:.2f}",
                f"{1 / (row['commit_s'] + row['tidy_s'] / TIDIED_EVERY):.1f}",
            ]
            for row in results["libraries"]
        ],
    )
    vectors_h = results["windows"] * per_h
    gb_h = vectors_h * results["window_bytes"] / 1e9
    rows = [
        ["analyse: core hours", *(rounded(hours * analyse_h) for hours in HOURS)],
        ["index: core hours", *(rounded(hours * index_h) for hours in HOURS)],
        [f"... at {PRICE} $ a core hour", *(f"{rounded(hours * index_h * PRICE)} $" for hours in HOURS)],
        ["vectors", *(rounded(hours * vectors_h) for hours in HOURS)],
        ["library, GB", *(rounded(hours * gb_h) for hours in HOURS)],
        ["one pass of training: core hours", *(rounded(hours * pass_h) for hours in HOURS)],
    ]
    whole = markdown(["hours of video", *(f"{hours:,}" for hours in HOURS)], rows)
    found = (
        f"A query among {search['vectors']:,} vectors takes {search['median_ms']:.1f} ms"
        f" (95 %: {search['p95_ms']:.1f} ms).\n"
    )
    return "\n".join((measured, writer, whole, found))


def rounded(value: float) -> str:
    """Two digits that count, and no exponent."""
    return f"{float(f'{value:.2g}'):,.10g}"


def draw(figure: Figure, results: Results) -> None:
    """Seconds of a commit against the videos that the library knows."""
    figure.set_size_inches(4.5, 3)
    axes = figure.subplots()
    known = [row["known"] for row in results["libraries"]]
    axes.plot(known, [1e3 * row["commit_s"] for row in results["libraries"]], "o-", color="#222222")
    axes.set(xscale="log", xlabel="videos in the library", ylabel="ms a commit", ylim=(0, None))


if __name__ == "__main__":
    main()
