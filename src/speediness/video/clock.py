"""When each frame is shown, from the stamps a container gives, however odd they are."""

from fractions import Fraction

import av
from av.container import InputContainer
from av.format import Flags
from av.video.stream import VideoStream

USUAL_RATE = Fraction(25)  # for the rare stream that tells no rate at all
RESTART_S = 1  # a step back further than this is a new clock, not a disordered frame
JUMP_S = 10  # a step ahead of more is a new clock where clocks may break; FFmpeg's dts_delta_threshold
NEVER_S = 30 * 3600  # and anywhere else, where a frame may be held for hours; its dts_error_threshold
HELD_S = 60  # a frame that is held this long is worth a word
BELIEF_S = 0.002  # a stated duration is believed if the one before was true to two milliseconds


def frame_rate(stream: VideoStream) -> Fraction:
    """Average frames per second, by the best estimate the container offers."""
    return stream.average_rate or stream.guessed_rate or stream.base_rate or USUAL_RATE


def longest_gap_s(container: InputContainer) -> int:
    """Seconds by which neighbouring stamps may differ before they are of two clocks.

    Transport and program streams (and others that FFmpeg marks so) are recorded and joined without
    regard to their clock; the index of an MP4 or a Matroska file means what it says.
    """
    return JUMP_S if Flags(container.format.flags) & Flags.ts_discont else NEVER_S


class FrameClock:
    """Places decoded frames on a clock that starts at 0 and only moves forward.

    Attributes:
        end_s: end of the last frame placed: its stated duration if such statements have held so
            far, else the average duration.

    Args:
        rate: average frames per second, for a lone frame that states no duration.
        stamped: whether the container stores presentation stamps; AVI does not.
        gap_s: a step ahead of more than this is left out, see :func:`longest_gap_s`.
    """

    def __init__(self, rate: Fraction, stamped: bool = True, gap_s: int = NEVER_S) -> None:
        self.end_s = Fraction(0)
        self._usual_duration_s = 1 / rate
        self._origin_s: Fraction | None = None
        self._last_s: Fraction | None = None
        self._promise_s: Fraction | None = None
        self._n_placed = 0
        self._by_dts: bool | None = None if stamped else True
        self._dropped: list[Fraction] = []
        self._restarts: list[Fraction] = []
        self._gap_s = gap_s
        self._jumps: list[tuple[Fraction, Fraction]] = []  # where, and by how much
        self._holds: list[tuple[Fraction, Fraction]] = []

    def go_on(self, start_s: Fraction, n_placed: int) -> None:
        """Place frames as if ``n_placed`` had been placed before, the first stamped ``start_s``.

        All had stamps and none was mended. What the last of them promised is not known, so the end
        of the very next frame may be off; its time is not.
        """
        self._origin_s, self._n_placed, self._by_dts = start_s, n_placed, False

    def stamp(self, frame: av.VideoFrame) -> Fraction | None:
        """The frame's time on the container's clock, None if it has none.

        Where no presentation stamps are stored the decoding stamps, which differ by a constant, stand
        in for all frames. What FFmpeg gives for H.264 in AVI counts frames as they are stored.
        """
        if self._by_dts is None:
            self._by_dts = frame.pts is None
        ticks = frame.dts if self._by_dts else frame.pts
        return None if ticks is None or frame.time_base is None else ticks * frame.time_base

    def place(self, frame: av.VideoFrame) -> Fraction | None:
        """Seconds from the first frame, later than every frame before; None: never on screen."""
        stamp_s = self.stamp(frame)
        if self._origin_s is None and stamp_s is not None:
            self._origin_s = stamp_s - self.end_s
        time_s = self.end_s if stamp_s is None or self._origin_s is None else stamp_s - self._origin_s
        if self._last_s is not None and time_s <= self._last_s:
            if self._last_s - time_s < RESTART_S:
                self._dropped.append(self._last_s)
                return None
            assert stamp_s is not None  # an unstamped frame never steps back
            self._restarts.append(self.end_s)
            self._origin_s, time_s = stamp_s - self.end_s, self.end_s
        elif self._last_s is not None and stamp_s is not None:
            if time_s - self._last_s > self._gap_s:
                # The frame before may claim to last until the new clock's time.
                joined_s = self._last_s + self._typical_duration_s()
                self._jumps.append((joined_s, time_s - joined_s))
                self._origin_s, time_s = stamp_s - joined_s, joined_s
            elif time_s - self._last_s > HELD_S:
                self._holds.append((self._last_s, time_s - self._last_s))
        # Some containers state a tick, or nothing, for every frame: believe only what came true.
        stated_s = frame.duration * frame.time_base if frame.duration and frame.time_base else None
        lied = self._promise_s is not None and abs(self._promise_s - time_s) > BELIEF_S
        self._promise_s = None if stated_s is None else time_s + stated_s
        self._n_placed += 1
        self._last_s = time_s
        self.end_s = time_s + (self._typical_duration_s() if lied or stated_s is None else stated_s)
        return time_s

    def _typical_duration_s(self) -> Fraction:
        if self._n_placed > 1 and self._last_s:
            return self._last_s / (self._n_placed - 1)
        return self._usual_duration_s

    @property
    def joined(self) -> bool:
        """Whether the container's clock broke, so that the length it promises means nothing."""
        return bool(self._jumps or self._restarts)

    def warnings(self) -> list[str]:
        """What had to be mended, and what may be meant to be so but is odd."""
        notes = []
        if self._dropped:
            notes.append(
                f"{len(self._dropped)} frame(s) stamped no later than the frame before were left out, "
                f"the first at {float(self._dropped[0]):.2f} s"
            )
        if self._restarts:
            notes.append(
                f"the clock starts again {len(self._restarts)} time(s), first at "
                f"{float(self._restarts[0]):.2f} s; the parts were joined"
            )
        if self._jumps:
            at_s, by_s = self._jumps[0]
            notes.append(
                f"the clock jumps ahead {len(self._jumps)} time(s), first at {float(at_s):.2f} s by "
                f"{float(by_s):.0f} s; the parts were joined"
            )
        if self._holds:
            at_s, by_s = self._holds[0]
            notes.append(
                f"{len(self._holds)} frame(s) stay longer than {HELD_S} s, the first for "
                f"{float(by_s):.0f} s from {float(at_s):.2f} s; cut out what is a gap in the recording"
            )
        return notes
