"""One shot of a video: whole windows are classified as their frames come in, in bounded memory (§4.1).

The paper slides a window over every frame of every sped-up version: 4.6 windows per frame of video,
42 GMAC each. A network that sees motion is given the same field of motion at every factor, in bins; one
that sees frames is given windows a quarter of their length apart. A window that does not fit into the
shot is left out; a shot a little shorter than any is one shorter window.
"""

# K factors, F frames, W windows of a factor, L bins or frames of a sequence, D features, H W frame size, C
# channels

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.motion_field import REFERENCE_PX, SHORTEST_PAIR_S, SLACK_S, MotionField
from speediness.runtime.protocol import Floats, Outputs, Pixels, Runtime
from speediness.video.reader import Frame

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
    last_s: Fraction
    """The last of them, exactly."""
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

    def add(self, frame: Frame) -> None:
        """Take the next frame, at the clip's short side and with its channels; its scene is RGB."""
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
    bins: Floats = field(default_factory=lambda: np.zeros((0, 4, 0, 0), np.float32))
    scene: list[int] = field(default_factory=list)
    """For each bin the number of a look at the scene."""
    rate: list[Floats] = field(default_factory=list)

    def forget(self, kept: int) -> None:
        """All bins but the last ones."""
        self.bins, self.scene = self.bins[-kept:].copy(), self.scene[-kept:]


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
        self._scene_maps: Floats | None = None  # of those looks at the scene that are still needed
        self._first_map = 0  # the first one's number in scenes_s
        self._motion: list[Floats] = []
        self._features: list[NDArray[np.float16]] = []
        self._classified_s = -np.inf
        self._last_s = Fraction(0)
        self.times_s: list[float] = []

    def add(self, frame: Frame) -> None:
        """See :class:`ShotScorer`."""
        self._last_s, time_s = frame.time_s, float(frame.time_s)
        self.times_s.append(time_s)
        if not self._held or time_s - self._held[-1][0] >= SHORTEST_PAIR_S - 1e-6:
            self._held.append((time_s, fit(frame.pixels_HWC, self._clip.unit_px)))
        if self._runtime.see is not None and frame.scene_HWC is not None:
            self._scenes_s.append(time_s)
            self._scenes.append(fit(frame.scene_HWC, 32))
        if len(self._held) > PAIRS:
            self._measure()
        if time_s - max(self._classified_s, self.times_s[0]) >= CHUNK_S:
            self._classified_s = time_s
            self._classify()

    def close(self) -> ShotScores:
        """See :class:`ShotScorer`."""
        self._classify()
        for stream in self._streams:
            # Where no whole window fits: all bins there are as one, if they are enough to say anything.
            count = len(stream.scene)
            if not stream.rate and count >= SHORTEST * self._clip.n_frames:
                stream.window = count
                self._keep(stream, self._ask(stream.bins, stream.scene))
        if self._features and self._to_the_ends:
            self._features.append(self._end(self._streams[0], before=False))
        margin = (sum(map(len, self._motion)) - sum(map(len, self._features))) / 2 if self._features else 0
        motion = np.concatenate([np.zeros((0, 2), np.float32), *self._motion])
        features = np.concatenate(self._features) if self._features else np.zeros((0, 0), np.float16)
        return ShotScores(
            np.array(self.times_s),
            self._last_s,
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
            maps = self._runtime.see(np.stack(self._scenes))
            known = [] if self._scene_maps is None else [self._scene_maps]
            self._scene_maps = np.concatenate([*known, maps])
            self._scenes.clear()
        for stream in self._streams:
            self._take(stream, self._field)
            if len(stream.bins) >= self._clip.n_frames:
                self._keep(stream, self._ask(stream.bins, stream.scene))
                stream.forget(self._clip.n_frames - 1)
        self._field.forget(min(self._field.start_s + s.done * self._bin_s(s.factor) for s in self._streams))
        if self._scene_maps is not None:
            oldest = min(s.scene[0] if s.scene else self._first_map for s in self._streams)
            self._scene_maps, self._first_map = self._scene_maps[oldest - self._first_map :], oldest

    def _take(self, stream: _Stream, motion_field: MotionField) -> None:
        """Cut the bins that are whole by now from the field."""
        width_s = self._bin_s(stream.factor)
        start_s = motion_field.start_s + stream.done * width_s
        count = int((motion_field.end_s - start_s + SLACK_S / 2) / width_s)
        if count < 1:
            return
        bins = motion_field.bins(start_s, width_s, count)
        if stream is self._streams[0]:
            speed = bins[:, 2] * np.float32(REPORTED_PX / REFERENCE_PX)
            self._motion.append(np.stack([speed.mean((1, 2)), speed.max((1, 2))], 1))
        # A bin is told of the last look at the scene before its middle, or else of the first one.
        middles_s = start_s + (np.arange(count, dtype=np.float64) + 0.5) * width_s
        looks = np.maximum(np.searchsorted(self._scenes_s, middles_s, "right") - 1, 0)
        stream.done += count
        stream.bins = np.concatenate([stream.bins, bins]) if len(stream.bins) else bins
        stream.scene += looks.tolist()

    def _ask(self, bins: Floats, scene: list[int]) -> Outputs:
        """What the network says of a sequence of bins."""
        assert self._runtime.classify is not None
        if self._scene_maps is None:
            return self._runtime.classify(bins[None])
        return self._runtime.classify(bins[None], self._scene_maps, np.array([scene]) - self._first_map)

    def _keep(self, stream: _Stream, outputs: Outputs) -> None:
        """Answers to the windows of a stream and, of the first one, features."""
        stream.rate.append(outputs.rate[0])
        if stream is not self._streams[0]:
            return
        features_LD = outputs.features[0].astype(np.float16)
        # Neighbouring sequences overlap by a window less a bin.
        known = self._clip.n_frames - 1 - (len(stream.bins) - len(features_LD)) if self._features else 0
        if not self._features and self._to_the_ends:
            self._features.append(self._end(stream, before=True))
        self._features.append(features_LD[max(known, 0) :])

    def _end(self, stream: _Stream, before: bool) -> NDArray[np.float16]:
        """Features of the first or the last bins of a shot, as many as a pass gives none for."""
        length = self._clip.n_frames
        bins, scene = (
            (stream.bins[:length], stream.scene[:length]) if before else (stream.bins, stream.scene)
        )
        more = len(bins)
        if before:
            bins, scene = np.concatenate([bins[:1].repeat(more, 0), bins]), scene[:1] * more + scene
        else:
            bins, scene = np.concatenate([bins, bins[-1:].repeat(more, 0)]), scene + scene[-1:] * more
        features_LD = self._ask(bins, scene).features[0].astype(np.float16)
        margin = (len(bins) - len(features_LD)) // 2
        first = more - margin if before else len(features_LD) - more
        return features_LD[first : first + margin]


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
        self._last_s = Fraction(0)
        self.times_s: list[float] = []

    def add(self, frame: Frame) -> None:
        """See :class:`ShotScorer`."""
        self._last_s, time_s = frame.time_s, float(frame.time_s)
        pixels_HWC = fit(frame.pixels_HWC, self._clip.unit_px)
        before_HWC = self._held[-1] if self._held else pixels_HWC
        self._change.append(float(np.abs(pixels_HWC.astype(np.int16) - before_HWC).mean()))
        self.times_s.append(time_s)
        self._held.append(pixels_HWC)
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
            self._last_s,
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
