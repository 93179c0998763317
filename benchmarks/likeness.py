"""What is a similarity in a library worth: of a copy, and of other video?

    python benchmarks/likeness.py DIR [--videos N] [-o DIR]

The first video of five seconds of every source (NAME in NAME__rest.mp4) makes a collection. Each is a query
once: its middle four seconds, cropped to 84 % and played 3 % faster, so that no frame is the same. Told
are the similarity of the copy's own place, that of the most similar window of another source, and how
often the own video is first, by the raw cosine, the centred one and the centred and whitened one that
search uses; and for thresholds, how many copies are found and to how many queries something of another
source is offered.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from report import Results, arguments, markdown, report
from speediness.analysis.analyse import features_of_shots, open_frames
from speediness.analysis.scorer import score_shots
from speediness.corpus.vectors import query_vectors, unit_vectors, window_middles_s, window_spans_s
from speediness.results.features import MotionFeatures
from speediness.runtime.network import Network, load_network
from speediness.search.likeness import Likeness
from speediness.video.reader import Frame, VideoReader

QUERY_S, CROP, FASTER = 4.0, 0.84, Fraction(103, 100)
LEAST_S = 5.0
THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7)
KINDS = ("cosine", "centred", "centred and whitened")


def main() -> None:
    """Measure, print, draw."""
    parser = arguments(__doc__)
    parser.add_argument("source", type=Path, metavar="DIR")
    parser.add_argument("--videos", type=int, default=40)
    given = parser.parse_args()
    report("likeness", given, partial(measure, given), tables, draw)


def measure(given: argparse.Namespace) -> Results:
    """Everything of every query."""
    network, seen = load_network(), {}
    for path in sorted(given.source.rglob("*.mp4")):
        source = path.name.split("__")[0]
        if (
            source in seen
            or len(seen) == given.videos
            or (VideoReader(path).info.duration_s or 0) < LEAST_S
        ):
            continue
        frames = list(open_frames(VideoReader(path), network))
        seen[source] = (scored(frames, network), scored([changed(frame) for frame in frames], network))
        print(f"{len(seen)} videos", flush=True)
    windows = [window_middles_s(original) for original, _ in seen.values()]
    vectors = [unit_vectors(o, m) for (o, _), m in zip(seen.values(), windows, strict=True)]
    all_ND = np.concatenate(vectors)
    of_video = np.repeat(np.arange(len(vectors)), [len(one) for one in vectors])
    middle = Likeness.of(all_ND)
    raw = Likeness(np.zeros_like(middle.mean_D), np.eye(all_ND.shape[1], dtype=np.float32))
    ways = (raw, replace(raw, mean_D=middle.mean_D), middle)
    rows = []
    for n, (original, copy) in enumerate(seen.values()):
        start_s = (original.duration_s - QUERY_S) / 2
        query = query_vectors(copy, start_s / float(FASTER), (start_s + QUERY_S) / float(FASTER))
        spans_s = window_spans_s(original, windows[n])
        place = (spans_s[:, 0] >= start_s - 0.5) & (spans_s[:, 1] <= start_s + QUERY_S + 0.5)
        for kind, way in zip(KINDS, ways, strict=True):
            alike = way.to(query, all_ND)
            rows.append(
                {
                    "kind": kind,
                    "copy": float(alike[of_video == n][place].max(initial=-1)),
                    "other": float(alike[of_video != n].max()),
                    "median": float(np.median(alike[of_video != n])),
                }
            )
    return {"videos": len(seen), "windows": len(all_ND), "rows": rows}


def scored(frames: list[Frame], network: Network) -> MotionFeatures:
    """Features of frames."""
    shots = list(score_shots(frames, network.runtime, network.clip))
    return features_of_shots(shots, float(frames[-1].time_s))


def changed(frame: Frame) -> Frame:
    """Cropped, a little faster, darker."""
    height, width = frame.pixels_HWC.shape[:2]
    top, left = round(height * (1 - CROP) / 2), round(width * (1 - CROP) / 2)
    inner = frame.pixels_HWC[top : height - top, left : width - left]
    down, across = (np.arange(side) * CROP for side in (height, width))
    enlarged = inner[down.astype(int)[:, None].clip(max=len(inner) - 1), across.astype(int)]
    return Frame(frame.time_s / FASTER, (enlarged * 0.9).astype(np.uint8), frame.scene_HWC)


def tables(results: Results) -> str:
    """By kind, then by threshold."""
    by_kind, by_threshold = [], []
    copy = other = np.zeros(0)
    for kind in KINDS:  # the last one is what the product takes, and what thresholds are tried on
        rows = [row for row in results["rows"] if row["kind"] == kind]
        copy, other, median = (np.array([r[name] for r in rows]) for name in ("copy", "other", "median"))
        by_kind.append(
            [
                kind,
                f"{np.median(median):.2f}",
                f"{np.median(other):.2f}",
                f"{np.median(copy):.2f}",
                f"{(copy > other).mean():.0%}",
            ]
        )
    for least in THRESHOLDS:
        by_threshold.append(
            [f"{least:g}", f"{np.mean(copy >= least):.0%}", f"{np.mean(other >= least):.0%}"]
        )
    head = ["similarity", "any other window", "best of another source", "copy", "copy is first"]
    return (
        f"{results['videos']} videos, one of each source, {results['windows']} windows; medians\n\n"
        f"{markdown(head, by_kind)}\n\n"
        f"{markdown(['threshold', 'copies found', 'queries offered another source'], by_threshold)}"
    )


def draw(figure: Figure, results: Results) -> None:
    """Copies and others, sorted."""
    for axes, kind in zip(figure.subplots(1, len(KINDS), sharey=True), KINDS, strict=True):
        rows = [row for row in results["rows"] if row["kind"] == kind]
        for name in ("copy", "other", "median"):
            axes.plot(sorted(row[name] for row in rows), label=name)
        axes.set_title(kind, fontsize=9)
    figure.legend(frameon=False)


if __name__ == "__main__":
    main()
