import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from speediness.clip import ClipSpec
from speediness.engines.onnx import open_runtime
from speediness.models.encoder import EncoderConfig
from speediness.models.export import MOTION_KEY, describe, export_onnx
from speediness.models.speednet import SpeedNet

CONFIG = EncoderConfig(ClipSpec(8, size_px=64), "motion", 0.125)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[SpeedNet, Path]:
    torch.manual_seed(0)
    network, path = SpeedNet(CONFIG).eval(), tmp_path_factory.mktemp("export") / "network.onnx"
    export_onnx(network, path)
    return network, path


@pytest.mark.parametrize(("n", "side_px"), [(1, 64), (3, 96)])
def test_the_exported_network_says_what_the_network_says(
    exported: tuple[SpeedNet, Path], n: int, side_px: int
) -> None:
    network, path = exported
    rng = np.random.default_rng(0)
    clips = rng.integers(0, 256, (n, 8, side_px, side_px, CONFIG.clip.channels), dtype=np.uint8)
    intervals = rng.uniform(0.5, 1.5, (n, 7)).astype(np.float32)
    logits, motion = open_runtime(path)(clips, intervals)
    with torch.inference_mode():
        expected = network(torch.from_numpy(clips), torch.from_numpy(intervals))
    np.testing.assert_allclose(logits, expected[0].numpy(), atol=1e-3)
    np.testing.assert_allclose(motion, expected[1].numpy(), rtol=1e-3, atol=1e-3)


def test_a_description_is_added_to_what_is_there(exported: tuple[SpeedNet, Path]) -> None:
    _, path = exported

    def header() -> dict[str, str]:
        return {entry.key: entry.value for entry in onnx.load(path).metadata_props}

    before = header()
    describe(path, {"calibration": {"bias": 0.5}})
    after = header()
    said = json.loads(after["speediness"])
    assert said == {**json.loads(before["speediness"]), "calibration": {"bias": 0.5}}
    assert said["config"] == CONFIG.to_json() and after[MOTION_KEY] == before[MOTION_KEY]
