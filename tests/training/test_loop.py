import dataclasses
import itertools
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, SpeedinessError
from speediness.training import loop
from speediness.training.recipe import Recipe, smoke

# Full precision and one thread: what is compared below is then the same to the last bit.
RECIPE = dataclasses.replace(smoke(), bf16=False, validation_share=0.4)


def run(recipe: Recipe, items: list[VideoItem], out: Path, cache: Path, resume: bool = False) -> list[dict]:
    loop.train(recipe, items, out, cache, resume, log=lambda line: None)
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_an_interrupted_run_resumes_to_the_same_weights(
    walkers: list[VideoItem], cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    whole = run(RECIPE, walkers, tmp_path / "whole", cache_folder)
    assert whole[-1]["step"] == 4 and 0 <= whole[-1]["validation"]["accuracy"] <= 1

    step = loop._Run.step

    def killed(self: loop._Run, batch: loop.Batch, number: int) -> dict[str, float]:
        if number == 3:
            raise KeyboardInterrupt
        return step(self, batch, number)

    monkeypatch.setattr(loop._Run, "step", killed)
    with pytest.raises(KeyboardInterrupt):
        run(RECIPE, walkers, tmp_path / "cut", cache_folder)
    monkeypatch.undo()
    run(RECIPE, walkers, tmp_path / "cut", cache_folder, resume=True)
    expected, found = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("whole", "cut"))
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-5, atol=1e-6)


def test_a_run_is_not_overwritten(walkers: list[VideoItem], cache_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(b"precious")
    with pytest.raises(SpeedinessError, match="already holds a run"):
        run(RECIPE, walkers, tmp_path, cache_folder)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == b"precious"


def test_one_source_cannot_be_split(walkers: list[VideoItem], cache_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give more sources"):
        run(RECIPE, walkers[:1], tmp_path, cache_folder)


def test_a_loss_that_is_not_a_number_stops_the_run(
    walkers: list[VideoItem], cache_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(SpeedinessError, match=r"the loss of step \d is (nan|inf)"):
        run(dataclasses.replace(RECIPE, lr=1e30, warmup_steps=0), walkers, tmp_path, cache_folder)


def test_the_learning_rate_warms_up_and_falls_to_nothing() -> None:
    recipe = Recipe(steps=1000, warmup_steps=100)
    rates = [loop._schedule(step, recipe) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01) and rates[99] == pytest.approx(1)
    assert all(a >= b for a, b in itertools.pairwise(rates[100:])) and rates[-1] < 1e-4
