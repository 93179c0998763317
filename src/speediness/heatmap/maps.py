"""A video to its heat maps: a map eight times a second, never across a cut (SpeedNet §5.5)."""

# T times, H W cells of a map, B windows

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.curve import AHEAD
from speediness.analysis.cuts import CutDetector
from speediness.analysis.network import DEFAULT_NETWORK, Network, load_network
from speediness.analysis.schedule import Sequence, Stream, Windows
from speediness.analysis.shot import ShotScorer
from speediness.clip import ClipSpec
from speediness.errors import OutputError
from speediness.heatmap.squares import FINE, MapKind, Squares, slope
from speediness.video.read_ahead import read_ahead
from speediness.video.reader import VideoReader

CHUNK_S = 20.0  # of a shot scored at once: the frame has four times the cells that analysis looks at
LOW, HIGH = 20.0, 99.5  # percentiles of a video's absolute maps that are drawn as 0 and 1
FAINTEST = 0.1  # distance of the two at least, in log-odds: maps of nothing stay dark
CERTAIN = 2.0  # log-odds of sped up drawn as tanh(1): 7 to 1


@dataclass(frozen=True)
class HeatMaps:
    """How much each place of a video contributes, and when."""

    kind: MapKind
    times_s: NDArray[np.float64]
    """(T,) ascending, at the network's frame rate in each shot."""
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
    """What the reader had to put up with."""

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
        partial = path.with_name(path.name + ".partial")
        try:
            with partial.open("wb") as file:
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
            os.replace(partial, path)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}; choose another place") from error
        finally:
            partial.unlink(missing_ok=True)


def find_maps(
    video: str | os.PathLike[str],
    kind: MapKind = "drive",
    *,
    network: str | Network = DEFAULT_NETWORK,
    progress: Callable[[float, float], None] | None = None,
) -> HeatMaps:
    """Analyse a video at its own speed and say where in the frame the network sees what it says.

    Args:
        video: any file with a video stream.
        kind: of map.
        network: name of shipped weights, path of an exported network, or one already loaded.
        progress: called with seconds of video seen and seconds of video in all.

    Raises:
        VideoError: the file cannot be used.
        WeightsError: no such network.
    """
    net = network if isinstance(network, Network) else load_network(network)
    reader = VideoReader(Path(video))
    promised_s = float(reader.info.duration_s or 0)
    frames = reader.frames(FINE * net.clip.size_px, net.clip.channels)
    detector = CutDetector()
    squares: Squares | None = None
    shots: list[_ShotMaps] = []
    with read_ahead(frames, AHEAD) as coming:
        for frame in coming:
            time_s, pixels = float(frame.time_s), frame.pixels_HWC
            if squares is None:
                squares = Squares(net.runtime, net.clip, (pixels.shape[0], pixels.shape[1]), kind)
            luma = pixels[:, :, 0] if net.clip.channels == 1 else pixels.mean(2)
            if detector.is_cut(luma.astype(np.uint8)) or not shots:
                if shots:
                    shots[-1].close()
                shots.append(_ShotMaps(squares, net.clip, time_s))
            shots[-1].add(time_s, squares.cut(pixels))
            if progress is not None:
                progress(time_s, max(promised_s, time_s))
    assert squares is not None  # a video has a frame
    shots[-1].close()
    lengths = np.cumsum([0, *(len(shot.times_s) for shot in shots)])
    return HeatMaps(
        kind=kind,
        times_s=np.concatenate([shot.times_s for shot in shots]),
        maps=np.concatenate([shot.maps[:, 0] for shot in shots]),
        moving=np.concatenate([shot.maps[:, 1] for shot in shots]),
        region=squares.region,
        shot_starts=tuple(lengths[:-1].tolist()),
        shot_starts_s=tuple(shot.start_s for shot in shots),
        duration_s=float(reader.end_s),
        warnings=tuple(reader.warnings),
    )


class _ShotMaps:
    """Gathers the maps of overlapping windows at moments one reference interval apart.

    The middle of a window counts most, and a frame counts for the two moments around it, so that
    maps pass into one another smoothly.

    Attributes:
        start_s: the shot's first frame.
        times_s: (T,) moments, once closed.
        maps: (T, 2, H, W) means of the maps and of what moves, once closed.
    """

    def __init__(self, squares: Squares, clip: ClipSpec, start_s: float) -> None:
        self.start_s = start_s
        self._clip, self._rate = clip, float(clip.frame_rate)
        runtime = squares.runtime
        schedule = Windows(clip.n_frames // 2, 1) if runtime.context is None else Stream(1, runtime.context)
        self._shot = ShotScorer(runtime, clip, (1.0,), schedule, self._add_cam, CHUNK_S)
        self._sums: dict[int, NDArray[np.float32]] = {}
        self._weights: dict[int, float] = {}
        self.times_s = np.zeros(0)
        self.maps = np.zeros((0, 2, squares.height, squares.width), np.float16)

    def add(self, time_s: float, pixels_HWC: NDArray[np.uint8]) -> None:
        """Take the next frame."""
        self._shot.add(time_s, pixels_HWC)

    def close(self) -> None:
        """Score the rest and take the means."""
        self._shot.close()
        length = (self._shot.times_s[-1] - self.start_s) * self._rate
        moments = [k for k in sorted(self._sums) if k <= length + 1e-6]
        self.times_s = self.start_s + np.array(moments) / self._rate
        self.maps = np.stack([self._sums[k] / self._weights[k] for k in moments]).astype(np.float16)
        self._sums.clear()

    def _add_cam(
        self, times_L: NDArray[np.float64], sequence: Sequence, maps_L2hw: NDArray[np.float32]
    ) -> None:
        """Add the frames of those windows of a sequence that count."""
        counts_W = np.zeros(len(times_L) - self._clip.n_frames + 1)
        counts_W[sequence.lead : sequence.lead + len(sequence.middles_s)] = 1
        weights_L = np.convolve(counts_W, slope(self._clip.n_frames))
        moments_L = (times_L - self.start_s) * self._rate
        for moment, weight, map_2hw in zip(moments_L.tolist(), weights_L.tolist(), maps_L2hw, strict=True):
            for k in {int(np.floor(moment)), int(np.ceil(moment))}:
                near = weight * (1 - abs(moment - k))
                if near > 0.01:
                    self._sums[k] = self._sums.get(k, np.float32(0)) + np.float32(near) * map_2hw
                    self._weights[k] = self._weights.get(k, 0.0) + near
