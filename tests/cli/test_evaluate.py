import json
from pathlib import Path

import pytest

from command_line import refused
from speediness.cli.main import main
from synthetic import steady, write_video


@pytest.fixture
def videos(video: Path) -> Path:
    """A folder of a video too short for a window at 2x, which lasts four seconds, and one that is not."""
    write_video(video.with_name("long.mp4"), steady(5 * 25))
    return video.parent


def test_the_document_and_the_plot_count_a_video_without_a_whole_window(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "reliability.png"
    assert main(["evaluate", "speed", "--data", str(videos), "--plot", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["films"], report["too_short"]) == (1, 1)
    assert sum(b["windows"] for b in report["reliability"]["bins"]) == report["windows"]
    assert 0 <= report["reliability"]["expected_calibration_error"] <= 1
    assert out.read_bytes().startswith(b"\x89PNG")
    (videos / "long.mp4").unlink()
    assert "none lasts 4 s" in refused(["evaluate", "speed", "--data", videos], capsys)


def test_a_table_for_people(videos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "speed", "--data", str(videos)]) == 0
    printed = capsys.readouterr().out
    assert "1 more hold no whole window at 2x and were left out" in printed
    assert "matched pairs" in printed and "predicted probabilities are off by" in printed


def test_a_frame_that_cannot_be_written_is_refused_before_the_work(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "speed", "--data", video.parent, "--plot", tmp_path / "no" / "a.png"]
    assert "choose another with --plot" in refused(command, capsys)
