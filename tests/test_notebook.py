"""The notebooks run from top to bottom, beside the bundled videos, with one step of training."""

import json
import shutil
from pathlib import Path
from typing import Any

import matplotlib
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def cells(notebook: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]


@pytest.fixture
def beside_the_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for video in EXAMPLES.glob("*.mp4"):
        shutil.copy(video, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTEBOOK_STEPS", "1")
    matplotlib.use("agg")


def run(name: str) -> dict[str, Any]:
    """The names that the cells leave."""
    names: dict[str, Any] = {}
    for cell in cells(EXAMPLES / name):
        exec("".join(cell["source"]), names)
    return names


@pytest.mark.slow
@pytest.mark.usefixtures("beside_the_videos")
def test_the_curve_and_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    names = run("curve.ipynb")
    assert names["report"].duration_s == pytest.approx(names["curve"].duration_s / 2, abs=0.02)
    assert "on average 3% faster than looks natural" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("beside_the_videos")
def test_what_the_network_sees() -> None:
    answers = list(run("network.ipynb")["answers"].values())
    assert answers == sorted(answers)  # the faster it plays, the surer the network is
    assert Path("strip.png").stat().st_size > 100_000


@pytest.mark.slow
@pytest.mark.usefixtures("beside_the_videos")
@pytest.mark.parametrize("name", ["train.ipynb", "lecture.ipynb"])
def test_training_notebooks_run(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    accuracy = run(name)["accuracy"]
    if name == "lecture.ipynb":
        assert "single_frame       False    False      16" in capsys.readouterr().out
    assert len(accuracy) >= 2 and all(0 <= share <= 1 for share in accuracy.values())


def test_no_notebook_is_left_out_or_keeps_frames_of_a_video() -> None:
    assert {path.stem for path in NOTEBOOKS} == {"curve", "network", "train", "lecture"}
    assert not any(cell["outputs"] for path in NOTEBOOKS for cell in cells(path))
