"""A new task or data set is one file and one line: here are toys of both, used from end to end."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from speediness import sampling
from speediness.clip import ClipSpec
from speediness.datasets import DATASETS, find_videos
from speediness.datasets.clip_cache import CachedVideo
from speediness.datasets.data_set import DataSet, DataSetContents
from speediness.datasets.video_list import VideoItem
from speediness.models.encoder import Encoder, EncoderConfig
from speediness.training.loop import train
from speediness.training.metrics import read_metrics
from speediness.training.recipes import smoke
from speediness.training.tasks import TASKS
from speediness.training.tasks.task import Batch, ClipTask, Forward, Segment, View


class Direction(Encoder):
    """One logit: does time run backwards?"""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.head = nn.Linear(self.feature_dim, 1)

    def forward(self, clips_BTHWC: Tensor) -> tuple[Tensor]:
        return (self.head(self.encode(clips_BTHWC).mean((2, 3, 4)))[:, 0],)


@dataclass(frozen=True)
class ArrowOfTime(ClipTask):
    """Forwards or backwards."""

    name: ClassVar[str] = "arrow"
    sharpness: float = 1.0

    @property
    def views_per_window(self) -> int:
        return 1

    def draw(
        self, item: VideoItem, segment: Segment, clip: ClipSpec, rng: np.random.Generator
    ) -> list[View]:
        times_s = sampling.play_at(segment()[0], 1.0, clip.n_frames, clip.frame_rate)
        backwards = int(rng.integers(2))
        return [View(times_s[::-1] if backwards else times_s, backwards)]

    def network(self, config: EncoderConfig) -> Direction:
        return Direction(config)

    def step(
        self, forward: Forward, average: Forward, memory: nn.Module, batch: Batch
    ) -> dict[str, Tensor]:
        (logit_B,) = forward(*batch.inputs)
        wanted_B = batch.labels_B.float()
        loss = nn.functional.binary_cross_entropy_with_logits(self.sharpness * logit_B, wanted_B)
        return {"loss": loss, "accuracy": ((logit_B > 0) == wanted_B.bool()).float().mean()}

    def validate(self, network: Any, videos: Sequence[CachedVideo]) -> dict[str, float]:
        return {"accuracy": 0.5, "films": float(len(videos))}


def test_a_toy_task_and_a_toy_data_set_train(
    walkers: list[VideoItem], cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(root: Path) -> DataSetContents:
        return DataSetContents({"train": walkers, "test": walkers[:1]}, [root])

    monkeypatch.setitem(TASKS, "arrow", ArrowOfTime)
    monkeypatch.setitem(DATASETS, "toys", DataSet("nowhere", read))
    recipe = smoke().with_settings(["task=arrow", "sharpness=2.0", "validation_share=0.4", "steps=2"])
    assert recipe.task == ArrowOfTime(sharpness=2.0)
    train(
        recipe,
        find_videos(f"toys:{tmp_path}", "train"),
        tmp_path / "run",
        cache_folder,
        log=lambda line: None,
    )
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert any("validation" in row for row in rows)
    assert recipe == type(recipe).from_json(dataclasses.replace(recipe).to_json())
    assert all(torch.isfinite(torch.tensor(row["loss"])) for row in rows if "loss" in row)
