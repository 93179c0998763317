"""Sound played along a speed plan: faster or slower, at its own pitch, never drifting.

Signalsmith Stretch plays a stretch of sound at one rate. A plan changes its rate all the time, so
the output is cut into short pieces on its own sample grid; each is stretched at its own mean rate
with some sound on both sides, shifted by a few milliseconds to where its wave meets that of the
piece before, and cross-faded. Every piece has an exact place and length in the output, so no error
is handed on from piece to piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import python_stretch
from numpy.typing import NDArray

from speediness.results.plan import SpeedPlan

Samples = NDArray[np.float32]

PIECE_S = 0.15  # in the output; shorter follows the plan more closely, longer costs less
CONTEXT_S = 0.15  # source sound on both sides
# Signalsmith's own 0.12 s window every 0.03 s steps over clicks at rates above 3; with these none
# of 59 is lost at 1..4x, and the worst is 8 ms off its place instead of 16 (measured).
WINDOW_S = 0.1
HOP_S = 0.0125
FADE_S = 0.02
JUMP_S = 0.005  # knots of a plan nearer than this are a jump, of which no piece may straddle much
MAX_SHIFT_S = 0.008  # half a period of 62 Hz, the lowest tone that can always be met in phase
SHIFT_COST = 0.2  # correlation given up for the largest shift, so that noise and clicks stay put
CLOSE_TO_1 = 0.01  # rates this close to 1 are copied: pieces are 1.5 ms off at most, then faded


class SoundStretcher:
    """Stretches one sound track along a plan.

    Attributes:
        total: exact number of samples per channel that :meth:`stretch` yields.
        worst_error_s: farthest that any sound so far lies from its exact place in the output.

    Args:
        plan: the time map.
        sample_rate_hz: samples per second and channel, of the input and of the output.
        channels: 1 or more.
    """

    def __init__(self, plan: SpeedPlan, sample_rate_hz: int, channels: int) -> None:
        self.total = round(plan.output_duration_s * sample_rate_hz)
        self.worst_error_s = 0.0
        self._plan, self._rate_hz, self._channels = plan, sample_rate_hz, channels
        self._fade = round(FADE_S * sample_rate_hz)
        self._max_shift = round(MAX_SHIFT_S * sample_rate_hz)
        self._engine = python_stretch.Signalsmith.Stretch()
        self._engine.configure(channels, round(WINDOW_S * sample_rate_hz), round(HOP_S * sample_rate_hz))

    def stretch(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        """Yield the stretched sound in pieces ``(channels, samples)`` that add up to ``total``.

        Args:
            blocks: the source sound from the video's first frame on, ``(channels, samples)`` each;
                read once, front to back. What the plan wants beyond its end is silence.
        """
        if not self.total:
            return
        tape = _Tape(blocks, self._channels)
        bounds = self._bounds()
        n_pieces = len(bounds) - 1
        source_s = self._plan.source_time(bounds / self._rate_hz)
        # Within a piece the rate is constant: its middle is where the plan's curve is missed most.
        middles_s = self._plan.output_time((source_s[1:] + source_s[:-1]) / 2)
        bend_s = np.abs(middles_s - (bounds[1:] + bounds[:-1]) / (2 * self._rate_hz))
        half, tail = self._fade // 2, None
        ramp = np.linspace(0, 1, self._fade + 2, dtype=np.float32)[1:-1]
        for k in range(n_pieces):
            length = int(bounds[k + 1] - bounds[k])
            wave, at = self._piece(tape, float(source_s[k]), float(source_s[k + 1]), length)
            if tail is not None:
                shift = self._meet(tail, wave[:, at - half - self._max_shift :])
                error_s = abs(shift) / self._rate_hz + float(bend_s[k])
                self.worst_error_s = max(self.worst_error_s, error_s)
                at += shift
                fade = slice(at - half, at - half + self._fade)
                wave[:, fade] = tail * (1 - ramp) + wave[:, fade] * ramp
            first = at if tail is None else at - half
            last = at + length - (half if k < n_pieces - 1 else 0)
            tail = wave[:, last : last + self._fade]
            yield wave[:, first:last]

    def _bounds(self) -> NDArray[np.int64]:
        """Where pieces begin, and the end: evenly, but where the rate jumps at the jump."""
        n_pieces = max(round(self.total / (PIECE_S * self._rate_hz)), 1)
        bounds = np.round(np.linspace(0, self.total, n_pieces + 1)).astype(np.int64)
        middles_s = (self._plan.times_s[1:] + self._plan.times_s[:-1]) / 2
        jumps_s = middles_s[np.diff(self._plan.times_s) < JUMP_S]
        for jump in np.round(self._plan.output_time(jumps_s) * self._rate_hz).astype(np.int64):
            nearest = int(np.abs(bounds - jump).argmin())
            if 0 < nearest < n_pieces:
                bounds[nearest] = jump
        return np.unique(bounds)

    def _piece(self, tape: _Tape, start_s: float, end_s: float, length: int) -> tuple[Samples, int]:
        """The sound around ``start_s..end_s`` stretched, and the sample where ``start_s`` lies.

        There is room for the fade and the largest shift on both sides.
        """
        factor = (end_s - start_s) * self._rate_hz / length
        context_s = CONTEXT_S * max(factor / 4, 1)
        first = int(np.floor((start_s - context_s) * self._rate_hz))
        last = int(np.ceil((end_s + context_s) * self._rate_hz))
        wave = tape.read(first, last)
        close = abs(factor - 1) < CLOSE_TO_1
        at = (start_s * self._rate_hz - first) / (1 if close else factor)
        if not close:
            if wave.any():
                self._engine.reset()
                self._engine.setTimeFactor(factor)
                wave = np.array(self._engine.process(wave))
            else:
                wave = np.zeros((self._channels, round(wave.shape[1] / factor)), np.float32)
        room = self._fade + 2 * self._max_shift
        return np.pad(wave, ((0, 0), (room, room))), round(at) + room

    def _meet(self, tail: Samples, wave: Samples) -> int:
        """The shift, in samples, at which ``wave`` continues ``tail`` best."""
        shifts = np.arange(-self._max_shift, self._max_shift + 1)
        wave = wave[:, : self._fade + 2 * self._max_shift]
        match = sum(np.correlate(w, t, "valid") for w, t in zip(wave, tail, strict=True))
        energy = np.concatenate([[0], np.cumsum((wave.astype(np.float64) ** 2).sum(0))])
        energy = energy[self._fade :] - energy[: -self._fade]
        level = np.sqrt(energy * float((tail.astype(np.float64) ** 2).sum()))
        if level.max() < 1e-9:
            return 0
        likeness = match / np.maximum(level, 1e-3 * level.max())
        return int(shifts[np.argmax(likeness - SHIFT_COST * np.abs(shifts) / self._max_shift)])


class _Tape:
    """Sound that is read forward in overlapping stretches; silence before and after."""

    def __init__(self, blocks: Iterable[Samples], channels: int) -> None:
        self._blocks = iter(blocks)
        self._held: list[Samples] = []
        self._start = 0  # position of the first held sample
        self._end = 0
        self._channels = channels

    def read(self, first: int, last: int) -> Samples:
        """Samples ``first..last``; whatever lies before ``first`` is forgotten."""
        while self._held and self._start + self._held[0].shape[1] <= first:
            self._start += self._held.pop(0).shape[1]
        while self._end < last:
            block = next(self._blocks, None)
            if block is None:
                break
            self._end += block.shape[1]
            if self._end <= first:
                self._start = self._end
            else:
                self._held.append(block)
        out = np.zeros((self._channels, last - first), np.float32)
        at = self._start
        for block in self._held:
            lo, hi = max(at, first), min(at + block.shape[1], last)
            if lo < hi:
                out[:, lo - first : hi - first] = block[:, lo - at : hi - at]
            at += block.shape[1]
        return out
