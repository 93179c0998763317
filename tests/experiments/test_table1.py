import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.evaluation.speed_accuracy import VideoScores
from speediness.experiments import row_run
from speediness.experiments.ablation import ROWS
from speediness.experiments.row_run import RowResult, VideoSplits
from speediness.experiments.table1 import PARTS, markdown, plot_table, table1
from speediness.training.recipe import Recipe
from speediness.training.recipes import RECIPES, smoke
from speediness.training.tasks.speed_class import SpeedClassTask

pytestmark = pytest.mark.slow

BASE = dataclasses.replace(smoke(), steps=2, bf16=False, validation_share=0.4)


@pytest.fixture
def videos(walkers: list[VideoItem], tmp_path: Path) -> VideoSplits:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a film")
    return VideoSplits(walkers, [*walkers[:2], VideoItem(broken, "source-9")], walkers[3:5])


@pytest.fixture
def few_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_run, "OWN_CLIPS", 16)


@pytest.mark.usefixtures("few_clips")
def test_every_row_is_trained_and_tested_once_and_a_finished_one_never_again(
    videos: VideoSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    out = tmp_path / "table"
    document = table1(BASE, videos, out, 1, lines.append)
    assert [row["title"] for row in document["rows"][:6]] == [row.title for row in ROWS]
    assert [row["paper"] for row in document["rows"][:2]] == [
        None,
        {"in_domain": 0.756, "out_of_domain": 0.736},
    ]
    for row in document["rows"]:
        for part in ("in_domain", "out_of_domain"):
            low, high = row[part]["interval_95"]["accuracy"]
            assert 0 <= low <= row[part]["accuracy"] <= high <= 1
    assert document["films"] == {"train": 8, "test": 3, "ood": 2}
    assert len(document["left_out"]) == 1 and "broken.mp4" in document["left_out"][0]
    assert json.loads((out / "table1.json").read_text()) == json.loads(json.dumps(document))
    assert (out / "table1.md").read_text() == markdown(document)
    assert (out / "table1.png").read_bytes().startswith(b"\x89PNG")
    for row in ROWS:
        folder = out / row.name / "seed-0"
        assert {"checkpoint.safetensors", "metrics.jsonl", "row.json"} <= {p.name for p in folder.iterdir()}
    assert not list(out.rglob("*.partial*"))

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("a finished row was made again")

    monkeypatch.setattr(row_run, "train", never)
    monkeypatch.setattr(row_run, "train_mean_flow", never)
    monkeypatch.setattr(row_run, "score_video", never)
    (out / "table1.md").unlink()
    assert table1(BASE, videos, out, 1, lines.append) == document
    assert (out / "table1.md").exists()
    assert sum("done before" in line for line in lines) == 6

    with pytest.raises(DataError, match="another recipe or on other videos"):
        table1(dataclasses.replace(BASE, lr=1e-3), videos, out, 1, lines.append)
    with pytest.raises(DataError, match="another recipe or on other videos"):
        table1(BASE, dataclasses.replace(videos, ood=[]), out, 1, lines.append)


@pytest.mark.usefixtures("few_clips")
def test_a_row_cut_short_goes_on_where_it_stopped(
    videos: VideoSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, folder = ROWS[0], tmp_path / "ours"

    def make() -> RowResult:
        return row_run.make_row(row, row.recipe(BASE, 0), videos, folder, tmp_path / "cache", print)

    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(row_run, "score_video", stop)
        make()
    trained = (folder / "checkpoint.safetensors").read_bytes()
    result = make()
    assert (folder / "checkpoint.safetensors").read_bytes() == trained  # nothing left to train
    assert [video.name for video in result.test] == [item.path.name for item in videos.test[:2]]
    again = RowResult.from_json(json.loads(json.dumps(result.to_json())))
    np.testing.assert_array_equal(again.test[0].score_2x, result.test[0].score_2x)


@pytest.mark.parametrize("name", ["speednet_small", "speednet_s3dg", "smoke"])
def test_rows_differ_in_their_safeguards_and_not_in_the_clips_they_see(name: str) -> None:
    base = RECIPES[name]()
    ours, full, no_batch, no_temporal, none, flow = (row.recipe(base, seed=3) for row in ROWS)
    assert {recipe.clips for recipe in (ours, full, no_batch, no_temporal, none)} == {base.clips}
    assert all(recipe.seed == 3 for recipe in (ours, full, no_batch, no_temporal, none, flow))
    assert ours == dataclasses.replace(
        base, seed=3, task=SpeedClassTask(), windows=base.clips // 2, evaluate_every=base.steps
    )

    def differing(a: Recipe, b: Recipe) -> set[str]:
        return {key for key, value in vars(a).items() if value != vars(b)[key]}

    assert differing(full, no_batch) == {"task", "windows"}
    assert differing(no_batch, no_temporal) == {"task"}
    assert differing(no_temporal, none) == {"spatial"}
    assert [row.task for row in (full, no_batch, no_temporal)] == [
        SpeedClassTask(True, "random"),
        SpeedClassTask(False, "random"),
        SpeedClassTask(False, "none"),
    ]
    assert flow == ours and not full.recompressed


def scored(source: str, one: list[float], two: list[float]) -> VideoScores:
    a, b = np.array(one, np.float32), np.array(two, np.float32)
    return VideoScores(f"{source}.mp4", source, a, b, a, a, b, a)


def test_seeds_are_pooled_and_rules_need_no_network(
    tmp_path: Path, videos: VideoSplits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand: seed 0 is right on 3 of 4 windows, seed 1 on 1 of 4."""
    by_seed = [scored("a", [-1, -1], [1, -1]), scored("a", [1, 1], [1, -1])]

    def made(row: object, recipe: Recipe, *rest: object) -> RowResult:
        return RowResult(0.0, 0.5, {"a": (3, 4), "b": (1, 4)}, [], [by_seed[recipe.seed]], [], [], 1.0)

    monkeypatch.setattr("speediness.experiments.table1.make_row", made)
    document = table1(BASE, videos, tmp_path, 2, lambda line: None)
    row = document["rows"][0]
    assert row["in_domain"]["accuracy"] == pytest.approx(4 / 8)
    assert row["in_domain"]["accuracy_by_seed"] == [0.75, 0.25]
    assert (row["in_domain"]["films"], row["in_domain"]["windows"]) == (1, 4)
    assert row["own_sampling"]["accuracy"] == pytest.approx(0.5)
    assert row["own_sampling"]["interval_95"]["accuracy"] == (0.25, 0.75)
    assert row["out_of_domain"] is None
    rule = document["rows"][6]
    assert rule["title"] == "mean flow rule"
    assert rule["in_domain"]["accuracy"] == 0.75  # flow at most 0.5 at 1x, above at 2x
    assert "| 50.0% (50.0 to 50.0) |  |  | 75.6% | 73.6% |" in markdown(document)


def test_the_plot_has_bars_for_what_was_measured_alone(tmp_path: Path) -> None:
    figures = {"accuracy": 0.7, "interval_95": {"accuracy": (0.6, 0.8)}}
    row = {"title": "a row", "own_sampling": None, "in_domain": figures, "out_of_domain": None}
    rows = [row | {"paper": {"in_domain": 0.756, "out_of_domain": 0.736}}, row | {"paper": None}]
    plot_table({"rows": rows}, tmp_path / "a.png")
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    area = {
        part: int((pixels == tuple(bytes.fromhex(colour[1:]))).all(-1).sum())
        for part, (_, colour) in PARTS.items()
    }
    assert area["in_domain"] > 10_000 and area["own_sampling"] < 100 and area["out_of_domain"] < 100
