import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import speediness
from captures import put_captures
from speediness.datasets import find_videos
from speediness.datasets.video_list import VideoItem, held_out
from speediness.errors import DataError, WeightsError
from speediness.evaluation.calibration import RATES
from speediness.models.checkpoint import load_speednet
from speediness.models.speednet import SpeedNet
from speediness.runtime.network import load_network
from speediness.training import loop
from speediness.training.metrics import read_metrics
from speediness.training.publish import averaged, publish
from speediness.training.recipe import Recipe
from speediness.training.tasks.playback_rate import PlaybackRateTask
from stopped_run import assert_same_run, stopped_after
from synthetic import drifting_frame, steady, write_video

pytestmark = pytest.mark.slow

RECIPE = Recipe(
    task=PlaybackRateTask(sees_scene=False),
    width=0.2,
    size_px=56,
    zoom=1.7,
    steps=6,
    windows=2,
    warmup_steps=1,
    evaluate_every=3,
    validation_share=0.4,
    bf16=False,  # what is compared below is then the same to the last bit
    compiled=False,
    checkpoint_minutes=60,
)


@pytest.fixture(scope="module")
def drifters(tmp_path_factory: pytest.TempPathFactory) -> list[VideoItem]:
    """Textures that swing to and fro, from five sources, at various frame rates and speeds."""
    folder = tmp_path_factory.mktemp("drifters")
    items = []
    for n, rate in enumerate((24, 25, 30, 25, 50)):
        path = write_video(
            folder / f"drifter-{n}.mp4",
            steady(int(5.2 * rate), rate),
            width_px=148,
            height_px=112,
            draw_frame=lambda i, n=n, rate=rate: drifting_frame(
                15 * math.sin((1 + n / 3) * i / rate), seed=n
            ),
        )
        items.append(VideoItem(path, f"source-{n}"))
    kept, held = held_out(items, RECIPE.validation_share)
    assert len(kept) >= 2 and held
    return items


@pytest.fixture(scope="module")
def motion_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("motion")


@pytest.fixture(scope="module")
def whole(drifters: list[VideoItem], motion_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing interrupted."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("whole")
    loop.train(RECIPE, drifters, out, motion_folder, log=lambda line: None)
    return out


def test_a_run_writes_its_losses_and_validations(whole: Path) -> None:
    rows = read_metrics(whole / "metrics.jsonl")
    validations = [row["validation"] for row in rows if "validation" in row]
    assert len(validations) == 2
    for figures in validations:
        assert 0 <= figures["accuracy"] <= 1 and math.isfinite(figures["log_loss"])
    (losses,) = [row for row in rows if "loss" in row]
    assert losses["step"] == 6 and {"two_classes", "accuracy", "pairs_ranked"} <= losses.keys()


def test_a_stopped_run_resumes_as_if_nothing_had_happened(
    whole: Path, drifters: list[VideoItem], motion_folder: Path, tmp_path: Path
) -> None:
    with stopped_after(2):
        loop.train(RECIPE, drifters, tmp_path, motion_folder, log=lambda line: None)
    loop.train(RECIPE, drifters, tmp_path, motion_folder, resume=True, log=lambda line: None)
    assert_same_run(tmp_path, whole)


def test_a_run_becomes_a_calibrated_network_that_analyses_video(
    whole: Path, drifters: list[VideoItem], motion_folder: Path, tmp_path: Path
) -> None:
    document = publish(
        [whole], drifters, tmp_path / "small.safetensors", motion_folder, log=lambda line: None
    )
    kept, held = held_out(drifters, RECIPE.validation_share)
    assert document["made_by"]["films"] == {"train": len(kept), "validation": len(held)}
    assert document["response"]["rates"] == RATES.tolist()
    assert (np.diff(document["response"]["mean"]) >= 0).all()
    assert math.isfinite(document["flow_threshold"]) and 0 <= document["validation"]["accuracy"] <= 1

    network = load_network(str(tmp_path / "small.onnx"))
    assert network.document["response"] == document["response"]
    assert network.response.mean.tolist() == document["response"]["mean"]
    assert network.flow_threshold == document["flow_threshold"]
    assert network.document["made_by"]["recipe"] == RECIPE.to_json()

    # Calibration went into the weights of both files.
    calibrated, raw = load_speednet(tmp_path / "small.safetensors"), averaged(whole)[0].eval()
    assert isinstance(raw, SpeedNet)
    motion = torch.randn(1, 20, 4, 14, 18, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        said = calibrated.classify(motion)
        change = said.rate_BW2 - raw.classify(motion).rate_BW2
    assert change.abs().amax() > 1e-3
    torch.testing.assert_close(change, change[:, :1].expand_as(change), atol=0.02, rtol=0)
    assert network.runtime.classify is not None
    exported = network.runtime.classify(motion.numpy())
    np.testing.assert_allclose(exported.rate, said.rate_BW2, atol=2e-3)

    curve = speediness.analyse(drifters[1].path, network=network, factors=(1.0, 2.0))
    assert curve.normal.shape == (2, 130)
    assert (curve.normal >= 0).all() and (curve.normal <= 1).all() and curve.motion.max() > 0.1


def test_runs_of_one_start_are_averaged_and_others_refused(whole: Path, tmp_path: Path) -> None:
    def copied(name: str, by: float, **changes: object) -> Path:
        source = whole / "checkpoint.safetensors"
        with safe_open(source, "pt") as file:
            header = file.metadata()
        recipe = json.dumps(json.loads(header["recipe"]) | changes)
        (tmp_path / name).mkdir()
        moved = {k: v + by if v.is_floating_point() else v for k, v in load_file(source).items()}
        save_file(moved, tmp_path / name / source.name, header | {"recipe": recipe})
        return tmp_path / name

    first, second = (copied(f"seed-{n}", n, seed=n, init="elsewhere/start.safetensors") for n in (0, 1))
    mean, _, made_by = averaged(first, second)
    for name, value in averaged(first)[0].state_dict().items():
        expected = value + 0.5 if value.is_floating_point() else value
        torch.testing.assert_close(mean.state_dict()[name], expected, msg=name)
    assert made_by["seeds_averaged"] == [0, 1] and made_by["recipe"]["seed"] == 0
    for other in (
        copied("narrow", 0, seed=1, init="elsewhere/start.safetensors", steps=1),
        copied("init", 0, seed=1),
    ):
        with pytest.raises(WeightsError, match="differ in more than their seed"):
            averaged(first, other)


def test_videos_too_short_for_a_window_at_2x_cannot_be_trained_on(
    walkers: list[VideoItem], tmp_path: Path
) -> None:
    recipe = dataclasses.replace(RECIPE, size_px=32)
    with pytest.raises(DataError, match=r"no video lasts 4\.4 s"):
        loop.train(recipe, walkers, tmp_path / "run", tmp_path / "cache", log=lambda line: None)


def test_captures_train_alone_and_beside_videos_of_which_alone_some_are_held_out(
    drifters: list[VideoItem], motion_folder: Path, tmp_path: Path
) -> None:
    captures = find_videos(f"mocap:{put_captures(tmp_path / 'mocap', 6)}", "train")
    recipe = dataclasses.replace(RECIPE, steps=2, evaluate_every=2, task=PlaybackRateTask())
    kept, held = held_out(drifters, recipe.validation_share)
    kept_captures, held_captures = held_out(captures, recipe.validation_share)
    assert kept_captures and held_captures
    said: list[str] = []
    loop.train(recipe, captures, tmp_path / "alone", tmp_path / "cache", log=said.append)
    loop.train(recipe, drifters, tmp_path / "both", motion_folder, log=said.append, more=captures)
    assert [line for line in said if line.startswith("training on")] == [
        f"training on {len(kept_captures)} videos, validating on {len(held_captures)}",
        f"training on {len(kept) + len(captures)} videos, validating on {len(held)}",
    ]
    for name in ("alone", "both"):
        (row,) = [row for row in read_metrics(tmp_path / name / "metrics.jsonl") if "loss" in row]
        assert math.isfinite(row["loss"])
