"""Do all engines say the same?

    python benchmarks/agreement.py VIDEO_OR_DIR... [-o DIR] [--films N]

Every video is analysed on every engine installed. Compared with onnx are P(t) of all frames at all eleven
factors, the decisions P >= 0.5, V(t) and the plan S*(t) at rate 2; means are over frames, whatever video
they are of. "Right" counts, as if the videos played at their natural speed, frames called natural at factor
1 and sped up at factor 1.95. The cost is in CPU seconds, decoding included, which other work on the machine
hardly changes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from report import Results, arguments, installed_engines, markdown, report
from speediness.analysis.analyse import analyse
from speediness.results.curve import SpeedinessCurve
from speediness.runtime.network import load_network
from speediness.speedup.solver import plan_speedup

RATE, BAR = 2.0, 0.03
TWICE = 3  # number of the factor nearest 2
REFERENCE = "onnx"


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
    networks = {engine: load_network(engine=engine) for engine in installed_engines()}
    by_video = []
    for video in videos:
        curves, cpu_s = {}, {}
        for engine, network in networks.items():
            start_s = time.process_time()
            curves[engine] = analyse(video, network=network)
            cpu_s[engine] = time.process_time() - start_s
        reference = curves[REFERENCE]
        by_video.append(
            {
                "film": video.name,
                "seconds": reference.duration_s,
                "frames": len(reference.times_s),
                "engines": {
                    engine: {"cpu_s_per_s": cpu_s[engine] / curve.duration_s} | agreement(curve, reference)
                    for engine, curve in curves.items()
                },
            }
        )
    return {"network": networks[REFERENCE].name, "films": by_video}


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
    """A row an engine."""
    videos = results["films"]
    rows = [
        [engine, f"{row['cpu_s_per_s']:.3f}", *_agreement_cells(row)]
        for engine in videos[0]["engines"]
        for row in [pooled(videos, "engines", engine)]
    ]
    total_s = sum(video["seconds"] for video in videos)
    return (
        f"{len(videos)} videos, {total_s:.0f} s; {results['network']} against {REFERENCE}, all factors; "
        f"S* at {RATE:g}x\n\n" + markdown(["engine", "CPU s per s of video", *AGREEMENT_COLUMNS], rows)
    )


AGREEMENT_COLUMNS = ("mean dP", "max dP", "equal decisions", "mean dV", "equal V", "mean dlog S*", "right")


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
    """Distance from the reference by engine."""
    figure.set_size_inches(7.5, 2.4)
    videos, axes = results["films"], figure.subplots()
    apart = {engine: pooled(videos, "engines", engine)["mean_dp"] for engine in videos[0]["engines"]}
    axes.barh(list(apart), list(apart.values()), color="#AA3377")
    for engine, mean in apart.items():
        axes.annotate(f"{mean:.1g}", (mean, engine), (4, 0), textcoords="offset points", va="center")
    axes.axvline(BAR, color="#222222", linewidth=0.8, linestyle=":")
    axes.set_xlabel(f"mean |ΔP| from {REFERENCE}, all frames and factors (dotted: bar)")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
