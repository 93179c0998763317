import io
import sys

import pytest

from speediness import progress
from speediness.progress import clock, progress_bar, stamp


def test_without_a_terminal_a_long_job_prints_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now_s = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now_s)
    with progress_bar("analysing a.mp4") as report:
        for second in range(41):
            now_s = float(second)
            report(second * 1.5, 60.0)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "analysing a.mp4: 2% of 1:00",
        "analysing a.mp4: 28% of 1:00, about 29.0 s left",
        "analysing a.mp4: 52% of 1:00, about 19.0 s left",
        "analysing a.mp4: 78% of 1:00, about 9.0 s left",
    ]


def test_what_is_not_seconds_of_video_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now_s = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now_s)
    with progress_bar("verifying ucf101", counted="videos") as report:
        report(0, 13320)
        now_s = 10.0
        report(3330, 13320)
    assert capsys.readouterr().err == "verifying ucf101: 25% of 13,320 videos, about 30.0 s left\n"


def test_what_came_before_the_first_report_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now_s)
    pace = progress.Pace()
    now_s = 30.0  # a network was opened meanwhile
    assert pace.left_s(50.0, 100.0) is None  # taken up again in the middle
    now_s = 31.0
    assert pace.left_s(50.1, 100.0) is None  # too early to tell
    now_s = 34.0
    assert pace.left_s(60.0, 100.0) == pytest.approx(16.0)


def test_a_short_job_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("quick") as report:
        report(0.0, 0.0)
        report(0.5, 1.0)
        report(1.0, 1.0)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_a_bar_with_the_time_left_appears(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    monkeypatch.setattr(progress, "SETTLED_S", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("rendering [a] film.mp4") as report:
        report(0.0, 4.0)
        report(1.0, 4.0)
        report(4.0, 4.0)
    assert "rendering [a] film.mp4" in screen.getvalue() and "left" in screen.getvalue()


def test_lengths_are_written_as_people_read_them() -> None:
    assert [clock(s) for s in (0.04, 8.44, 59.96, 187, 7241)] == [
        "0.04 s",
        "8.4 s",
        "1:00",
        "3:07",
        "2:00:41",
    ]


def test_moments_are_written_as_people_read_them() -> None:
    assert [stamp(s) for s in (0, 6.2, 59.999, 3723.5)] == ["0:00.00", "0:06.20", "1:00.00", "1:02:03.50"]
    assert [stamp(s, 1) for s in (6.24, 59.96, 3600)] == ["0:06.2", "1:00.0", "1:00:00.0"]
    assert [stamp(s, 0) for s in (300, 3605.4)] == ["5:00", "1:00:05"]
    assert stamp(300, 0, with_hours=True) == "0:05:00"
