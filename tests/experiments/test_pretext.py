import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from speediness.cli.main import main
from speediness.datasets.video_list import VideoItem
from speediness.experiments import pretext
from speediness.experiments.pretext import CONTROLS, recipes, table

STARTS = ("imagenet", "shuffle_and_learn", "odd_one_out", "arrow_of_time", "time_cycle")


def listed(walkers: list[VideoItem], path: Path) -> Path:
    rows = [
        f"{item.path},{'train' if n < 6 else 'test'},{item.source},{'ab'[n % 2]}"
        for n, item in enumerate(walkers)
    ]
    path.write_text("\n".join(["file,split,source,label", *rows]))
    return path


@pytest.mark.slow
def test_every_pretext_task_is_trained_asked_and_probed(
    walkers: list[VideoItem],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def few(scale: pretext.Scale) -> dict[str, Any]:
        settings = {"validation_share": 0.4, "steps": 2, "evaluate_every": 2}
        made = {name: dataclasses.replace(recipe, **settings) for name, recipe in recipes(scale).items()}
        # Walkers last two seconds.
        task = dataclasses.replace(made["shuffle_and_learn"].task, within_s=1.0, outside_s=0.3)
        return made | {"shuffle_and_learn": dataclasses.replace(made["shuffle_and_learn"], task=task)}

    monkeypatch.setattr(pretext, "recipes", few)
    data, out = listed(walkers, tmp_path / "list.csv"), tmp_path / "out"
    command = ["reproduce", "pretext", "--data", str(data), "--out", str(out), "--smoke"]
    assert main([*command, "--starts", ",".join(STARTS)]) == 0
    said = capsys.readouterr().out
    document = json.loads((out / "pretext.json").read_text())
    assert [row["start"] for row in document["rows"]] == list(STARTS)
    trained = {row["start"]: row["task"][0] for row in document["rows"] if row["task"]}
    assert set(trained) == set(STARTS) - {"imagenet"}
    for start, figures in trained.items():
        assert 0 <= figures["accuracy"]["accuracy"] <= 1
        assert set(CONTROLS.get(start, {})) <= set(figures)
    head, *rows = table(document)
    assert len(rows) == len(STARTS) and {len(row) for row in rows} == {len(head)}
    assert all(row[2] and row[3] and row[4] for row in rows)
    assert "palindromes" in (out / "pretext.md").read_text() and "arrow of time" in said
    by_hand = (out / "commands.txt").read_text().splitlines()
    assert len(by_hand) == len(trained)


def test_a_start_that_is_not_there_is_named(
    walkers: list[VideoItem], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = listed(walkers, tmp_path / "list.csv")
    command = ["reproduce", "pretext", "--data", str(data), "--out", str(tmp_path / "out"), "--smoke"]
    assert main([*command, "--starts", "arow_of_time"]) == 2
    assert "arrow_of_time" in capsys.readouterr().err
    assert main([*command, "--minutes", "0"]) == 2
    assert not (tmp_path / "out").exists()
