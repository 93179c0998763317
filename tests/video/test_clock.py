from __future__ import annotations

from fractions import Fraction

import av
import pytest

from speediness.video.clock import JUMP_S, FrameClock

MS = Fraction(1, 1000)


def frame(pts: int | None, duration: int = 0) -> av.VideoFrame:
    made = av.VideoFrame(2, 2, "gray")
    made.pts, made.time_base, made.duration = pts, MS, duration
    return made


def placed(frames: list[av.VideoFrame], rate: int = 25) -> tuple[list[int | None], int, FrameClock]:
    """Times and the end, in milliseconds."""
    clock = FrameClock(Fraction(rate))
    times = [clock.place(f) for f in frames]
    return [None if t is None else int(t / MS) for t in times], int(clock.end_s / MS), clock


@pytest.mark.parametrize("start", [0, -700, 86_400_000])
def test_times_count_from_the_first_frame(start: int) -> None:
    times, end, clock = placed([frame(start), frame(start + 33), frame(start + 67), frame(start + 400)])
    assert times == [0, 33, 67, 400]
    assert end == 400 + 133  # the average gap
    assert clock.warnings() == []


def test_the_last_frame_lasts_as_stated() -> None:
    assert placed([frame(0, 40), frame(40, 100)])[1] == 140


def test_a_stated_duration_that_did_not_come_true_is_not_believed() -> None:
    assert placed([frame(0, 1), frame(40, 1), frame(80, 1)])[1] == 120


def test_a_lone_frame_lasts_one_period() -> None:
    assert placed([frame(5000)], rate=20)[:2] == ([0], 50)


def test_a_frame_without_a_stamp_follows_its_predecessor() -> None:
    assert placed([frame(0, 40), frame(None), frame(80, 40), frame(None)])[0] == [0, 40, 80, 120]


def test_no_stamps_at_all_is_a_steady_video() -> None:
    times, end, _ = placed([frame(None) for _ in range(4)])
    assert times == [0, 40, 80, 120]
    assert end == 160


def test_duplicates_and_disorder_are_left_out_and_reported() -> None:
    times, _, clock = placed([frame(0), frame(40), frame(40), frame(30), frame(80)])
    assert times == [0, 40, None, None, 80]
    (warning,) = clock.warnings()
    assert "2 frame(s)" in warning and "0.04 s" in warning


def test_a_clock_that_starts_again_is_carried_on() -> None:
    stamps = (9000, 9040, 9080, 0, 40)
    times, _, clock = placed([frame(stamp, 40) for stamp in stamps])
    assert times == [0, 40, 80, 120, 160]
    assert "starts again" in clock.warnings()[0]


def test_a_clock_can_go_on_in_the_middle() -> None:
    frames = [frame(700 + stamp, 1) for stamp in (0, 33, 67, 120, 300, 310)]
    whole = FrameClock(Fraction(25))
    rest = FrameClock(Fraction(25))
    rest.go_on(700 * MS, 2)
    for n, each in enumerate(frames):
        time_s = whole.place(each)
        if n >= 2:
            assert rest.place(each) == time_s
        if n > 2:
            assert rest.end_s == whole.end_s


def test_a_clock_that_jumps_ahead_is_carried_on() -> None:
    clock = FrameClock(Fraction(25), gap_s=JUMP_S)
    stamps = (0, 40, 80, 92_206_000, 92_206_040)
    assert [clock.place(frame(stamp, 40)) for stamp in stamps] == [n * 40 * MS for n in range(5)]
    assert clock.end_s == 200 * MS and clock.joined
    (warning,) = clock.warnings()
    assert "jumps ahead 1 time(s), first at 0.12 s by 92206 s" in warning


def test_one_stamp_out_of_nowhere_costs_no_time() -> None:
    clock = FrameClock(Fraction(25), gap_s=JUMP_S)
    stamps = (0, 40, 5_000_000, 120, 160)
    assert [clock.place(frame(stamp)) for stamp in stamps] == [n * 40 * MS for n in range(5)]


def test_where_clocks_do_not_break_a_frame_may_stay_for_an_hour() -> None:
    times, _, clock = placed([frame(0), frame(40), frame(3_600_000)])
    assert times == [0, 40, 3_600_000] and not clock.joined
    (warning,) = clock.warnings()
    assert "stay longer than 60 s, the first for 3600 s from 0.04 s" in warning
