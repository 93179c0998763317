"""Does search find the repetitions of a repeated motion, and what does playing faster do to it?

    python benchmarks/repetitions.py VIDEO_OR_DIR... [-o DIR]

For every video in which something repeats, the query is one period in its middle; found should be the other
periods, within a quarter of a period (SpeedNet §5.4.2 shows such videos). The period is measured on the
pixels alone: the first high maximum of the autocorrelation of the video's principal components, slow change
removed; videos without a clear one, or of fewer than three periods, are left out. Side by side, with the
same matching and the same threshold: our features, colour histograms, and mean flow alone; and our features
at other thresholds, and in how many of the other videos anything is as similar (some may show the same
action).

Then the same period is looked for in the video played at 1.25x, 1.5x and 2x: similarity of the best match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from report import Results, arguments, markdown, report
from speediness.analysis.analyse import features_of_shots, open_frames
from speediness.analysis.scorer import score_shots
from speediness.results.features import MotionFeatures
from speediness.runtime.network import Network, load_network
from speediness.search.within import LEAST, STEP_S, compare, cut_query, peaks
from speediness.video.reader import Frame, VideoReader

RATE = 25  # of the signal in which the period is sought, per second
SLOW_S = 2.0  # change slower than this is no repetition
CLEAR = 0.4  # autocorrelation that a period has at least
SHORTEST_S = 0.4  # the network looks eight times a second
PLAYED = (1.0, 1.25, 1.5, 2.0)
LEAST_TRIED = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6)
KINDS = ("motion features", "colour histogram", "mean flow")


def main() -> None:
    """Measure, print, draw."""
    parser = arguments(__doc__)
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO_OR_DIR")
    given = parser.parse_args()
    videos = [
        video
        for path in given.videos
        for video in (sorted(path.rglob("*.mp4")) if path.is_dir() else [path])
    ]
    report("repetitions", given, partial(measure, videos), tables, draw)


def measure(videos: Sequence[Path]) -> Results:
    """Everything of every video that repeats."""
    network = load_network()
    repeating = [found for video in videos if (found := measured(video, network)) is not None]
    for row, query, own in repeating:
        elsewhere = [compare(query, other) for _, _, other in repeating if other is not own]
        row["elsewhere"] = [float(graph.similarity.max(initial=-1)) for graph in elsewhere]
    return {"films": [row for row, _, _ in repeating]}


def measured(path: Path, network: Network) -> tuple[Results, NDArray[np.float32], MotionFeatures] | None:
    """Precision and recall of each kind of feature, the query, our features; None: nothing repeats."""
    reader = VideoReader(path)
    frames = list(open_frames(reader, network))
    duration_s = float(reader.end_s)
    known = period_of(frames)
    if known is None or not SHORTEST_S <= known[0] <= duration_s / 3:
        return None
    period_s, clear = known
    start_s = (duration_s - period_s) / 2
    query_s = (start_s, start_s + period_s)
    truth_s = [start_s + n * period_s for n in range(-200, 200) if n]
    truth_s = [time_s for time_s in truth_s if 0 <= time_s <= duration_s - period_s]
    features = features_of(frames, 1.0, duration_s, network)
    kinds = dict(zip(KINDS, (features, colours_of(path, features), flow_of(features)), strict=True))

    def found(here: MotionFeatures, least: float) -> dict[str, int]:
        hits = peaks(compare(cut_query(here, *query_s), here), path, 1000, query_s, least)
        near = period_s / 4 + STEP_S / 2
        right = [any(abs(hit.start_s - time_s) <= near for time_s in truth_s) for hit in hits]
        seen = [any(abs(hit.start_s - time_s) <= near for hit in hits) for time_s in truth_s]
        return {"finds": len(hits), "right": sum(right), "seen": sum(seen)}

    rows = {kind: found(here, LEAST) for kind, here in kinds.items()}
    rows |= {f"at {least:g}": found(features, least) for least in LEAST_TRIED}
    query = cut_query(features, *query_s)
    played = [compare(query, features_of(frames, factor, duration_s, network)) for factor in PLAYED]
    row = {
        "film": path.name,
        "period_s": period_s,
        "autocorrelation": clear,
        "repetitions": len(truth_s),
        "kinds": rows,
        "played": [float(graph.similarity.max(initial=-1)) for graph in played],
    }
    return row, query, features


def features_of(
    frames: Sequence[Frame], factor: float, duration_s: float, network: Network
) -> MotionFeatures:
    """Features of a video played so many times as fast."""
    faster = [replace(frame, time_s=frame.time_s / Fraction(factor)) for frame in frames]
    return features_of_shots(list(score_shots(faster, network.runtime, network.clip)), duration_s / factor)


def colours_of(path: Path, features: MotionFeatures) -> MotionFeatures:
    """Histograms of red, green and blue, 16 bins each, of the frame at each moment."""
    frames = list(VideoReader(path).frames(64, 3))
    histograms = [
        np.concatenate([np.bincount(f.pixels_HWC[..., c].ravel() // 16, minlength=16) for c in range(3)])
        for f in frames
    ]
    at = np.searchsorted([float(f.time_s) for f in frames], features.times_s - 1e-6)
    vectors = np.array(histograms)[np.minimum(at, len(frames) - 1)] / frames[0].pixels_HWC[..., 0].size
    return replace(features, vectors=vectors.astype(np.float16))


def flow_of(features: MotionFeatures) -> MotionFeatures:
    """How much moves, and nothing else."""
    return replace(features, vectors=features.motion[:, None].astype(np.float16))


def period_of(frames: Sequence[Frame]) -> tuple[float, float] | None:
    """Seconds after which the frame resembles itself again, and how much, 0..1."""
    times_s = np.array([float(frame.time_s) for frame in frames])
    grid_s = np.arange(times_s[0], times_s[-1], 1 / RATE)
    if len(grid_s) < 2 * RATE:
        return None
    pixels_FP = np.stack([frame.pixels_HWC[::2, ::2, 0].ravel() for frame in frames]).astype(np.float32)
    signal_FP = pixels_FP[np.abs(times_s[None] - grid_s[:, None]).argmin(1)]
    signal_FP -= _slow(signal_FP)
    left, strength, _ = np.linalg.svd(signal_FP, full_matrices=False)
    parts = left[:, :4] * strength[:4]
    lags = np.arange(len(grid_s) // 2)
    alike = np.array([(parts[lag:] * parts[: len(parts) - lag]).sum() / (len(parts) - lag) for lag in lags])
    alike /= alike[0]
    away = int(np.argmax(alike <= 0))  # past the first maximum, at lag 0
    if alike[away] > 0:
        return None
    best = alike[away:].max()
    inner = range(away + 1, len(alike) - 1)
    tops = [n for n in inner if alike[n - 1] <= alike[n] >= alike[n + 1] and alike[n] > 0.7 * best]
    return (tops[0] / RATE, float(alike[tops[0]])) if tops and alike[tops[0]] >= CLEAR else None


def _slow(signal_FP: NDArray[np.float32]) -> NDArray[np.float32]:
    """Moving average over SLOW_S."""
    half = int(SLOW_S * RATE / 2)
    padded = np.pad(signal_FP, ((half + 1, half), (0, 0)), "edge")
    sums = np.cumsum(padded, 0, dtype=np.float64)
    return ((sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)).astype(np.float32)


def tables(results: Results) -> str:
    """All videos together, then one by one."""
    videos = results["films"]

    def shares(kind: str) -> list[str]:
        found = [video["kinds"][kind] for video in videos]
        precision = [row["right"] / row["finds"] if row["finds"] else 0.0 for row in found]
        recall = [row["seen"] / video["repetitions"] for row, video in zip(found, videos, strict=True)]
        both = 2 * np.array(precision) * recall / np.maximum(np.add(precision, recall), 1e-9)
        return [f"{np.mean(values):.2f}" for values in (precision, recall, both)]

    def offered(least: float) -> str:
        return f"{100 * np.mean(np.array([video['elsewhere'] for video in videos]) >= least):.0f} %"

    head = ["feature", "precision", "recall", "F1"]
    kinds = markdown(head, [[kind, *shares(kind)] for kind in KINDS])
    thresholds = markdown(
        [*head, "other videos with a find"],
        [[f"at {least:g}", *shares(f"at {least:g}"), offered(least)] for least in LEAST_TRIED],
    )
    played = np.mean([video["played"] for video in videos], 0)
    speeds = markdown([f"{factor:g}x" for factor in PLAYED], [[f"{value:.2f}" for value in played]])
    by_video = markdown(
        ["film", "period s", "repetitions", *KINDS],
        [
            [
                video["film"][-32:],
                f"{video['period_s']:.2f}",
                str(video["repetitions"]),
                *(
                    f"{row['right']} of {row['finds']}, {row['seen']} seen"
                    for row in (video["kinds"][kind] for kind in KINDS)
                ),
            ]
            for video in videos
        ],
    )
    return (
        f"{len(videos)} videos; means over videos\n\n{kinds}\n{thresholds}\n"
        f"similarity of the best match, the video played at\n\n{speeds}\n{by_video}"
    )


def draw(figure: Figure, results: Results) -> None:
    """Precision against recall, a dot a video and kind; their means large."""
    figure.set_size_inches(5.6, 5)
    axes = figure.subplots()
    videos = results["films"]
    for kind, colour, mark in zip(KINDS, ("#AA3377", "#6E7B74", "#4477AA"), "os^", strict=True):
        rows = [(video["kinds"][kind], video["repetitions"]) for video in videos]
        recall = [row["seen"] / wanted for row, wanted in rows]
        precision = [row["right"] / row["finds"] if row["finds"] else 0.0 for row, _ in rows]
        axes.plot(recall, precision, mark, color=colour, alpha=0.35, markersize=5)
        axes.plot(np.mean(recall), np.mean(precision), mark, color=colour, markersize=11, label=kind)
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.legend(frameon=False, fontsize=9, loc="lower left")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
