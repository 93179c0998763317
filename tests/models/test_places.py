from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from speediness.clip import ClipSpec
from speediness.datasets.video_list import VideoItem
from speediness.models.backbones.efficientnet import imagenet
from speediness.models.backbones.stems import RGB_MEAN, RGB_STD
from speediness.models.encoder import EncoderConfig
from speediness.models.export import export_features
from speediness.models.places import ImageNetPlaces
from speediness.models.random_walk import RandomWalkNet
from speediness.propagate.affinity import AffinitySettings
from speediness.propagate.track import load_features
from speediness.training.loop import train
from speediness.training.publish import publish
from speediness.training.recipes import smoke


def frames(height: int = 64, width: int = 96) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, height, width, 3), np.uint8)


def test_an_exported_network_gives_the_same_directions_and_its_settings(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = RandomWalkNet(EncoderConfig(ClipSpec(4, size_px=48, channels=3), "frame_resnet18", 0.125))
    settings = AffinitySettings(recent=3, temperature=0.1)
    document = {"short_side_px": 160, "affinity": asdict(settings), "made_by": {"steps": 0}}
    export_features(network.eval(), network.directions, tmp_path / "places.onnx", "places", document)
    model = load_features(tmp_path / "places.onnx")
    assert (model.short_side_px, model.settings) == (160, settings)
    for size in ((64, 96), (32, 48)):
        found = model.features(frames(*size))
        with torch.no_grad():
            expected = network.directions(torch.from_numpy(frames(*size))).numpy()
        assert found.shape == (2, size[0] // 8, size[1] // 8, network.feature_dim)
        np.testing.assert_allclose(found, expected, atol=5e-3)
        np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, rtol=1e-4)


def test_the_shipped_features_are_early_maps_of_the_imagenet_network() -> None:
    with torch.no_grad():
        expected = ImageNetPlaces((4, 10)).eval()(torch.from_numpy(frames())).numpy()
    np.testing.assert_allclose(load_features().features(frames()), expected, atol=1e-2)


def test_imagenet_places_are_its_maps_each_of_length_1() -> None:
    network, given = imagenet(), torch.from_numpy(frames()).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (RGB_MEAN, RGB_STD))
    with torch.no_grad():
        maps = torch.nn.Sequential(network.stem, *list(network.blocks)[:5])((given - mean) / std)
        found = ImageNetPlaces((4,)).eval()(torch.from_numpy(frames()))
    torch.testing.assert_close(found, torch.nn.functional.normalize(maps, dim=1).permute(0, 2, 3, 1))


@pytest.mark.slow
@pytest.mark.parametrize("task", ["colorization", "random_walk", "time_cycle"])
def test_training_ends_with_features_that_propagate_takes(
    task: str, walkers: list[VideoItem], cache_folder: Path, tmp_path: Path
) -> None:
    settings = [f"task={task}", "backbone=frame_resnet18", "n_frames=4", "validation_share=0.4", "steps=2"]
    if task == "random_walk":
        settings += ["patch_px=16", "step_px=16"]
    if task == "time_cycle":
        settings += ["size_px=64"]
    recipe = smoke().with_settings(settings)
    train(recipe, walkers, tmp_path / "run", cache_folder, log=lambda line: None)
    out = tmp_path / "network.safetensors"
    made = publish([tmp_path / "run"], walkers, out, cache_folder, log=lambda line: None)
    assert 0 <= made["validation"]["accuracy"] <= 1
    found = load_features(out.with_suffix(".onnx")).features(frames())
    assert found.shape[:3] == (2, 8, 12)
    assert np.isfinite(found).all()
