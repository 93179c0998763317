"""One shot of a video: whole windows are classified as their frames come in, in bounded memory (§4.1).

The paper slides a window over every frame of every sped-up version: 4.6 windows per frame of video,
42 GMAC each. A network that sees motion is given the same field of motion at every factor, in bins; one
that sees frames is given windows a quarter of their length apart. A window that does not fit into the
shot is left out; a shot a little shorter than any is one shorter window.
"""

# K factors, F frames, W windows of a factor, L bins or frames of a sequence, D features, H W frame size, C
# channels

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.motion_field import REFERENCE_PX, SHORTEST_PAIR_S, SLACK_S, MotionField
from speediness.runtime.protocol import Floats, Outputs, Pixels, Runtime

CHUNK_S = 40.0  # windows are classified whenever this much more video is at hand
PAIRS = 128  # measured in one call
SHORTEST = 5 / 8  # of a window: what the one of a shot holds at least in which no whole one fits
CLIPS = 16  # of a network that sees frames, classified in one call
STEPS = 4  # windows of such a network in the length of one
SCENE_PX = 224
"""Short side at which the scene is seen."""
REPORTED_PX = 64
"""Short side in whose pixels curves and features report motion."""

Times = NDArray[np.float64]


@dataclass(frozen=True)
class ShotScores:
    """What the network says of one shot.

    Some 15 MB for an hour of video, most of it features; values for every frame would add ten.
    """

    times_s: Times
    """(F,) of its frames."""
    middles_s: tuple[Times, ...]
    """By factor, (W,) ascending: the middles of the windows; none where none fits. Where no whole one fits
    into a shot, but SHORTEST of one, it is the only window."""
    rate: tuple[Floats, ...]
    """By factor, (W, 2) mean and log variance of log2 of the playback rate."""
    motion: Floats
    """(M, 2) motion at factor 1 in pixels per bin at short side 64: mean, and that of the busiest cell."""
    motion_s: Times
    """(M,) when, ascending."""
    features: NDArray[np.float16]
    """(N, D) of the first factor, see :class:`speediness.results.features.MotionFeatures`."""
    features_s: Times
    """(N,) when, ascending."""


class ShotScorer(Protocol):
    """A shot still growing."""

    def add(self, time_s: float, pixels_HWC: Pixels, scene_HWC: Pixels | None) -> None:
        """Take the next frame.

        Args:
            time_s: later than the frame before.
            pixels_HWC: at the clip's short side and with its channels.
            scene_HWC: the same frame in RGB at short side SCENE_PX, where it is given.
        """
        ...

    def close(self) -> ShotScores:
        """Classify the rest."""
        ...


def shot_scorer(
    runtime: Runtime, clip: ClipSpec, factors: tuple[float, ...], to_the_ends: bool = True
) -> ShotScorer:
    """A new shot for a network of either kind; see :class:`MotionShot`."""
    if runtime.measure is None:
        return ClipShot(runtime, clip, factors)
    return MotionShot(runtime, clip, factors, to_the_ends)


def scene_px(runtime: Runtime) -> int | None:
    """Short side of the frames in which the network sees the scene; None: it sees none."""
    return None if runtime.see is None else SCENE_PX


def shortest_s(runtime: Runtime, clip: ClipSpec) -> float:
    """Seconds that a shot must last for anything to be said of it."""
    return clip.duration_s if runtime.measure is None else SHORTEST * clip.duration_s


@dataclass
class _Stream:
    """The bins of one factor: what the next window still needs, and what was said so far."""

    factor: float
    window: int
    """Bins of its windows."""
    done: int = 0
    """Bins taken from the field."""
    tail: list[Floats] = field(default_factory=list)
    tail_scene: list[int] = field(default_factory=list)
    rate: list[Floats] = field(default_factory=list)


class MotionShot:
    """A shot for a network that sees motion: one field, and the bins of every factor cut from it.

    Attributes:
        times_s: of all frames so far.

    Args:
        runtime: the network.
        clip: what it looks at.
        factors: at which the shot is played.
        to_the_ends: also give features of the bins at both ends, which only serve as context, as if what
            moves there went on: search needs them.
    """

    def __init__(
        self, runtime: Runtime, clip: ClipSpec, factors: tuple[float, ...], to_the_ends: bool = True
    ) -> None:
        self._runtime, self._clip, self._to_the_ends = runtime, clip, to_the_ends
        self._streams = [_Stream(factor, clip.n_frames) for factor in factors]
        self._field: MotionField | None = None
        self._held: list[tuple[float, Pixels]] = []
        self._scenes_s: list[float] = []
        self._scenes: list[Pixels] = []
        self._scene_maps: dict[int, Floats] = {}  # by number in scenes_s, those still needed
        self._motion: list[Floats] = []
        self._features: list[NDArray[np.float16]] = []
        self._classified_s = -np.inf
        self.times_s: list[float] = []

    def add(self, time_s: float, pixels_HWC: Pixels, scene_HWC: Pixels | None) -> None:
        """See :class:`ShotScorer`."""
        self.times_s.append(time_s)
        if not self._held or time_s - self._held[-1][0] >= SHORTEST_PAIR_S - 1e-6:
            self._held.append((time_s, fit(pixels_HWC, self._clip.unit_px)))
        if self._runtime.see is not None and scene_HWC is not None:
            self._scenes_s.append(time_s)
            self._scenes.append(fit(scene_HWC, 32))
        if len(self._held) > PAIRS:
            self._measure()
        if time_s - max(self._classified_s, self.times_s[0]) >= CHUNK_S:
            self._classified_s = time_s
            self._classify()

    def close(self) -> ShotScores:
        """See :class:`ShotScorer`."""
        self._classify()
        for number, stream in enumerate(self._streams):
            self._classify_short(stream, first=number == 0)
        if self._features and self._to_the_ends:
            tail = self._streams[0]
            self._features.append(self._end(np.concatenate(tail.tail), tail.tail_scene, before=False))
        margin = (sum(map(len, self._motion)) - sum(map(len, self._features))) / 2 if self._features else 0
        motion = np.concatenate([np.zeros((0, 2), np.float32), *self._motion])
        features = np.concatenate(self._features) if self._features else np.zeros((0, 0), np.float16)
        return ShotScores(
            np.array(self.times_s),
            tuple(self._middles(sum(map(len, s.rate)), s.window / 2, s.factor) for s in self._streams),
            tuple(np.concatenate([np.zeros((0, 2), np.float32), *s.rate]) for s in self._streams),
            motion,
            self._middles(len(motion), 0.5),
            features,
            self._middles(len(features), margin + 0.5),
        )

    def _middles(self, count: int, first: float, factor: float = 1.0) -> Times:
        """Moments a bin apart, the first so many bins after the start."""
        return self.times_s[0] + (np.arange(count, dtype=np.float64) + first) * self._bin_s(factor)

    def _bin_s(self, factor: float) -> float:
        return factor / float(self._clip.frame_rate)

    def _measure(self) -> None:
        """Measure all pairs of the frames held; the last one stays, as the first of the next pair."""
        assert self._runtime.measure is not None and self._held
        times_s, frames = zip(*self._held, strict=True)
        if self._field is None:
            self._field = MotionField(times_s[0])
        if len(frames) > 1:
            flow_grid = self._runtime.measure(np.stack(frames[:-1]), np.stack(frames[1:]))
            flow_grid[:, :3] *= np.float32(REFERENCE_PX / self._clip.size_px)
            for time_s, flow_grid_4hw in zip(times_s[1:], flow_grid, strict=True):
                self._field.add(time_s, flow_grid_4hw)
        self._held = self._held[-1:]

    def _classify(self) -> None:
        """Classify all windows that end by now, then forget what no later one needs."""
        self._measure()
        assert self._field is not None
        if self._scenes:
            assert self._runtime.see is not None
            maps, first = self._runtime.see(np.stack(self._scenes)), len(self._scenes_s) - len(self._scenes)
            self._scene_maps |= dict(enumerate(maps, first))
            self._scenes.clear()
        for number, stream in enumerate(self._streams):
            self._classify_stream(self._field, stream, first=number == 0)
        self._field.forget(min(self._field.start_s + s.done * self._bin_s(s.factor) for s in self._streams))
        oldest = min(s.tail_scene[0] if s.tail_scene else 0 for s in self._streams)
        self._scene_maps = {n: cells for n, cells in self._scene_maps.items() if n >= oldest}

    def _classify_stream(self, motion_field: MotionField, stream: _Stream, first: bool) -> None:
        width_s, length = self._bin_s(stream.factor), self._clip.n_frames
        start_s = motion_field.start_s + stream.done * width_s
        count = int((motion_field.end_s - start_s + SLACK_S / 2) / width_s)
        if count < 1:
            return
        bins = motion_field.bins(start_s, width_s, count)
        scene = self._scene_of(start_s + (np.arange(count, dtype=np.float64) + 0.5) * width_s)
        stream.done += count
        if first:
            speed = bins[:, 2] * np.float32(REPORTED_PX / REFERENCE_PX)
            self._motion.append(np.stack([speed.mean((1, 2)), speed.max((1, 2))], 1))
        bins, scene = np.concatenate([*stream.tail, bins]), [*stream.tail_scene, *scene]
        keep = max(len(bins) - length + 1, 0)
        stream.tail, stream.tail_scene = [bins[keep:]], scene[keep:]
        if len(bins) < length:
            return
        outputs = self._outputs(bins, scene)
        stream.rate.append(outputs.rate[0])
        if first:
            self._keep_features(outputs.features[0], bins, scene)

    def _end(self, bins: Floats, scene: list[int], before: bool) -> NDArray[np.float16]:
        """Features of the first or the last bins of a shot, as many as a pass gives none for."""
        if not before:
            bins, scene = bins[::-1], scene[::-1]
        more = len(bins)
        bins, scene = np.concatenate([bins[:1].repeat(more, 0), bins]), scene[:1] * more + scene
        if not before:
            bins, scene = bins[::-1], scene[::-1]
        features_LD = self._outputs(np.ascontiguousarray(bins), scene).features[0].astype(np.float16)
        margin = (len(bins) - len(features_LD)) // 2
        first = more - margin if before else len(features_LD) - more
        return features_LD[first : first + margin]

    def _classify_short(self, stream: _Stream, first: bool) -> None:
        """Where no whole window fits: all bins there are as one, if they are enough to say anything."""
        count = sum(map(len, stream.tail))
        if not stream.rate and count >= SHORTEST * self._clip.n_frames:
            stream.window = count
            outputs = self._outputs(np.concatenate(stream.tail), stream.tail_scene)
            stream.rate.append(outputs.rate[0])
            if first:
                self._keep_features(outputs.features[0], np.concatenate(stream.tail), stream.tail_scene)

    def _outputs(self, bins: Floats, scene: list[int]) -> Outputs:
        assert self._runtime.classify is not None
        if not self._scene_maps:
            return self._runtime.classify(bins[None])
        numbers = sorted(set(scene))
        maps = np.stack([self._scene_maps[n] for n in numbers])
        return self._runtime.classify(bins[None], maps, np.searchsorted(numbers, scene)[None])

    def _keep_features(self, features_LD: Floats, bins: Floats, scene: list[int]) -> None:
        """Those not kept before: neighbouring sequences overlap by a window less a bin."""
        known = self._clip.n_frames - 1 - (len(bins) - len(features_LD)) if self._features else 0
        if not self._features and self._to_the_ends:
            first = slice(self._clip.n_frames)
            self._features.append(self._end(bins[first], scene[first], before=True))
        self._features.append(features_LD[max(known, 0) :].astype(np.float16))

    def _scene_of(self, middles_s: Times) -> list[int]:
        """For each bin the last look at the scene before its middle, or else the first one."""
        return np.maximum(np.searchsorted(self._scenes_s, middles_s, "right") - 1, 0).tolist()


class ClipShot:
    """A shot for a network that sees frames: windows of every so many of them, evenly.

    Attributes:
        times_s: of all frames so far.
    """

    def __init__(self, runtime: Runtime, clip: ClipSpec, factors: tuple[float, ...]) -> None:
        self._runtime, self._clip, self._factors = runtime, clip, factors
        self._held: list[Pixels] = []
        self._first = 0
        self._next = [0] * len(factors)
        self._middles_s: list[list[float]] = [[] for _ in factors]
        self._rate: list[list[Floats]] = [[] for _ in factors]
        self._change: list[float] = []
        self._features: list[NDArray[np.float16]] = []
        self._classified_s = -np.inf
        self.times_s: list[float] = []

    def add(self, time_s: float, pixels_HWC: Pixels, scene_HWC: Pixels | None) -> None:
        """See :class:`ShotScorer`."""
        frame = fit(pixels_HWC, self._clip.unit_px)
        before = self._held[-1] if self._held else frame
        self._change.append(float(np.abs(frame.astype(np.int16) - before).mean()))
        self.times_s.append(time_s)
        self._held.append(frame)
        if time_s - max(self._classified_s, self.times_s[0]) >= CHUNK_S / STEPS:
            self._classified_s = time_s
            self._classify()

    def close(self) -> ShotScores:
        """See :class:`ShotScorer`."""
        self._classify()
        none = np.zeros((0, 2), np.float32)
        # Grey levels that change, in place of motion, which this network does not measure.
        change_F1 = np.array(self._change, np.float32)[:, None]
        return ShotScores(
            np.array(self.times_s),
            tuple(np.array(middles_s) for middles_s in self._middles_s),
            tuple(np.concatenate([none, *rate]) for rate in self._rate),
            np.repeat(change_F1, 2, 1),
            np.array(self.times_s),
            np.concatenate(self._features) if self._features else np.zeros((0, 0), np.float16),
            np.array(self._middles_s[0]),
        )

    def _classify(self) -> None:
        """Classify all windows that end by now, then forget what no later one needs."""
        for k, factor in enumerate(self._factors):
            step = sampling.even_step(np.array(self.times_s[:33]), factor, self._clip.frame_rate)
            span = (self._clip.n_frames - 1) * step + 1
            starts = range(self._next[k], len(self.times_s) - span + 1, max(1, span // STEPS))
            for i in range(0, len(starts), CLIPS):
                self._classify_clips(k, starts[i : i + CLIPS], span, step)
            if starts:
                self._next[k] = starts[-1] + starts.step
        dropped = max(min(self._next) - self._first, 0)
        del self._held[:dropped]
        self._first += dropped

    def _classify_clips(self, k: int, starts: range, span: int, step: int) -> None:
        assert self._runtime.classify_clips is not None
        clips = [np.stack(self._held[s - self._first : s - self._first + span : step]) for s in starts]
        outputs = self._runtime.classify_clips(np.stack(clips))
        self._rate[k].append(outputs.rate[:, 0])
        self._middles_s[k] += [(self.times_s[s] + self.times_s[s + span - 1]) / 2 for s in starts]
        if k == 0:
            self._features.append(outputs.features.mean(1).astype(np.float16))


def fit(pixels_HWC: Pixels, unit_px: int) -> Pixels:
    """The middle of the frame, its sides cut to multiples of what the network can look at.

    Paper (§5.1): a square centre crop. Here: as much of the longer side as fits, because what
    moves is not always in the middle.
    """
    height, width = (side // unit_px * unit_px for side in pixels_HWC.shape[:2])
    top, left = (pixels_HWC.shape[0] - height) // 2, (pixels_HWC.shape[1] - width) // 2
    return pixels_HWC[top : top + height, left : left + width]
