import dataclasses
from pathlib import Path

import pytest

from speediness.datasets import video_list
from speediness.datasets.video_list import VideoItem, held_out
from speediness.evaluation import speed_accuracy
from speediness.runtime.onnx import read_exported
from speediness.training import videos
from speediness.training.loop import train
from speediness.training.publish import publish
from speediness.training.recipes import smoke

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # exports, which takes minutes

RECIPE = dataclasses.replace(smoke(), bf16=False, validation_share=0.4, steps=1)


def test_of_many_videos_few_are_scored_and_all_are_named(
    walkers: list[VideoItem], cache_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(RECIPE, walkers, tmp_path, cache_folder, log=lambda line: None)
    kept, held = held_out(walkers, RECIPE.validation_share)
    assert len(kept) > 2 and held
    scored: list[str] = []

    def score(video, *how, **named):
        scored.append(video.item.path.name)
        return speed_accuracy.score_video(video, *how, **named)

    monkeypatch.setattr(videos, "score_video", score)
    monkeypatch.setattr(video_list, "MOST_SCORED", 2)
    document = publish([tmp_path], walkers, tmp_path / "network.safetensors", cache_folder, print)
    step = -(-len(kept) // 2)
    assert scored[: len(kept[::step])] == [item.path.name for item in kept[::step]]
    assert document["made_by"]["films"]["train"] == len(kept)
    assert document["made_by"]["films"]["validation"] == len(scored) - len(kept[::step]) <= 2
    described = read_exported(tmp_path / "network.onnx").description
    assert described["made_by"]["films"] == document["made_by"]["films"]
