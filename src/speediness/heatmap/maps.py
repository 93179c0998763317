"""A video to its heat maps: one for every bin of motion, never across a cut (SpeedNet §5.5)."""

# T times, H W cells of a map, L bins of a shot

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.analyse import AHEAD
from speediness.analysis.scorer import score_shots
from speediness.analysis.shot import ShotScores, scene_px, shortest_s
from speediness.heatmap.squares import CELL_PX, MapKind, ShotMaps, Squares
from speediness.results.documents import written_whole
from speediness.runtime.network import DEFAULT_NETWORK, Network, load_network
from speediness.video.read_ahead import read_ahead
from speediness.video.reader import Frame, VideoReader

LOW, HIGH = 20.0, 99.5  # percentiles of a video's absolute maps that are drawn as 0 and 1
FAINTEST = 0.1  # distance of the two at least, in log-odds: maps of nothing stay dark
CERTAIN = 2.0  # log-odds of sped up drawn as tanh(1): 7 to 1


@dataclass(frozen=True)
class HeatMaps:
    """How much each place of a video contributes, and when."""

    kind: MapKind
    times_s: NDArray[np.float64]
    """(T,) ascending: middles of bins in each shot, or of clips for a network that sees frames."""
    maps: NDArray[np.float16]
    """(T, H, W) log-odds; drive: 0 or more. speed: of sped up, below 0 is natural."""
    moving: NDArray[np.float16]
    """(T, H, W) 0 where nothing moves to 1."""
    region: tuple[float, float, float, float]
    """Left, top, right and bottom of what the cells cover, as shares of the frame's sides."""
    shot_starts: tuple[int, ...]
    """Numbers of the times at which shots begin, the first is 0."""
    shot_starts_s: tuple[float, ...]
    """When the shots begin."""
    duration_s: float
    """End of the last frame."""
    warnings: tuple[str, ...] = ()
    """What the reader had to put up with, and shots that are too short."""

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Log-odds drawn as 0 and as 1: for drive, two percentiles of the video."""
        if self.kind == "speed":
            return 0.0, CERTAIN
        # A long video has millions of values; every so many say as much.
        step = max(1, self.maps.size // 2_000_000)
        values = self.maps.ravel()[::step].astype(np.float32) * self.moving.ravel()[::step]
        low, high = np.percentile(values, [LOW, HIGH]).tolist()
        return low, max(high, low + FAINTEST)

    def drawn(self, time_s: float) -> NDArray[np.float32]:
        """(H, W) what is drawn of a moment.

        Drive: 0 to 1. Speed: 2 P(sped up) - 1, from -1 natural to 1. What stands still is drawn as 0.
        """
        (low, high), near = self.bounds, self._between(time_s)
        values, moving = (
            sum(np.float32(share) * part[k].astype(np.float32) for k, share in near)
            for part in (self.maps, self.moving)
        )
        if self.kind == "speed":
            return np.tanh(values / np.float32(high)) * moving
        return np.clip((values * moving - low) / (high - low), 0, 1).astype(np.float32)

    def _between(self, time_s: float) -> list[tuple[int, float]]:
        """The numbers of the times around a moment, in its shot, and their shares."""
        shot = max(int(np.searchsorted(self.shot_starts_s, time_s + 1e-6, "right")) - 1, 0)
        first = self.shot_starts[shot]
        end = (*self.shot_starts, len(self.times_s))[shot + 1]
        k = int(np.searchsorted(self.times_s[first:end], time_s)) + first
        low, high = max(k - 1, first), min(k, end - 1)
        gap_s = float(self.times_s[high] - self.times_s[low])
        part = min(max((time_s - float(self.times_s[low])) / gap_s, 0.0), 1.0) if gap_s else 0.0
        return [(low, 1 - part), (high, part)]

    def save(self, path: Path) -> None:
        """Write an ``.npz`` (docs/formats.md) beside its final name, then rename.

        Raises:
            OutputError: it cannot be written; nothing is left of it.
        """
        with written_whole(path) as partial, partial.open("wb") as file:
            np.savez_compressed(
                file,
                schema="speediness.heatmap/1",
                kind=self.kind,
                times_s=self.times_s,
                maps=self.maps,
                moving=self.moving,
                region=np.array(self.region),
                cuts_s=np.array(self.shot_starts_s[1:]),
                bounds=np.array(self.bounds),
            )


def find_maps(
    video: str | os.PathLike[str],
    kind: MapKind = "drive",
    *,
    network: str | Network = DEFAULT_NETWORK,
    progress: Callable[[float, float], None] | None = None,
) -> HeatMaps:
    """Analyse a video at its own speed and say where in the frame the network sees what it says.

    The network is a name of shipped weights, a path of an exported network, or one already loaded;
    ``progress`` is called with seconds of video seen and seconds of video in all.

    Raises:
        VideoError: the file cannot be used.
        WeightsError: no such network.
    """
    net = network if isinstance(network, Network) else load_network(network)
    reader = VideoReader(Path(video))
    promised_s = float(reader.info.duration_s or 0)
    squares = Squares(net.runtime, net.clip, kind)
    frames = reader.frames(squares.clip.size_px, squares.clip.channels, scene_px=scene_px(net.runtime))
    frame_px = (0, 0)

    def seen(frame: Frame) -> Frame:
        nonlocal frame_px
        frame_px = frame.pixels_HWC.shape[:2]
        if progress is not None:
            progress(float(frame.time_s), max(promised_s, float(frame.time_s)))
        return frame

    shots: list[ShotScores] = []
    found: list[ShotMaps | None] = []
    with read_ahead(frames, AHEAD) as coming:
        for shot in score_shots(map(seen, coming), squares.runtime, squares.clip, to_the_ends=False):
            shots.append(shot)
            found.append(squares.take())
    region, nothing = _covered(frame_px, squares.clip.unit_px)
    maps = [nothing if shot is None else shot for shot in found]
    times_s = [
        shot.times_s[:1]
        if shot_maps is None
        else shot.motion_s
        if net.runtime.measure
        else shot.middles_s[0]
        for shot, shot_maps in zip(shots, found, strict=True)
    ]
    lengths = np.cumsum([0, *map(len, times_s)])
    return HeatMaps(
        kind=kind,
        times_s=np.concatenate(times_s),
        maps=np.concatenate([shot.maps_Lhw for shot in maps]),
        moving=np.concatenate([shot.moving_Lhw for shot in maps]),
        region=region,
        shot_starts=tuple(lengths[:-1].tolist()),
        shot_starts_s=tuple(float(shot.times_s[0]) for shot in shots),
        duration_s=float(reader.end_s),
        warnings=(*reader.warnings, *_too_short(found, shortest_s(net.runtime, net.clip))),
    )


def _covered(frame_px: tuple[int, int], unit_px: int) -> tuple[tuple[float, float, float, float], ShotMaps]:
    """The region that maps cover, and the one map of a shot of which nothing is known."""
    sides_px = [side // unit_px * unit_px for side in frame_px]
    top, left = ((side - used) // 2 / side for side, used in zip(frame_px, sides_px, strict=True))
    height, width = (used / side for side, used in zip(frame_px, sides_px, strict=True))
    nothing = np.zeros((1, *(side // CELL_PX for side in sides_px)), np.float16)
    return (left, top, left + width, top + height), ShotMaps(nothing, nothing)


def _too_short(found: list[ShotMaps | None], least_s: float) -> Iterator[str]:
    if short := sum(shot is None for shot in found):
        yield (
            f"{short} of {len(found)} shots are shorter than the {least_s:g} s that the network "
            "needs; nothing is drawn in them"
        )
