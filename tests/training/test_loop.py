import dataclasses
import itertools
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, OutputError, SpeedinessError
from speediness.training import loop
from speediness.training.metrics import Metrics, read_metrics
from speediness.training.recipe import Recipe
from speediness.training.recipes import smoke
from speediness.training.run import learning_rate
from speediness.training.tasks.rspnet import RSPNetTask
from speediness.training.tasks.speed_class import SpeedClassTask
from stopped_run import assert_same_run, curve, stopped_after

# Full precision and one thread: what is compared below is then the same to the last bit.
RECIPE = dataclasses.replace(
    smoke(), bf16=False, validation_share=0.4, steps=10, evaluate_every=5, checkpoint_minutes=0
)
NEVER_SAVED = dataclasses.replace(RECIPE, checkpoint_minutes=60)


@pytest.fixture(autouse=True, scope="module")
def frequent_rows() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "REPORT_EVERY", 3)
        yield


def run(recipe: Recipe, items: list[VideoItem], out: Path, cache: Path, resume: bool = False) -> list[dict]:
    loop.train(recipe, items, out, cache, resume, log=lambda line: None)
    return read_metrics(out / "metrics.jsonl")


@pytest.fixture(scope="module")
def whole(walkers: list[VideoItem], cache_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing interrupted."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("whole")
    run(RECIPE, walkers, out, cache_folder)
    return out


def test_a_run_writes_its_losses_and_validations(whole: Path) -> None:
    rows = read_metrics(whole / "metrics.jsonl")
    assert [row["step"] for row in rows] == [3, 5, 6, 9, 10, 10]
    assert all(0 <= row["validation"]["accuracy"] <= 1 for row in rows if "validation" in row)
    assert (whole / "training_curve.png").read_bytes().startswith(b"\x89PNG")
    assert list(whole.glob("events.out.tfevents.*"))


@pytest.mark.parametrize("moment", [1, 4, 7])
def test_a_killed_run_resumes_as_if_nothing_had_happened(
    moment: int, whole: Path, walkers: list[VideoItem], cache_folder: Path, tmp_path: Path
) -> None:
    """kill -9 after the given step; the last checkpoint is a step or more behind the metrics."""
    script = f"""
import os, signal, sys
from pathlib import Path
import torch
sys.path[:0] = {[str(Path(__file__).parents[n]) for n in range(2)]!r}
from test_loop import RECIPE, VideoItem, loop
torch.set_num_threads(1)
loop.REPORT_EVERY = 3
step, save = loop.Run.step, loop.Run.save
def killed(self, *given):
    step(self, *given)
    if self.done == {moment}:
        os.kill(os.getpid(), signal.SIGKILL)
def seldom(self, path):
    if self.done % 3 == 2:
        save(self, path)
loop.Run.step, loop.Run.save = killed, seldom
items = [VideoItem(Path(path), source) for path, source in {[(str(i.path), i.source) for i in walkers]!r}]
loop.train(RECIPE, items, Path({str(tmp_path)!r}), Path({str(cache_folder)!r}))
"""
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run(RECIPE, walkers, tmp_path, cache_folder, resume=True)
    assert_same_run(tmp_path, whole)


@pytest.mark.parametrize("moment", ["record", "record_validation"])
@pytest.mark.parametrize("comes", ["before", "after"])
def test_a_run_killed_at_its_end_says_all_of_it_once(
    moment: str, comes: str, walkers: list[VideoItem], cache_folder: Path, tmp_path: Path
) -> None:
    """The checkpoint of the last step is there before its losses and its validation are."""
    recipe, whole, parts = dataclasses.replace(RECIPE, steps=7), tmp_path / "whole", tmp_path / "parts"
    run(recipe, walkers, whole, cache_folder)
    write = getattr(Metrics, moment)

    def ended(self: Metrics, step: int, row: dict[str, float]) -> None:
        if step < recipe.steps or comes == "after":
            write(self, step, row)
        if step == recipe.steps:
            raise ConnectionAbortedError

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ConnectionAbortedError):
        patch.setattr(Metrics, moment, ended)
        run(recipe, walkers, parts, cache_folder)
    for _ in range(2):  # once is enough, and once more does no harm
        run(recipe, walkers, parts, cache_folder, resume=True)
        rows = [(row["step"], "validation" in row) for row in read_metrics(parts / "metrics.jsonl")]
        assert rows == [(3, False), (5, True), (6, False), (7, False), (7, True)]
        assert curve(read_metrics(parts / "metrics.jsonl")) == curve(read_metrics(whole / "metrics.jsonl"))


def test_what_a_task_remembers_is_resumed_too(
    walkers: list[VideoItem], cache_folder: Path, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(RECIPE, task=RSPNetTask(queue=16))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run(recipe, walkers, whole, cache_folder)
    with stopped_after(4):
        run(recipe, walkers, parts, cache_folder)
    run(recipe, walkers, parts, cache_folder, resume=True)
    assert_same_run(parts, whole)
    assert "memory.keys_KE" in load_file(whole / "checkpoint.safetensors")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_saves_first_and_resumes(
    number: signal.Signals,
    whole: Path,
    walkers: list[VideoItem],
    cache_folder: Path,
    tmp_path: Path,
) -> None:
    said: list[str] = []
    with stopped_after(4, number):
        loop.train(NEVER_SAVED, walkers, tmp_path, cache_folder, log=said.append)
    assert "stopped after step 4, which is saved: continue with --resume" in said[-1]
    run(RECIPE, walkers, tmp_path, cache_folder, resume=True)
    assert_same_run(tmp_path, whole)


@pytest.mark.parametrize("largest_kib", [40, 100])
def test_a_full_disk_stops_the_run_with_the_last_checkpoint_intact(
    largest_kib: int, whole: Path, walkers: list[VideoItem], cache_folder: Path, tmp_path: Path
) -> None:
    """A limit on the size of files: at 100 KiB the checkpoint breaks off, at 40 KiB the frame too."""
    loop.train(dataclasses.replace(RECIPE, steps=4), walkers, tmp_path, cache_folder, log=lambda line: None)
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_kib << 10, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"(?s)cannot write .*(checkpoint|metrics|curve)"):
            run(RECIPE, walkers, tmp_path, cache_folder, resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


def test_another_recipe_does_not_go_on_with_a_run(
    whole: Path, walkers: list[VideoItem], cache_folder: Path
) -> None:
    before = (whole / "checkpoint.safetensors").read_bytes()
    other = dataclasses.replace(RECIPE, seed=7, task=SpeedClassTask(temporal="none"))
    with pytest.raises(SpeedinessError, match=r"task was .*even.*, is .*none.*, seed was 0, is 7; resume"):
        run(other, walkers, whole, cache_folder, resume=True)
    run(
        dataclasses.replace(RECIPE, lr=1.0), walkers, whole, cache_folder, resume=True
    )  # nothing left to do
    assert (whole / "checkpoint.safetensors").read_bytes() == before


def test_a_gpu_too_small_is_told_what_to_do(
    walkers: list[VideoItem], cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(loop.Run, "step", full)
    with pytest.raises(SpeedinessError, match=r"4 clips a step .* set windows lower than 2"):
        run(RECIPE, walkers, tmp_path, cache_folder)


def test_a_run_ends_with_its_minutes(walkers: list[VideoItem], cache_folder: Path, tmp_path: Path) -> None:
    endless = dataclasses.replace(RECIPE, steps=10**6, evaluate_every=10**6)
    loop.train(endless, walkers, tmp_path, cache_folder, log=lambda line: None, minutes=0.02)
    rows = read_metrics(tmp_path / "metrics.jsonl")
    assert rows[-1]["step"] < 1000 and "validation" in rows[-1]
    loop.train(endless, walkers, tmp_path, cache_folder, True, log=lambda line: None, minutes=0.02)
    assert read_metrics(tmp_path / "metrics.jsonl") == rows  # its time was up already


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
    with pytest.raises(
        SpeedinessError, match=r"the loss of step \d is (nan|inf).*walker-\d.mp4 at \d.\d\d s"
    ):
        run(dataclasses.replace(RECIPE, lr=1e30, warmup_steps=0), walkers, tmp_path, cache_folder)


def test_the_learning_rate_warms_up_and_falls_to_nothing() -> None:
    rates = [learning_rate(step, step / 1000, 100) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01, rel=1e-3) and rates[99] == pytest.approx(1, abs=0.03)
    assert all(a >= b for a, b in itertools.pairwise(rates[100:])) and rates[-1] < 1e-4
