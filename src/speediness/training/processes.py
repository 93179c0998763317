"""The processes that train together: one, or as many as ``torchrun`` started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist

# Others wait while the first process validates or the last one decodes its videos.
PATIENCE = timedelta(hours=2)


def is_first_process() -> bool:
    """Whether this process is the only one, or the first of those ``torchrun`` started."""
    return int(os.environ.get("RANK", "0")) == 0


@dataclass(frozen=True)
class Processes:
    """This process among those that train together."""

    rank: int
    """0 for the first: it alone writes, validates and speaks."""
    count: int
    device: torch.device
    """Where this process computes."""

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def mean(self, values: list[float]) -> list[float]:
        """The mean over all processes of each value."""
        if self.count == 1:
            return values
        return (self._reduced(values, dist.ReduceOp.SUM) / self.count).tolist()

    def most(self, values: list[float]) -> list[float]:
        """The largest over all processes of each value."""
        return values if self.count == 1 else self._reduced(values, dist.ReduceOp.MAX).tolist()

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.count > 1:
            dist.barrier()

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """Run the block in the first process, then in the others, which find its work done."""
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()

    def _reduced(self, values: list[float], how: dist.ReduceOp.RedOpType) -> torch.Tensor:
        reduced = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(reduced, how)
        return reduced.cpu()


@contextmanager
def joined_processes() -> Iterator[Processes]:
    """Join the processes ``torchrun`` started, over NCCL with CUDA and over Gloo without."""
    cuda = torch.cuda.is_available()
    if not dist.is_torchelastic_launched():
        yield Processes(0, 1, torch.device("cuda" if cuda else "cpu"))
        return
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
    try:
        yield Processes(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()
