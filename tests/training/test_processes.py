import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from speediness.datasets.video_list import VideoItem
from speediness.models.sync_norm import SyncBatchNorm, synchronise_norms
from speediness.training.metrics import read_metrics
from speediness.training.recipes import smoke
from speediness.training.tasks.playback_rate import PlaybackRateTask
from speediness.training.tasks.rspnet import RSPNetTask

pytestmark = pytest.mark.slow

# Dropout draws its masks in each process for its own clips, so it has to stay out of the comparison.
RECIPE = dataclasses.replace(
    smoke(), bf16=False, dropout=0.0, validation_share=0.4, steps=5, evaluate_every=5, checkpoint_minutes=0
)
RECIPES = {
    "speed_class": RECIPE,
    "playback_rate": dataclasses.replace(RECIPE, task=PlaybackRateTask(), size_px=56, zoom=1.7),
    "rspnet": dataclasses.replace(RECIPE, task=RSPNetTask(queue=8)),
    "rspnet_of_the_batch": dataclasses.replace(RECIPE, task=RSPNetTask(queue=0)),
}

TRAIN = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import torch
from speediness.training import loop
from test_processes import RECIPES, VideoItem
torch.set_num_threads(1)
loop.REPORT_EVERY = 1
items = [VideoItem(Path(path), source) for path, source in {items!r}]
loop.train(RECIPES[{task!r}], items, Path({out!r}), Path({cache!r}))
"""

NORM = """
import sys
import torch, torch.distributed as dist
sys.path.insert(0, {tests!r})
from test_processes import norm_of_part
dist.init_process_group("gloo")
torch.save(norm_of_part(dist.get_rank(), 2), f"{out}/{{dist.get_rank()}}.pt")
dist.destroy_process_group()
"""


def processes(count: int, script: Path) -> subprocess.CompletedProcess[str]:
    """Run a script alone, or several times at once as torchrun does."""
    command = [sys.executable]
    if count > 1:
        command += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, str(script)], env=environment, capture_output=True, text=True, timeout=300
    )


def norm_of_part(rank: int, count: int) -> dict[str, torch.Tensor]:
    """Output, gradients and statistics of a batch norm that sees one part of ten clips."""
    torch.manual_seed(0)
    norm = nn.BatchNorm3d(3, eps=1e-3).double().train()
    nn.init.normal_(norm.weight)
    shape = (10, 3, 4, 5, 5)
    clips, wanted = 40 + 3 * torch.randn(shape).double(), torch.randn(shape).double()
    network = nn.Sequential(norm)
    if count > 1:
        synchronise_norms(network, torch.device("cpu"))
        assert isinstance(network[0], SyncBatchNorm)
        network.double()
    part = slice(rank * 10 // count, (rank + 1) * 10 // count)
    inputs = clips[part].requires_grad_()
    outputs = network(inputs)
    F.mse_loss(outputs, wanted[part], reduction="sum").backward()
    gradients = {name: value.grad for name, value in network.named_parameters()} | {"inputs": inputs.grad}
    return {
        "outputs": outputs.detach(),
        **{name: gradient for name, gradient in gradients.items() if gradient is not None},
        **dict(network.named_buffers()),
    }


def test_batch_norm_over_two_processes_is_that_of_all_their_clips(tmp_path: Path) -> None:
    script = tmp_path / "norm.py"
    script.write_text(NORM.format(tests=str(Path(__file__).parent), out=str(tmp_path)))
    done = processes(2, script)
    assert done.returncode == 0, done.stderr
    parts = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    whole = norm_of_part(0, 1)
    assert whole.keys() == parts[0].keys() and len(whole) == 7
    for name, expected in whole.items():
        first, second = (part[name] for part in parts)
        if name in ("outputs", "inputs"):
            found = torch.cat([first, second])
        else:
            found = first + second if name in ("0.weight", "0.bias") else first
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("task", RECIPES)
def test_two_processes_train_like_one(
    task: str, walkers: list[VideoItem], cache_folder: Path, tmp_path: Path
) -> None:
    script = tmp_path / "train.py"
    items = [(str(item.path), item.source) for item in walkers]
    given = {"tests": str(Path(__file__).parent), "items": items, "cache": str(cache_folder), "task": task}
    curves, said = [], []
    for count in (1, 2):
        out = tmp_path / str(count)
        script.write_text(TRAIN.format(**given, out=str(out)))
        done = processes(count, script)
        assert done.returncode == 0, done.stderr
        curves.append(read_metrics(out / "metrics.jsonl"))
        said.append(done.stdout.count("\n"))
    assert said[0] == said[1]  # the first process alone speaks
    alone, together = curves
    assert [row["step"] for row in together] == [row["step"] for row in alone]
    for row, expected in zip(together, alone, strict=True):
        if "loss" in row:
            assert row["loss"] == pytest.approx(expected["loss"], abs=1e-5 if row["step"] == 1 else 5e-5)
    losses = [row["loss"] for row in alone if "loss" in row]
    assert max(losses) - min(losses) > 1e-3
