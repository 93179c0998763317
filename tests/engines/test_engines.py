from collections.abc import Callable
from importlib.util import find_spec
from typing import get_args

import numpy as np
import pytest

import speediness.engines as engines
from speediness.analysis.network import find_weights, list_models, load_network
from speediness.engines import Engine, choose_engine, open_runtime
from speediness.engines.runtime import Outputs, Runtime
from speediness.errors import WeightsError

NOTHING = np.empty(0, np.float32)


def moving_clips(batch: int, t: int, height: int, width: int, channels: int) -> np.ndarray:
    """A smooth frame that slides, each clip faster than the one before."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 8, width // 8, channels)).repeat(8, 0).repeat(8, 1)
    return np.stack(
        [np.stack([np.roll(coarse, n * (b + 1), 1) for n in range(t)]) for b in range(batch)]
    ).astype(np.uint8)


@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("engine", get_args(Engine))
def test_every_engine_gives_the_answer_of_onnx_runtime(name: str, engine: Engine) -> None:
    if not find_spec(engines.PACKAGES[engine][0]):
        pytest.skip(f"{engine} is not installed")
    clip = load_network(name, "onnx").clip
    path = find_weights(name, ".onnx")
    reference, other = open_runtime("onnx", path), open_runtime(engine, path)
    clips = moving_clips(21, clip.n_frames, 32, 64, clip.channels)
    intervals = np.ones((21, clip.n_frames - 1), np.float32)
    for got, expected in zip(other(clips, intervals), reference(clips, intervals), strict=True):
        np.testing.assert_allclose(got, expected, atol=0.03)  # bfloat16 where a processor has it
    assert np.ptp(reference(clips, intervals)[0][:, 1]) > 0.3


def test_both_steps_are_one_network_and_maps_come_with_the_answer() -> None:
    runtime = open_runtime("onnx", find_weights("speednet-small", ".onnx"))
    clips = moving_clips(3, 16, 32, 64, 1)
    intervals = np.ones((3, 15), np.float32)
    flow_grid = np.stack([runtime.motion(clip[:-1], clip[1:]) for clip in clips])
    assert flow_grid.shape == (3, 15, 4, 4, 8)
    outputs = runtime.windows(None, flow_grid, intervals)
    assert outputs.cam.shape == (3, 16, 4, 8)
    assert outputs.features.shape == (3, 16, 96)
    for got, expected in zip((outputs.logits, outputs.flow), runtime(clips, intervals), strict=True):
        np.testing.assert_allclose(got[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize("engine", get_args(Engine))
def test_a_window_is_the_same_in_a_longer_sequence(engine: Engine) -> None:
    if not find_spec(engines.PACKAGES[engine][0]):
        pytest.skip(f"{engine} is not installed")
    runtime = open_runtime(engine, find_weights("speednet-small", ".onnx"))
    assert runtime.context == 14
    places = np.random.default_rng(1).integers(0, 3, 60).cumsum()
    clip = np.stack([np.roll(moving_clips(1, 1, 32, 64, 1)[0, 0], place, 1) for place in places])
    flow_grid = runtime.motion(clip[:-1], clip[1:])[None]
    intervals = np.random.default_rng(2).uniform(0.6, 1.3, (1, 59)).astype(np.float32)
    whole = runtime.windows(None, flow_grid, intervals)
    assert whole.logits.shape == (1, 60 - 16 + 1, 2) and whole.cam.shape == (1, 60, 4, 8)
    for first in (runtime.context, 20, 60 - 16 - runtime.context):
        around = slice(first - runtime.context, first + 15 + runtime.context)
        part = runtime.windows(None, flow_grid[:, around], intervals[:, around])
        for got, expected in zip(part[:2], whole[:2], strict=True):
            np.testing.assert_allclose(got[0, runtime.context], expected[0, first], atol=0.03)


def test_calibration_moves_and_scales_the_log_odds() -> None:
    def windows(clips: object, flow_grid: np.ndarray, intervals: np.ndarray) -> Outputs:
        logits = np.array([[[0.0, 3.0], [1.0, 1.0]]], np.float32)
        return Outputs(logits, np.zeros((1, 2, 2), np.float32), NOTHING, NOTHING)

    unused: Callable[..., np.ndarray] = lambda before, after: before  # noqa: E731
    logits = Runtime(unused, windows, False).calibrated(1, 2).windows(None, NOTHING, NOTHING).logits
    np.testing.assert_allclose(logits[..., 1] - logits[..., 0], [[1.0, -0.5]])


def test_the_bias_of_a_window_grows_with_its_context() -> None:
    def windows(clips: object, flow_grid: np.ndarray, intervals: np.ndarray) -> Outputs:
        flow = np.zeros((1, 6, 2), np.float32)
        return Outputs(np.zeros((1, 6, 2), np.float32), flow, NOTHING, NOTHING)

    unused: Callable[..., np.ndarray] = lambda before, after: before  # noqa: E731
    runtime = Runtime(unused, windows, False, context=9).calibrated(1.0, 2.0, 6.0)
    logits = runtime.windows(None, NOTHING, NOTHING).logits[0]
    expected = [-(1 + reach) / 2 for reach in (3, 4, 5, 5, 4, 3)]
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], expected)


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
