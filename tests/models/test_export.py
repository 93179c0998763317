import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from speediness.clip import ClipSpec
from speediness.models.backbones.motion_net import SCENE_CHANNELS
from speediness.models.encoder import EncoderConfig
from speediness.models.export import MOTION_KEY, SCENE_KEY, describe, export_onnx
from speediness.models.speednet import SpeedNet
from speediness.models.torch_runtime import runtime_for
from speediness.runtime.onnx import open_runtime
from speediness.runtime.protocol import Outputs, Runtime

CONFIG = EncoderConfig(ClipSpec(12, Fraction(8), size_px=56), "motion", 0.125)
FRAMES = replace(CONFIG, clip=ClipSpec(8, size_px=64), backbone="s3dg")


def exported(config: EncoderConfig, path: Path, sees_scene: bool = False) -> SpeedNet:
    """A network at a random start, its answers far enough apart to compare, and its file."""
    torch.manual_seed(0)
    network = SpeedNet(config, "rate", sees_scene).eval()
    with torch.no_grad():
        network.classifier.weight.normal_()
        if network.scene is not None:
            network.scene.weight.normal_(std=0.1)
            network.scene.bias.normal_()
    export_onnx(network, path)
    return network


@pytest.fixture(scope="module")
def seeing_motion(tmp_path_factory: pytest.TempPathFactory) -> tuple[SpeedNet, Path]:
    path = tmp_path_factory.mktemp("export") / "network.onnx"
    return exported(CONFIG, path), path


@pytest.fixture(scope="module")
def seeing_scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[SpeedNet, Path]:
    path = tmp_path_factory.mktemp("export") / "scene.onnx"
    return exported(CONFIG, path, sees_scene=True), path


def frames(count: int, height_px: int, width_px: int, channels: int) -> np.ndarray:
    """A texture that slides."""
    coarse = np.random.default_rng(0).integers(0, 256, (height_px // 8, width_px // 8, channels), np.uint8)
    still = coarse.repeat(8, 0).repeat(8, 1)
    return np.stack([np.roll(still, n, 1) for n in range(count)])


def motion(batch: int, length: int, rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0.5, 1, (batch, length, 4, rows, columns)).astype(np.float32)


def classify(runtime: Runtime, given: np.ndarray, *told: np.ndarray) -> Outputs:
    assert runtime.classify is not None
    return runtime.classify(given, *told)


@pytest.mark.parametrize(("count", "height_px", "width_px"), [(1, 56, 96), (21, 64, 56)])
@pytest.mark.slow
def test_motion_is_measured_as_the_network_measures_it(
    seeing_motion: tuple[SpeedNet, Path], count: int, height_px: int, width_px: int
) -> None:
    network, path = seeing_motion
    seen = frames(count + 1, height_px, width_px, 1)
    measure, expected = open_runtime(path).measure, runtime_for(network).measure
    assert measure is not None and expected is not None
    cells = measure(seen[:-1], seen[1:])
    assert cells.shape == (count, 4, height_px // 4, width_px // 4)
    np.testing.assert_allclose(cells, expected(seen[:-1], seen[1:]), atol=1e-4)
    assert np.median(cells[:, 0]) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(("batch", "length", "rows", "columns"), [(1, 12, 14, 14), (3, 21, 14, 24)])
def test_windows_are_classified_as_the_network_classifies_them(
    seeing_motion: tuple[SpeedNet, Path], batch: int, length: int, rows: int, columns: int
) -> None:
    network, path = seeing_motion
    given = motion(batch, length, rows, columns)
    outputs, expected = classify(open_runtime(path), given), classify(runtime_for(network), given)
    assert outputs.rate.shape == (batch, length - 12 + 1, 2)
    for got, wanted in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-4)


@pytest.mark.slow
def test_a_network_that_sees_the_scene_travels_whole(seeing_scene: tuple[SpeedNet, Path]) -> None:
    network, path = seeing_scene
    here, there = runtime_for(network), open_runtime(path)
    assert here.see is not None and there.see is not None
    looks = frames(2, 64, 96, 3)
    scene = there.see(looks)
    assert scene.shape == (2, SCENE_CHANNELS, 2, 3)
    # The weights of the ImageNet network travel in half precision.
    np.testing.assert_allclose(scene, here.see(looks), atol=0.02 * float(np.ptp(scene)))
    given = motion(2, 16, 14, 24)
    scene_of = np.arange(32).reshape(2, 16) // 16
    for told in ((), (scene, scene_of)):
        for got, wanted in zip(classify(there, given, *told), classify(here, given, *told), strict=True):
            np.testing.assert_allclose(got, wanted, atol=1e-4)
    assert np.abs(classify(there, given).rate - classify(there, given, scene, scene_of).rate).max() > 1e-3
    texts = {entry.key for entry in onnx.load(path).metadata_props}
    assert {MOTION_KEY, SCENE_KEY} <= texts


@pytest.mark.slow
def test_clips_are_classified_as_the_network_classifies_them(tmp_path: Path) -> None:
    network = exported(FRAMES, tmp_path / "frames.onnx")
    clips = frames(8, 64, 96, 1)[None].repeat(2, 0)
    runtime = open_runtime(tmp_path / "frames.onnx")
    assert runtime.measure is None
    theirs, ours = runtime_for(network).classify_clips, runtime.classify_clips
    assert theirs is not None and ours is not None
    for got, wanted in zip(ours(clips), theirs(clips), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-4)


def test_a_description_is_added_to_what_is_there(seeing_motion: tuple[SpeedNet, Path]) -> None:
    _, path = seeing_motion

    def header() -> dict[str, str]:
        return {entry.key: entry.value for entry in onnx.load(path).metadata_props}

    before = header()
    describe(path, {"made_by": {"steps": 5}})
    after = header()
    said = json.loads(after["speediness"])
    assert said == {**json.loads(before["speediness"]), "made_by": {"steps": 5}}
    assert said["config"] == CONFIG.to_json() and after[MOTION_KEY] == before[MOTION_KEY]
