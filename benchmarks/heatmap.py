"""Do heat maps tell the truth? Videos whose parts play at known speeds, and videos that partly stand still.

    python benchmarks/heatmap.py FOLDER [-o DIR]

FOLDER holds videos at natural speed, whose names begin with their source and two underscores. From
them are put together, at random but always the same way, videos of two halves (two clips, or one clip
twice) and of four quarters, parts of which play at 1x and 2x. The signed map, as ``speediness heatmap
--signed`` finds it in the written video, is averaged over the two seconds of a window; its AUC is over
all places and windows. The absolute map is tested on the videos as they are: is its mean over what
changes from frame to frame above its mean over the still background? The frame shows maps and no
footage.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from report import Results, arguments, markdown, report
from speediness import sampling
from speediness.heatmap.colours import colour_map
from speediness.heatmap.maps import HeatMaps, find_maps
from speediness.runtime.network import Network, load_network
from speediness.video.reader import VideoReader
from speediness.video.writer import VideoWriter
from speediness.video.yuv420 import BT709

LENGTH_S, RATE, FAST = 3.0, 25, 2.0
PART_PX = 128
KINDS = ("halves", "same clip", "quarters")
PAIRS = 8  # of sources; each makes three videos of halves and one of quarters
STILL_VIDEOS = 40
MOVES, STANDS = 4.0, 1.5  # mean difference of luma between frames 1/8 s apart, in grey levels

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Composed:
    """A video made of parts, and which of them are sped up."""

    name: str
    pixels_FHWC: Pixels
    fast: NDArray[np.bool_]
    """(rows, columns) of the parts."""


def main() -> None:
    """Measure, print and draw."""
    parser = arguments(__doc__)
    parser.add_argument("data", metavar="FOLDER", type=Path, help="videos at natural speed")
    given = parser.parse_args()
    report("heatmap", given, lambda: measure(given.data), tables, draw)


def measure(folder: Path) -> Results:
    """Plain values; a line on stderr for every video."""
    network = load_network()
    sources = defaultdict(list)
    for path in sorted(folder.glob("*.mp4")):
        sources[path.name.partition("__")[0]].append(path)
    speed = []
    for video in compose(sources):
        auc, mean_HW = test_of_speed(video, network)
        print(f"{auc:5.2f}  {video.name}", file=sys.stderr, flush=True)
        map_HW = mean_HW.astype(np.float64).round(3).tolist()
        speed.append({"film": video.name, "auc": auc, "fast": video.fast.tolist(), "map": map_HW})
    drive = {path.name: test_of_drive(path, network) for path in spread(sources, STILL_VIDEOS)}
    return {"speed": speed, "drive": drive}


def tables(results: Results) -> str:
    """The videos, best first, and what they come to."""
    videos = sorted(results["speed"], key=lambda video: -video["auc"])
    rows = [[video["film"], f"{video['auc']:.2f}"] for video in videos]
    kinds = {"all": videos} | {
        kind: [video for video in videos if video["film"].startswith(kind)] for kind in KINDS
    }
    summary = []
    for kind, of_kind in kinds.items():
        aucs = np.array([video["auc"] for video in of_kind])
        values = (np.median(aucs), aucs.mean(), (aucs > 0.5).mean(), aucs.min())
        summary.append([kind, str(len(aucs)), *(f"{value:.2f}" for value in values)])
    wins = [won for won in results["drive"].values() if won is not None]
    return (
        markdown(["signed map, video", "AUC"], rows)
        + "\n"
        + markdown(["films", "number", "median AUC", "mean", "share above 0.5", "lowest"], summary)
        + f"\nAbsolute map: moving above still in {sum(wins)} of the {len(wins)} videos that have both.\n"
    )


def compose(sources: dict[str, list[Path]]) -> Iterator[Composed]:
    """The videos, in their order; sources without a clip that is long enough are left out."""
    rng = np.random.default_rng(0)
    long_enough = {
        name: kept
        for name, paths in sources.items()
        if (kept := [path for path in paths if _seconds(path) >= LENGTH_S * FAST])
    }
    names = sorted(long_enough)
    for _ in range(PAIRS):
        four = [long_enough[names[i]] for i in rng.choice(len(names), 4, replace=len(names) < 4)]
        a, b, c, d = (paths[rng.integers(len(paths))] for paths in four)
        yield _video("halves", [[a, b]], [[1, FAST]])
        yield _video("halves", [[a, b]], [[FAST, 1]])
        yield _video("same clip", [[a, a]], [[1, FAST]])
        yield _video("quarters", [[a, b], [c, d]], [[1, FAST], [FAST, 1]])


def _seconds(path: Path) -> float:
    return VideoReader(path).info.duration_s or 0.0


def _video(kind: str, parts: list[list[Path]], factors: list[list[float]]) -> Composed:
    rows = [
        np.concatenate([played(path, factor) for path, factor in zip(*row, strict=True)], 2)
        for row in zip(parts, factors, strict=True)
    ]
    said = " / ".join(
        ", ".join(f"{path.stem} {factor:g}x" for path, factor in zip(*row, strict=True))
        for row in zip(parts, factors, strict=True)
    )
    return Composed(f"{kind}: {said}", np.concatenate(rows, 1), np.array(factors) > 1)


def played(path: Path, factor: float) -> Pixels:
    """The middle square of a video, played at a factor from its start."""
    frames = list(VideoReader(path).frames(PART_PX))
    times_s = np.array([float(frame.time_s) for frame in frames])
    wanted = sampling.play_at(0.0, factor, round(LENGTH_S * RATE), RATE)
    shown = [frames[i].pixels_HWC for i in sampling.nearest_frames(times_s, wanted)]
    top, left = ((side - PART_PX) // 2 for side in shown[0].shape[:2])
    return np.stack([pixels[top : top + PART_PX, left : left + PART_PX] for pixels in shown])


def test_of_speed(video: Composed, network: Network) -> tuple[float, NDArray[np.float32]]:
    """AUC of the signed map of a video that was written and read, and the map's mean over time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        height_px, width_px = video.pixels_FHWC.shape[1:3]
        with VideoWriter(path, (width_px, height_px), Fraction(RATE), BT709) as writer:
            for pixels in video.pixels_FHWC:
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                writer.add_frame(frame.reformat(format="yuv420p", dst_colorspace=1))
        found = find_maps(path, "speed", network=network)
    window = network.clip.n_frames
    maps = found.maps.astype(np.float32)
    sums = np.cumsum(np.concatenate([np.zeros_like(maps[:1]), maps]), 0)
    means_WHW = (sums[window:] - sums[:-window]) / window
    rows, columns = (
        np.arange(n) * parts // n for n, parts in zip(maps.shape[1:], video.fast.shape, strict=True)
    )
    fast = np.broadcast_to(video.fast[np.ix_(rows, columns)], means_WHW.shape)
    return area_under_curve(means_WHW[fast], means_WHW[~fast]), maps.mean(0)


def area_under_curve(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float:
    """Chance that a positive exceeds a negative; ties count half."""
    negative = np.sort(negative)
    below = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
    return float(below.mean() / 2 / len(negative))


def spread(sources: dict[str, list[Path]], n: int) -> list[Path]:
    """Videos from every source in turn."""
    longest = max(map(len, sources.values()))
    in_turn = [paths[k] for k in range(longest) for paths in sources.values() if k < len(paths)]
    return in_turn[:n]


def test_of_drive(path: Path, network: Network) -> bool | None:
    """Whether the absolute map is higher where the video changes; None if all or nothing does."""
    found = find_maps(path, "drive", network=network)
    changes = _changes(path, found)
    moving, still = changes > MOVES, changes < STANDS
    if min(moving.sum(), still.sum()) < 0.02 * changes.size:
        return None
    mean = (found.maps.astype(np.float32) * found.moving).mean(0)
    return bool(mean[moving].mean() > mean[still].mean())


def _changes(path: Path, found: HeatMaps) -> NDArray[np.float64]:
    """(H, W) mean difference of luma between frames 1/8 s apart, by cells of the maps."""
    frames = list(VideoReader(path).frames(PART_PX, 1))
    times_s = np.array([float(frame.time_s) for frame in frames])
    shown = sampling.nearest_frames(times_s, np.arange(0, times_s[-1], 1 / 8))
    luma = np.stack([frames[i].pixels_HWC[:, :, 0] for i in shown]).astype(np.float64)
    difference = np.abs(np.diff(luma, axis=0)).mean(0)
    left, top, right, bottom = found.region
    height_px, width_px = difference.shape
    height, width = found.maps.shape[1:]
    rows = ((top + (bottom - top) * np.arange(height) / height) * height_px).round().astype(int)
    columns = ((left + (right - left) * np.arange(width) / width) * width_px).round().astype(int)
    part = difference[: round(bottom * height_px), : round(right * width_px)]
    sums = np.add.reduceat(np.add.reduceat(part, rows, 0), columns, 1)
    areas = np.outer(np.diff(rows, append=part.shape[0]), np.diff(columns, append=part.shape[1]))
    return sums / areas


def draw(figure: Figure, results: Results) -> None:
    """The mean signed map of every video, what plays at 2x framed, best first."""
    videos = sorted(results["speed"], key=lambda video: -video["auc"])
    columns = 8
    rows = -(-len(videos) // columns)
    figure.set_size_inches(1.6 * columns, 1.45 * rows + 0.7)
    figure.suptitle("Mean signed map and its AUC; framed parts play at 2×, others at 1×", fontsize=12)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    images = []
    for axes in panels:
        axes.set_axis_off()
    for axes, video in zip(panels, videos, strict=False):
        mean_HW, fast = np.array(video["map"]), np.array(video["fast"])
        images.append(axes.imshow(np.tanh(mean_HW / 2), cmap=colour_map("speed"), vmin=-1, vmax=1))
        axes.set_title(f"{video['film'].partition(':')[0]}  {video['auc']:.2f}", fontsize=9)
        height, width = (n / parts for n, parts in zip(mean_HW.shape, fast.shape, strict=True))
        for row, column in np.argwhere(fast):
            corner = (column * width - 0.5, row * height - 0.5)
            axes.add_patch(
                Rectangle(
                    corner, width, height, fill=False, edgecolor="#222222", linewidth=2, clip_on=False
                )
            )
    bar = figure.colorbar(images[0], ax=panels.tolist(), shrink=0.6, aspect=30)
    bar.set_ticks([-1, 0, 1], labels=["natural", "0", "sped up"])


if __name__ == "__main__":
    main()
