"""Training that is stopped after a step, and runs that must be the same to the last bit."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from speediness.training import loop
from speediness.training.metrics import read_metrics
from speediness.training.tasks.task import Batch


@contextmanager
def stopped_after(steps: int, number: signal.Signals = signal.SIGINT) -> Iterator[None]:
    """A signal comes after so many steps of the training within; it ends by a KeyboardInterrupt."""
    step = loop.Run.step

    def stopped(self: loop.Run, batch: Batch, progress: float) -> None:
        step(self, batch, progress)
        if self.done == steps:
            signal.raise_signal(number)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop.Run, "step", stopped)
        yield


def curve(rows: list[dict]) -> list[dict]:
    """The rows without what depends on the clock."""
    return [{k: v for k, v in row.items() if k not in ("wait_share", "clips_per_s")} for row in rows]


def assert_same_run(found: Path, expected: Path) -> None:
    assert curve(read_metrics(found / "metrics.jsonl")) == curve(read_metrics(expected / "metrics.jsonl"))
    tensors, wanted = (load_file(folder / "checkpoint.safetensors") for folder in (found, expected))
    assert tensors.keys() == wanted.keys()
    for name, tensor in wanted.items():
        torch.testing.assert_close(tensors[name], tensor, rtol=0, atol=0)
