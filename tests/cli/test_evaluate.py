import json
from pathlib import Path

import pytest

from speediness.cli.main import main


def test_the_plot_shows_what_the_document_says(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "reliability.png"
    assert main(["evaluate", "speed", "--data", str(video.parent), "--plot", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert sum(b["windows"] for b in report["reliability"]["bins"]) == report["windows"]
    assert 0 <= report["reliability"]["expected_calibration_error"] <= 1
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_table_for_people(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "speed", "--data", str(video.parent)]) == 0
    printed = capsys.readouterr().out
    assert "matched pairs" in printed and "predicted probabilities are off by" in printed


def test_a_frame_that_cannot_be_written_is_refused_before_the_work(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "no" / "a.png")
    assert main(["evaluate", "speed", "--data", str(video.parent), "--plot", out]) == 2
    assert "choose another with --plot" in capsys.readouterr().err
