"""The rows of SpeedNet Table 1: which safeguard each gives up, and what the paper measured."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from speediness.training.recipe import Recipe
from speediness.training.tasks.speed_class import SpeedClassTask

RowKind = Literal["ours", "paper", "mean_flow", "trajectories"]


@dataclass(frozen=True)
class Row:
    """One network of the table."""

    name: str
    """Of its folder."""
    title: str
    kind: RowKind = "paper"
    """ours: the base recipe. paper: without what the paper does not have. The others: no deep network."""
    same_batch: bool = True
    temporal: bool = True
    spatial: bool = True
    kinetics: float | None = None
    """The paper's accuracy in its domain (SpeedNet Table 1)."""
    nfs: float | None = None
    """The paper's accuracy out of its domain."""

    def recipe(self, base: Recipe, seed: int) -> Recipe:
        """What this row is trained by.

        Every row draws as many clips a step as the base recipe. Our row is the base recipe on the
        paper's task with an even step. In the paper's rows the temporal augmentation is its random
        skipping, and there is no recompression. What is no deep network learns from the clips of our row.
        """
        task = SpeedClassTask()
        if self.kind == "paper":
            task = SpeedClassTask(self.same_batch, "random" if self.temporal else "none")
        # Nothing is chosen by validating on the way, so that is left to the end.
        return dataclasses.replace(
            base,
            task=task,
            windows=base.clips // task.views_per_window,
            seed=seed,
            spatial=self.spatial,
            recompressed=base.recompressed if self.kind != "paper" else 0,
            evaluate_every=base.steps,
        )


ROWS = (
    Row("ours", "ours: even step", "ours"),
    Row("full", "full: random skipping", kinetics=0.756, nfs=0.736),
    Row("no_same_batch", "no same-batch", same_batch=False, kinetics=0.882, nfs=0.593),
    Row(
        "no_temporal",
        "nor temporal",
        same_batch=False,
        temporal=False,
        kinetics=0.900,
        nfs=0.577,
    ),
    Row(
        "none",
        "nor spatial: none",
        same_batch=False,
        temporal=False,
        spatial=False,
        kinetics=0.969,
        nfs=0.574,
    ),
    Row("mean_flow", "mean flow, two layers", "mean_flow", kinetics=0.558, nfs=0.550),
)
