"""Is an adaptive plan better than a uniform one, by a network that did not make it?

    python benchmarks/adaptive.py VIDEOS --other OTHER.onnx [--rate 2] [--count 10] [-o DIR]

Every video is made of three clips of VIDEOS at their natural speed, a busy one between two rests, at most
8 s of each; rests are those whose busiest cell moves least. One network makes the plan; the curve of
OTHER, a network trained with another seed, says by how much the planned and the uniform video are expected
to look too fast, and how much of what happens plays a third faster than the fastest that looks natural.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from fractions import Fraction
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from report import arguments, markdown, report
from speediness.analysis.analyse import analyse, open_frames, per_frame
from speediness.analysis.scorer import score_shots
from speediness.datasets import find_videos
from speediness.errors import VideoError
from speediness.results.curve import SpeedinessCurve
from speediness.results.labels import NATURAL_RANGE
from speediness.results.plan import SpeedPlan
from speediness.runtime.network import DEFAULT_NETWORK, Network, load_network
from speediness.speedup.solver import compare_with_uniform, plan_speedup
from speediness.video.reader import VideoReader
from videos import SHOT_S, make_video

CLIPS, LEAST_S, SIZE_PX = 3, 6, (320, 180)
Results = dict[str, Any]


def main() -> None:
    """Measure and draw."""
    parser = arguments(__doc__)
    parser.add_argument("videos", metavar="VIDEOS", help="a folder, a manifest or a data set")
    parser.add_argument("--other", required=True, type=Path, help="the network that scores the plans")
    parser.add_argument("--network", default=DEFAULT_NETWORK, help="the network that plans")
    parser.add_argument("--split", help="list of a data set, such as test")
    parser.add_argument("--rate", type=float, default=2.0)
    parser.add_argument("--count", type=int, default=10, help="videos to make")
    given = parser.parse_args()
    report("adaptive", given, lambda: measure(given), tables, draw)


def measure(given: argparse.Namespace) -> Results:
    """Plans of one network, scored by the other and by itself."""
    own, other = load_network(given.network), load_network(given.other)
    rows = []
    for frame_rate, seconds, clips in composed(given, own):
        with tempfile.TemporaryDirectory() as folder:
            shots = Path(folder) / "clips"
            shots.mkdir()
            for n, clip in enumerate(clips):
                (shots / f"{n}.mp4").symlink_to(clip.resolve())
            video = Path(folder) / "video.mp4"
            make_video(video, seconds, SIZE_PX, frame_rate, shots)
            curve, scoring = (analyse(video, network=network) for network in (own, other))
        plan = plan_speedup(curve, given.rate)
        uniform = SpeedPlan(plan.times_s[[0, -1]], np.full(2, 1 / plan.rate), plan.rate)
        row: dict[str, Any] = {"clips": [clip.name for clip in clips]}
        for name, scored in (("other", scoring), ("own", curve)):
            planned, even = compare_with_uniform(scored, plan)
            row[name] = {
                "adaptive": {"excess": planned, "share": share_beyond(scored, plan)},
                "uniform": {"excess": even, "share": share_beyond(scored, uniform)},
            }
        rows.append(row)
        print(len(rows), row["other"], flush=True)
    return {"rows": rows, "rate": given.rate}


def share_beyond(curve: SpeedinessCurve, plan: SpeedPlan) -> float:
    """Share of what happens, in source time, that plays more than a third faster than V(t)."""
    edges_s = np.append(curve.times_s, curve.duration_s)
    lasts_s = np.diff(edges_s)
    factor = lasts_s / np.diff(plan.output_time(edges_s))
    return float(np.average(factor > NATURAL_RANGE[1] * curve.limit(), weights=lasts_s))


def composed(given: argparse.Namespace, network: Network) -> list[tuple[Fraction, int, list[Path]]]:
    """Frame rate, seconds and clips of every video: no clip twice, one of a source, all of one rate."""
    by_rate: dict[Fraction, list[tuple[float, str, Path]]] = defaultdict(list)
    for item in find_videos(given.videos, given.split):
        try:
            reader = VideoReader(item.path)
        except (VideoError, FileNotFoundError):
            continue
        if (reader.info.duration_s or 0) >= LEAST_S:
            rate = Fraction(round(reader.info.frame_rate))
            by_rate[rate].append((peak_motion(item.path, network), item.source, item.path))
    made = []
    for rate, found in sorted(by_rate.items(), key=lambda entry: -len(entry[1])):
        found.sort()
        while len(made) < given.count:
            chosen: list[Path] = []
            sources: set[str] = set()
            for n in range(CLIPS):  # a rest, a busy one, a rest
                left = [c for c in (reversed(found) if n % 2 else found) if c[1] not in sources]
                if not left:
                    break
                chosen.append(left[0][2])
                sources.add(left[0][1])
                found.remove(left[0])
            if len(chosen) < CLIPS:
                break
            lengths_s = [min(VideoReader(clip).info.duration_s or 0, SHOT_S) for clip in chosen]
            made.append((rate, int(sum(lengths_s)), chosen))
    return made


def peak_motion(video: Path, network: Network) -> float:
    """Mean motion of the busiest cell in a video's first seconds."""
    frames = open_frames(VideoReader(video), network)
    first = takewhile(lambda frame: frame.time_s <= SHOT_S, frames)
    return float(per_frame(list(score_shots(first, network.runtime, network.clip)), 1).mean())


def tables(results: Results) -> str:
    """A row a video: by how much it is expected to look too fast; means, also of the share too fast."""
    rows = []
    for n, row in enumerate(results["rows"], 1):
        rows.append([str(n), *(percent(row[who][how]["excess"] - 1) for who, how in COLUMNS)])
    for name, of in (("mean", lambda way: way["excess"] - 1), ("mean share", lambda way: way["share"])):
        means = [np.mean([of(row[who][how]) for row in results["rows"]]) for who, how in COLUMNS]
        rows.append([name, *map(percent, means)])
    columns = ["too fast", *(f"{how}, {WORDS[who]} network" for who, how in COLUMNS)]
    return markdown(columns, rows)


def percent(share: float | np.floating) -> str:
    """With one decimal."""
    return f"{100 * share:.1f} %"


COLUMNS = [(who, how) for who in ("other", "own") for how in ("uniform", "adaptive")]
WORDS = {"other": "another", "own": "the plan's own"}


def draw(figure: Figure, results: Results) -> None:
    """By how much a video looks too fast to the other network: uniform and adaptive side by side."""
    axes = figure.subplots()
    for offset, (how, colour) in ((-0.2, ("uniform", "#999999")), (0.2, ("adaptive", "#AA3377"))):
        excess = [100 * (row["other"][how]["excess"] - 1) for row in results["rows"]]
        axes.bar(np.arange(len(excess)) + 1 + offset, excess, 0.38, label=how, color=colour)
    axes.set_xticks(np.arange(len(results["rows"])) + 1)
    axes.set_xlabel(f"video; all at {results['rate']:g}x")
    axes.set_ylabel("faster than looks natural, %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


if __name__ == "__main__":
    main()
