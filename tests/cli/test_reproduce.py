import json
from pathlib import Path

import pytest

from command_line import refused
from speediness.cli.main import main
from speediness.datasets.video_list import VideoItem
from speediness.experiments import EXPERIMENTS, row_run
from speediness.experiments.ablation import ROWS


def test_every_experiment_has_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    for name in EXPERIMENTS:
        assert main(["reproduce", name, "--help"]) == 0
        assert f"reproduce {name}" in capsys.readouterr().out


def test_fig4_draws_and_says_what_it_saw(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "fig4.png"
    assert main(["reproduce", "fig4", str(video), "-o", str(out), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["films"]
    assert found["video"] == str(video) and 0 <= found["mean_1x"] <= 1
    assert out.read_bytes().startswith(b"\x89PNG")
    assert main(["reproduce", "fig4", str(video), "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "walk.mp4: mean score" in printed and str(out) in printed


def test_what_can_be_refused_is_refused_before_the_work(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = str(video.parent)
    for command, complaint in (
        (["fig4", str(video), "-o", str(tmp_path / "no" / "a.png")], "does not exist"),
        (["fig4", str(tmp_path / "no.mp4"), "-o", str(tmp_path / "a.png")], "does not exist"),
        (
            ["table1", "--data", videos, "--test", videos, "--out", videos, "--recipe", "smok"],
            "mean smoke?",
        ),
        (["table1", "--data", videos, "--test", videos, "--out", videos, "--seeds", "0"], "give 1 or more"),
        (["table1", "--data", videos, "--test", videos, "--out", videos, "--set", "step=3"], "mean steps?"),
        (["table1", "--data", str(tmp_path / "no"), "--test", videos, "--out", videos], "does not exist"),
        (["table1", "--data", videos, "--test", videos, "--out", str(video)], "cannot make the folder"),
    ):
        assert complaint in refused(["reproduce", *command], capsys)


@pytest.mark.slow
def test_table1_trains_prints_and_writes_the_table(
    walkers: list[VideoItem],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two rows; tests/experiments has all of them."""
    folder, out = str(walkers[0].path.parent), tmp_path / "table"
    monkeypatch.setattr(row_run, "OWN_CLIPS", 8)
    first_and_last = (ROWS[0], ROWS[-1])
    monkeypatch.setattr("speediness.experiments.table1.ROWS", first_and_last)
    command = ["reproduce", "table1", "--data", folder, "--test", folder, "--out", str(out)]
    settings = ["--recipe", "smoke", "--budget", "1", "--set", "validation_share=0.4"]
    assert main([*command, *settings]) == 0
    printed = capsys.readouterr()
    assert all(row.title.split(",")[0] in printed.out for row in first_and_last)
    assert "55.8%" in printed.out and "row 2 of 2" in printed.err
    assert main([*command, *settings, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["made_by"]["recipe"]["steps"] == 1
    assert {Path(path).name for path in document["outputs"].values()} == {
        p.name for p in out.glob("table1.*")
    }
