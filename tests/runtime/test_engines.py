from importlib.util import find_spec
from typing import get_args

import numpy as np
import pytest

import speediness.runtime as engines
from speediness.errors import WeightsError
from speediness.runtime import Engine, choose_engine, open_runtime
from speediness.runtime.network import find_weights, list_models, load_network
from speediness.runtime.protocol import Outputs, Runtime, log_odds


def sliding(length: int, height_px: int, width_px: int) -> np.ndarray:
    """Frames of a texture that slides now and then."""
    rng = np.random.default_rng(0)
    still = rng.integers(0, 256, (height_px // 8, width_px // 8, 1), np.uint8).repeat(8, 0).repeat(8, 1)
    return np.stack([np.roll(still, place, 1) for place in rng.integers(0, 3, length).cumsum()])


def motion_of(runtime: Runtime, length: int) -> np.ndarray:
    """(1, L, 4, h, w) bins of one pair each."""
    assert runtime.measure is not None
    frames = sliding(length + 1, 32, 64)
    return runtime.measure(frames[:-1], frames[1:])[None]


def classify(runtime: Runtime, motion: np.ndarray) -> Outputs:
    assert runtime.classify is not None
    return runtime.classify(motion)


@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("engine", get_args(Engine))
def test_every_engine_gives_the_answer_of_onnx_runtime(name: str, engine: Engine) -> None:
    if not find_spec(engines.ENGINES[engine][1]):
        pytest.skip(f"{engine} is not installed")
    path = find_weights(name, ".onnx")
    reference, other = open_runtime("onnx", path), open_runtime(engine, path)
    motion = motion_of(reference, 60)
    np.testing.assert_allclose(motion_of(other, 60), motion, atol=1e-3)
    outputs, expected = classify(other, motion), classify(reference, motion)
    for got, wanted in zip(outputs, expected, strict=True):
        # bfloat16 where a processor has it
        np.testing.assert_allclose(got, wanted, atol=0.03 * max(1, float(np.abs(wanted).max())))
    assert np.ptp(expected.rate[..., 0]) > 0.1


def test_all_steps_are_one_network_and_maps_come_with_the_answer() -> None:
    network = load_network("speednet-small", "onnx")
    motion = motion_of(network.runtime, 40)
    assert motion.shape == (1, 40, 4, 8, 16)
    outputs = classify(network.runtime, motion)
    assert outputs.rate.shape == (1, 40 - network.clip.n_frames + 1, 2)
    inner = 40 - 2 * network.document["margin"]
    assert outputs.cam.shape[:2] == outputs.features.shape[:2] == (1, inner)


@pytest.mark.parametrize("engine", get_args(Engine))
def test_a_window_is_the_same_in_a_longer_sequence(engine: Engine) -> None:
    if not find_spec(engines.ENGINES[engine][1]):
        pytest.skip(f"{engine} is not installed")
    runtime = open_runtime(engine, find_weights("speednet-small", ".onnx"))
    n_bins = load_network("speednet-small", "onnx").clip.n_frames
    motion = motion_of(runtime, 60)
    whole = classify(runtime, motion)
    for first in (0, 20, 60 - n_bins):
        alone = classify(runtime, motion[:, first : first + n_bins])
        np.testing.assert_allclose(alone.rate[0, 0], whole.rate[0, first], atol=0.03)


def test_the_log_odds_are_those_of_two_normal_distributions() -> None:
    rate = np.array([[0.5, 0.0], [1.5, 0.0], [1.5, np.log(2.0)]], np.float32)
    density = np.exp(-((rate[:, :1] - [0, 1]) ** 2) / 2 / np.exp(rate[:, 1:]))
    np.testing.assert_allclose(log_odds(rate), np.log(density[:, 1] / density[:, 0]), rtol=1e-5, atol=1e-6)


def test_auto_takes_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"onnxruntime"}
    monkeypatch.setattr(engines, "find_spec", lambda package: package in there or None)
    monkeypatch.setattr(engines, "which", lambda name: None)
    assert choose_engine("auto") == "onnx"
    there.add("openvino")
    assert choose_engine("auto") == "openvino"
    there |= {"torch", "safetensors"}
    cuda = True
    monkeypatch.setattr(engines, "_has_cuda", lambda: cuda)
    assert choose_engine("auto") == "openvino"
    monkeypatch.setattr(engines, "which", lambda name: f"/usr/bin/{name}")
    assert choose_engine("auto") == "torch"
    there.remove("safetensors")  # the base install, beside somebody's torch
    assert choose_engine("auto") == "openvino"
    there.add("safetensors")
    cuda = False
    assert choose_engine("auto") == "openvino"


def test_engines_that_are_not_there_are_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda package: None)
    with pytest.raises(WeightsError, match=r"pip install .*speediness\[openvino\]"):
        choose_engine("openvino")
    with pytest.raises(WeightsError, match="no engine named tensorrt; there are auto, onnx"):
        choose_engine("tensorrt")
