"""SpeedNet Fig. 2: speediness is not the magnitude of motion.

The paper videos one person who walks back and forth, far away and near. Here a simulated person
walks at natural speed and twice as fast, at six distances: far and fast moves as many pixels as
near and natural, so that mean flow cannot tell them apart, and speediness should.
"""

# D distances, far to near; P persons; W windows

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from speediness.datasets.decoded_video import DecodedVideo
from speediness.datasets.video_list import VideoItem
from speediness.evaluation.speed_accuracy import MAGNIFICATION, halve, score_video
from speediness.plots import INK, new_figure, save_figure
from speediness.runtime.network import Network
from speediness.simulation.render import render
from speediness.simulation.stage import side_view
from speediness.simulation.walk import walk

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

PERSON_SHARES = tuple(np.geomspace(0.2, 0.75, 6).round(3).tolist())  # of the plot's height
PERSONS = 3
VIDEO_S = 6.0
SPEEDS = ("natural", "sped_up")
COLOURS = {"natural": "#0072B2", "sped_up": "#D55E00"}  # as in Fig. 4, in Okabe and Ito's shades
MARKERS = {"natural": "o", "sped_up": "D"}
WORDS = {"natural": "natural, 1×", "sped_up": "sped up, 2×"}
STRIP_FRAMES, STRIP_APART_S = 3, 0.28  # half a step

ScoresBySpeed = dict[str, NDArray[np.float64]]


def speediness_against_magnitude(
    network: Network, out: Path, progress: Callable[[float, float], None] = lambda done_s, total_s: None
) -> dict[str, Any]:
    """Score walkers at several distances and two speeds, and draw P against mean flow.

    Args:
        network: what scores.
        out: PNG to write; replaced if it exists, and only once the plot is whole.
        progress: called with seconds of video scored and in all.

    Returns:
        ``person_share`` (D,), standing height over plot height; under ``natural`` and
        ``sped_up`` the ``speediness`` (D,), P(sped up) in 0..1, and ``flow`` (D,), mean pixels per
        reference interval at the network's size; ``pairs``, how many (far and sped up, near and
        natural) there are, and the shares ``ranked_by_network`` and ``ranked_by_flow`` in which the
        sped-up one scores higher; ``gap_at_equal_flow``, how much higher P is for the sped-up walk
        where both walks have the same mean flow, None where they never do.

    Raises:
        OutputError: the plot cannot be written.
    """
    score: ScoresBySpeed = {speed: np.zeros((PERSONS, len(PERSON_SHARES))) for speed in SPEEDS}
    speediness, flow = ({speed: np.zeros_like(score[speed]) for speed in SPEEDS} for _ in range(2))
    total_s = VIDEO_S * PERSONS * len(PERSON_SHARES)
    for person in range(PERSONS):
        for distance, share in enumerate(PERSON_SHARES):
            found = score_video(_walk(network, person, share), network.runtime, network.clip)
            assert found is not None, "a walk holds many windows"
            for speed, score_W, flow_W in (
                ("natural", found.score_1x, found.flow_1x),
                ("sped_up", found.score_2x, found.flow_2x),
            ):
                score[speed][person, distance] = score_W.mean()
                speediness[speed][person, distance] = (1 / (1 + np.exp(-score_W))).mean()
                flow[speed][person, distance] = flow_W.mean()
            progress(VIDEO_S * (person * len(PERSON_SHARES) + distance + 1), total_s)
    report = {
        "network": network.name,
        "person_share": list(PERSON_SHARES),
        **{
            speed: {"speediness": speediness[speed].mean(0).tolist(), "flow": flow[speed].mean(0).tolist()}
            for speed in SPEEDS
        },
        "pairs": PERSONS * len(list(combinations(PERSON_SHARES, 2))),
        "ranked_by_network": _ranked(score),
        "ranked_by_flow": _ranked(flow),
        "gap_at_equal_flow": gap_at_equal_flow(
            *((flow[speed].mean(0), speediness[speed].mean(0)) for speed in SPEEDS)
        ),
    }
    _draw(report, speediness, flow, out)
    return report


def gap_at_equal_flow(
    natural: tuple[NDArray[np.float64], NDArray[np.float64]],
    sped_up: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> float | None:
    """How much higher the second curve lies than the first, on average where both have values.

    Both are (flow, P) at (D,) distances; between them P is linear in the logarithm of flow.
    """
    (flow_1, p_1), (flow_2, p_2) = (_ascending(curve) for curve in (natural, sped_up))
    low, high = max(flow_1[0], flow_2[0]), min(flow_1[-1], flow_2[-1])
    if low >= high:
        return None
    at = np.linspace(low, high, 50)
    return float((np.interp(at, flow_2, p_2) - np.interp(at, flow_1, p_1)).mean())


def _ascending(
    curve: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    order = np.argsort(curve[0])
    return np.log(curve[0][order]), curve[1][order]


def _walk(network: Network, person: int, share: float) -> DecodedVideo:
    """A walk with a frame wherever the network wants one, at 1x and at 2x; no codec, no rounding."""
    rate_fps = 2 * float(network.clip.frame_rate)
    times_s = np.arange(round(VIDEO_S * rate_fps)) / rate_fps
    side_px = MAGNIFICATION * network.clip.size_px
    stage = side_view(walk(person, VIDEO_S), share, seed=person)
    luma = halve(render(stage, times_s, 2 * side_px, 2 * side_px))
    name = f"person {person + 1}, {share:.0%} of the height"
    return DecodedVideo(VideoItem(Path(name), name), times_s, luma.repeat(network.clip.channels, 3))


def _ranked(value: ScoresBySpeed) -> float:
    """Share of the pairs (farther and sped up, nearer and natural) in which the first is larger."""
    pairs = combinations(range(len(PERSON_SHARES)), 2)
    return float(np.mean([value["sped_up"][:, far] > value["natural"][:, near] for far, near in pairs]))


def _draw(report: dict[str, Any], speediness: ScoresBySpeed, flow: ScoresBySpeed, out: Path) -> None:
    figure = new_figure(12.5, 5.0)
    grid = figure.add_gridspec(1, 2, width_ratios=(1, 1.5))
    _draw_strips(figure.add_subfigure(grid[0]))
    _draw_answers(figure.add_subfigure(grid[1]).subplots(), report, speediness, flow)
    figure.suptitle(
        f"{report['network']}: near and natural against far and twice as fast.  "
        f"Ranked right: network {report['ranked_by_network']:.0%}, mean flow {report['ranked_by_flow']:.0%}"
        f" of {report['pairs']} pairs",
        x=0.01,
        ha="left",
        fontsize=12.5,
        parse_math=False,
    )
    save_figure(figure, out)


def _draw_strips(figure: SubFigure) -> None:
    times_s = np.arange(STRIP_FRAMES) * STRIP_APART_S
    rows = figure.subplots(2, STRIP_FRAMES)
    for axes_of_row, share, words in zip(
        rows, (PERSON_SHARES[0], PERSON_SHARES[-1]), ("farthest", "nearest"), strict=True
    ):
        frames = render(side_view(walk(0, VIDEO_S), share), times_s, 256, 256)
        for axes, frame in zip(axes_of_row, frames, strict=True):
            axes.imshow(frame[:, :, 0], cmap="gray", vmin=0, vmax=255)
            axes.set_axis_off()
        axes_of_row[0].set_title(f"{words}, every {STRIP_APART_S:g} s", loc="left", fontsize=10)


def _draw_answers(
    axes: Axes, report: dict[str, Any], speediness: ScoresBySpeed, flow: ScoresBySpeed
) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    both = [report[speed]["flow"] for speed in SPEEDS]
    shared = max(map(min, both)), min(map(max, both))
    if shared[0] < shared[1]:
        axes.axvspan(*shared, color="#DCE6DF", linewidth=0, zorder=0)
        gap = report["gap_at_equal_flow"]
        axes.text(
            float(np.sqrt(shared[0] * shared[1])),
            1.01,
            f"same motion magnitude: 2× is {gap:+.2f} in P",
            ha="center",
            fontsize=9.5,
            color=INK,
        )
    sizes = 4 + 14 * np.array(PERSON_SHARES)
    for speed in SPEEDS:
        colour, marker = COLOURS[speed], MARKERS[speed]
        axes.plot(
            flow[speed].ravel(), speediness[speed].ravel(), marker, color=colour, markersize=3, alpha=0.4
        )
        x, y = report[speed]["flow"], report[speed]["speediness"]
        axes.plot(x, y, color=colour, linewidth=1.6)
        for px, py, size in zip(x, y, sizes, strict=True):
            axes.plot(px, py, marker, color=colour, markersize=size, markeredgecolor="white")
        axes.plot([], [], marker, color=colour, markersize=8, linestyle="-", label=WORDS[speed])
    axes.axhline(0.5, color=INK, linewidth=0.7, linestyle=":")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1], ["0 natural", "0.5", "1 sped up"])
    axes.set_xlabel("mean flow magnitude (pixels per interval, logarithmic); the larger a mark, the nearer")
    axes.set_ylabel("speediness P(sped up)")
    axes.legend(loc="lower right", frameon=False, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
