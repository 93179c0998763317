"""Does analysis say the same as a window around every frame?

    python benchmarks/agreement.py VIDEO_OR_DIR... [-o DIR] [--films N]

Every video is scored by stride-1 sliding windows (a window around every frame of every sped-up version,
SpeedNet §4.1: the schedule PAPER_SCHEDULE) and by cheaper schedules, the product's among them. Compared are
P(t) of all frames at all eleven factors, the decisions P >= 0.5, V(t) and the plan S*(t) at rate 2; means
are over frames, whatever video they are of. "Right" counts, as if the videos played at their natural speed,
frames called natural at factor 1 and sped up at factor 1.95.

PAPER_SCHEDULE's answer for a moment is, as that of all schedules, a mean over the windows within half a
reference interval. A second table compares with stride-1 answers as they are, each of a single window, and
says how much those themselves change from one window to the next.

The third compares engines. Frames are decoded beforehand, and the cost is in CPU seconds, which other
work on the machine hardly changes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from report import Results, arguments, installed_engines, markdown, report
from speediness.analysis.curve import probability_normal
from speediness.analysis.cuts import CutDetector
from speediness.analysis.network import Network, load_network
from speediness.analysis.schedule import PAPER_SCHEDULE, Schedule, Stream, Windows, default_schedule
from speediness.analysis.shot import ShotScorer, ShotScores
from speediness.curves import SpeedinessCurve
from speediness.engines import choose_engine
from speediness.engines.runtime import Floats, Outputs, Pixels
from speediness.sampling import playback_factors
from speediness.speedup.plan import plan_speedup
from speediness.video.reader import Frame, VideoReader

WINDOWS = ((8, 2), (4, 2), (3, 2), (2, 2))
POSITIONS = (1, 2, 3)
FACTORS, RATE, BAR = playback_factors(), 2.0, 0.03
TWICE = 3  # the factor nearest 2


@dataclass(frozen=True)
class AnalysedVideo:
    """What a schedule made of a video, and what it took."""

    curve: SpeedinessCurve
    single: SpeedinessCurve
    """The same without means over grid positions: lines between the answers of single windows."""
    steps: NDArray[np.float64]
    """|dP| from one window of a factor to the next in the same shot."""
    frames: int
    """Of the sequences that the network was given, each as often as it was."""
    pairs: int
    cpu_s: float


def main() -> None:
    """Measure, print, draw."""
    parser = arguments(__doc__)
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO_OR_DIR")
    parser.add_argument("--films", dest="most", type=int, default=12, metavar="N", help="of each DIR")
    given = parser.parse_args()
    videos = [video for path in given.videos for video in _listed(path, given.most)]
    report("agreement", given, partial(measure, videos), tables, draw)


def _listed(path: Path, most: int) -> list[Path]:
    """The video itself, or videos spread evenly over a folder."""
    if not path.is_dir():
        return [path]
    found = sorted(path.rglob("*.mp4"))
    return found[:: -(-len(found) // most)]


def measure(videos: Sequence[Path]) -> Results:
    """All comparisons of all videos."""
    engines = {engine: load_network(engine=engine) for engine in installed_engines()}
    auto = engines[choose_engine()]
    ours = name_of(default_schedule(auto.runtime))
    schedules: list[Schedule] = [Windows(*numbers) for numbers in WINDOWS]
    if auto.runtime.context is not None:
        schedules += [Stream(positions, auto.runtime.context) for positions in POSITIONS]
    by_video = []
    for video in videos:
        shots, duration_s = shots_of(video, auto)
        analyse = partial(analysed, shots, duration_s)
        exact = analyse(auto, PAPER_SCHEDULE)
        by_engine = {
            engine: analyse(network, default_schedule(network.runtime))
            for engine, network in engines.items()
        }
        others = {name_of(schedule): analyse(auto, schedule) for schedule in schedules}
        by_video.append(
            {
                "film": video.name,
                "seconds": duration_s,
                "frames": len(exact.curve.times_s),
                "noise": {"mean_dp": float(exact.steps.mean()), "max_dp": float(exact.steps.max())},
                "single": {
                    "ours": agreement(others[ours].curve, exact.single),
                    "EXACT": agreement(exact.curve, exact.single),
                },
                "schedules": {
                    name: cost(seen, duration_s) | agreement(seen.curve, exact.curve)
                    for name, seen in (others | {"EXACT": exact}).items()
                },
                "engines": {
                    engine: agreement(seen.curve, by_engine["onnx"].curve)
                    for engine, seen in by_engine.items()
                },
            }
        )
    return {"network": auto.name, "engine": auto.engine, "ours": ours, "films": by_video}


def name_of(schedule: Schedule) -> str:
    """As it is written in the table."""
    match schedule:
        case Windows(stride, positions):
            return f"windows, stride {stride}, {positions} positions"
        case Stream(positions):
            return f"stream, {positions} positions"
    raise TypeError(schedule)


def shots_of(video: Path, network: Network) -> tuple[list[list[Frame]], float]:
    """All frames as the network sees them, split at cuts, and the video's length in seconds."""
    reader, detector = VideoReader(video), CutDetector()
    shots: list[list[Frame]] = []
    for frame in reader.frames(network.clip.size_px, network.clip.channels):
        luma_HW = frame.pixels_HWC.mean(2).astype(np.uint8)
        if detector.is_cut(luma_HW) or not shots:
            shots.append([])
        shots[-1].append(frame)
    return shots, float(reader.end_s)


def analysed(
    shots: list[list[Frame]], duration_s: float, network: Network, schedule: Schedule
) -> AnalysedVideo:
    """Score a video by a schedule."""
    counts = {"pairs": 0, "frames": 0}

    def motion(before: Pixels, after: Pixels) -> Floats:
        counts["pairs"] += len(before)
        return network.runtime.motion(before, after)

    def windows(clips: Pixels | None, cells: Floats, intervals: Floats) -> Outputs:
        counts["frames"] += len(cells) * (cells.shape[1] + 1)
        return network.runtime.windows(clips, cells, intervals)

    runtime = replace(network.runtime, motion=motion, windows=windows)
    start_s = time.process_time()
    closed: list[tuple[ShotScorer, ShotScores]] = []
    for frames in shots:
        shot = ShotScorer(runtime, network.clip, FACTORS, schedule)
        for frame in frames:
            shot.add(float(frame.time_s), frame.pixels_HWC)
        closed.append((shot, shot.close()))
    cpu_s = time.process_time() - start_s
    singles = [single_windows(shot) for shot, _ in closed]
    lines_KF = np.concatenate(
        [
            [np.interp(shot.times_s, middles_s, normal) for middles_s, normal in by_factor]
            for (shot, _), by_factor in zip(closed, singles, strict=True)
        ],
        1,
    )
    steps = [np.abs(np.diff(normal)) for by_factor in singles for _, normal in by_factor]
    curve = curve_of([shot for _, shot in closed], duration_s)
    single = replace(curve, normal=lines_KF.astype(np.float32))
    return AnalysedVideo(curve, single, np.concatenate(steps), **counts, cpu_s=cpu_s)


def single_windows(shot: ShotScorer) -> list[tuple[NDArray[np.float64], NDArray[np.float32]]]:
    """Middles of the windows scored, ascending, and P(normal) of each, by factor."""
    singles = []
    for answers in shot.answers:
        answers_W4 = np.concatenate(answers)
        answers_W4 = answers_W4[np.argsort(answers_W4[:, 0], kind="stable")]
        log_odds, peak = answers_W4[:, 1].astype(np.float32), answers_W4[:, 3].astype(np.float32)
        singles.append((answers_W4[:, 0], probability_normal(log_odds[None], peak[None])[0]))
    return singles


def curve_of(shots: Sequence[ShotScores], duration_s: float) -> SpeedinessCurve:
    """What planning needs of a video."""
    log_odds_KF, peak_KF = (
        np.concatenate([getattr(shot, name) for shot in shots], 1) for name in ("log_odds", "peak_motion")
    )
    return SpeedinessCurve(
        times_s=np.concatenate([shot.times_s for shot in shots]),
        duration_s=duration_s,
        factors=FACTORS,
        normal=probability_normal(log_odds_KF, peak_KF),
        motion=np.concatenate([shot.motion for shot in shots]),
    )


def cost(seen: AnalysedVideo, duration_s: float) -> dict[str, float]:
    """Work for a second of video."""
    return {
        "frames_per_s": seen.frames / duration_s,
        "pairs_per_s": seen.pairs / duration_s,
        "cpu_s_per_s": seen.cpu_s / duration_s,
    }


def agreement(ours: SpeedinessCurve, theirs: SpeedinessCurve) -> dict[str, float]:
    """Distance of P(t), V(t) and S*(t) of the same video."""
    factors = [plan_speedup(curve, RATE).factor for curve in (ours, theirs)]
    apart_KF = np.abs(ours.normal - theirs.normal)
    return {
        "mean_dp": float(apart_KF.mean()),
        "max_dp": float(apart_KF.max()),
        "equal": float(np.mean((ours.normal >= 0.5) == (theirs.normal >= 0.5))),
        "mean_dv": float(np.abs(ours.limit() - theirs.limit()).mean()),
        "equal_v": float(np.mean(ours.limit() == theirs.limit())),
        "mean_dlog_s": float(np.abs(np.diff(np.log(factors), axis=0)).mean()),
        "right": float(np.mean([ours.normal[0] >= 0.5, ours.normal[TWICE] < 0.5])),
    }


def tables(results: Results) -> str:
    """Schedules, what agreement there is to be had, engines."""
    videos = results["films"]
    total_s = sum(video["seconds"] for video in videos)
    schedules = markdown(
        ["schedule", "frames/s", "pairs/s", "CPU s per s of video", *AGREEMENT_COLUMNS],
        [
            [
                name,
                *(f"{row[key]:{form}}" for key, form in COST_FORMS.items()),
                *_agreement_cells(row),
            ]
            for name in videos[0]["schedules"]
            for row in [pooled(videos, "schedules", name)]
        ],
    )
    noise = pooled(videos, "noise")
    single = markdown(
        ["against single stride-1 windows", *AGREEMENT_COLUMNS],
        [
            *([name, *_agreement_cells(pooled(videos, "single", name))] for name in videos[0]["single"]),
            ["the next stride-1 window", f"{noise['mean_dp']:.4f}", f"{noise['max_dp']:.3f}", *5 * [""]],
        ],
    )
    engines = markdown(
        ["engine, against onnx", *AGREEMENT_COLUMNS],
        [[name, *_agreement_cells(pooled(videos, "engines", name))] for name in videos[0]["engines"]],
    )
    ours = results["ours"]
    worst = max(videos, key=lambda video: video["schedules"][ours]["mean_dp"])
    return (
        f"{len(videos)} videos, {total_s:.0f} s; {results['network']} on {results['engine']}, schedules "
        f"({ours} is ours) against PAPER_SCHEDULE, all factors; S* at {RATE:g}x\n\n{schedules}\n{single}\n"
        f"{engines}\nThe video that agrees least: mean dP "
        f"{worst['schedules'][ours]['mean_dp']:.4f}, {worst['film']}\n"
    )


AGREEMENT_COLUMNS = ("mean dP", "max dP", "equal decisions", "mean dV", "equal V", "mean dlog S*", "right")
COST_FORMS = {"frames_per_s": ".1f", "pairs_per_s": ".1f", "cpu_s_per_s": ".3f"}


def _agreement_cells(row: dict[str, float]) -> Iterator[str]:
    forms = {"mean_dp": ".4f", "max_dp": ".3f", "equal": ".2%", "mean_dv": ".3f", "equal_v": ".1%"}
    return (f"{row[key]:{form}}" for key, form in (forms | {"mean_dlog_s": ".4f", "right": ".1%"}).items())


def pooled(videos: list[dict[str, Any]], *path: str) -> dict[str, float]:
    """Means over all frames, whatever video they are of, and maxima."""
    rows, frames = [], [video["frames"] for video in videos]
    for video in videos:
        for key in path:
            video = video[key]
        rows.append(video)
    return {
        key: max(row[key] for row in rows)
        if key.startswith("max")
        else float(np.average([row[key] for row in rows], weights=frames))
        for key in rows[0]
    }


def draw(figure: Figure, results: Results) -> None:
    """Agreement against cost."""
    figure.set_size_inches(7.5, 4.6)
    videos = results["films"]
    axes = figure.subplots()
    noise = pooled(videos, "noise")["mean_dp"]
    axes.axhline(noise, color="#6E7B74", linewidth=1, linestyle="--")
    axes.axhline(BAR, color="#AA3377", linewidth=1, linestyle=":")
    for name in videos[0]["schedules"]:
        row = pooled(videos, "schedules", name)
        ours, at = name == results["ours"], (row["cpu_s_per_s"], row["mean_dp"])
        axes.plot(*at, "o", color="#AA3377" if ours else "#222222", markersize=8 if ours else 6)
        label = name.removeprefix("windows, stride ").replace(", ", " × ").replace(" positions", "")
        beside = (7, -13) if "2 positions" in name else (7, 5)  # neighbours stand close
        axes.annotate(label, at, beside, textcoords="offset points", fontsize=9)
    axes.set_xlim(0, axes.get_xlim()[1] * 1.1)
    axes.set_ylim(0, None)
    for level, words in ((noise, "from one stride-1 window to the next"), (BAR, "bar")):
        axes.annotate(
            words, (1, level), (-4, 3), axes.get_yaxis_transform(), "offset points", ha="right", fontsize=9
        )
    axes.set_xlabel(
        "CPU s of scoring per s of video (labels: stride in reference intervals × grid positions)"
    )
    axes.set_ylabel("mean |ΔP| from PAPER_SCHEDULE, all frames and factors")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
