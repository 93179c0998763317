"""The notebook runs from top to bottom, with one step of training."""

import json
from pathlib import Path

import matplotlib
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.slow
def test_the_lectures_notebook_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LECTURE_STEPS", "1")
    monkeypatch.setenv("LECTURE_VIDEO", str(EXAMPLES / "bikes.mp4"))
    matplotlib.use("agg")
    notebook = json.loads((EXAMPLES / "lecture.ipynb").read_text())
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names: dict[str, object] = {}
    for cell in cells:
        exec(cell, names)
    accuracy = names["accuracy"]
    assert isinstance(accuracy, dict) and all(0 <= share <= 1 for share in accuracy.values())
    printed = capsys.readouterr().out
    assert "single_frame       False    False      16" in printed
    assert all(not cell.get("outputs") for cell in notebook["cells"])  # no frame of a video is kept
