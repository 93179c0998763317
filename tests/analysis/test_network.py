from pathlib import Path

import numpy as np
import pytest
import torch

from speediness import sampling
from speediness.analysis.network import Network, list_models, load_network
from speediness.errors import WeightsError
from speediness.evaluation.speed_accuracy import centre_crop
from speediness.models.checkpoint import load_speednet
from speediness.models.speednet import SpeedNet
from speediness.video.reader import VideoReader

WEIGHTS = Path(load_network.__code__.co_filename).parents[1] / "weights"
CLIP = Path(__file__).parents[2] / "examples" / "bikes.mp4"


def windows_of_the_bundled_clip(network: Network) -> tuple[np.ndarray, np.ndarray]:
    frames = list(VideoReader(CLIP).frames(network.clip.size_px, network.clip.channels))
    times_s = np.array([float(f.time_s) for f in frames])
    pixels = centre_crop(np.stack([f.pixels_HWC for f in frames]), network.clip.size_px)
    clips, spacings = [], []
    for middle_s in (1.0, 4.0, 8.0):
        for factor in (1.0, 1.5625, 2.0, 5.0):
            wanted = sampling.window_around(
                middle_s, factor, network.clip.n_frames, network.clip.frame_rate
            )
            indices = sampling.nearest_frames(times_s, sampling.reflect(wanted, 0, times_s[-1]))
            clips.append(pixels[indices])
            spacings.append(sampling.played_intervals(times_s, indices, factor, network.clip.frame_rate))
    return np.stack(clips), np.stack(spacings)


def probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(logits[:, 1] - logits[:, 0]))


def torch_answer(
    weights: SpeedNet, network: Network, clips: np.ndarray, spacings: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    with torch.inference_mode():
        logits, flow = weights(torch.from_numpy(clips), torch.from_numpy(spacings))
    score = (logits[:, 1] - logits[:, 0]).numpy()
    return 1 / (1 + np.exp((score - network.bias) / network.temperature)), flow.numpy()


@pytest.mark.parametrize("name", list_models())
def test_runtime_and_torch_agree_to_a_thousandth_on_real_video(name: str) -> None:
    network = load_network(name, "onnx")
    weights = load_speednet(name)
    clips, spacings = windows_of_the_bundled_clip(network)
    logits, flow = network.runtime(clips, spacings)
    expected, expected_flow = torch_answer(weights, network, clips, spacings)
    assert np.ptp(expected) > 0.1  # the windows differ enough for the comparison to mean something
    np.testing.assert_allclose(probability(logits), expected, atol=1e-3)
    np.testing.assert_allclose(flow, expected_flow, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("shape", [(1, 32, 96), (3, 64, 64)])
def test_runtime_and_torch_agree_at_other_sizes(name: str, shape: tuple[int, ...]) -> None:
    network = load_network(name, "onnx")
    weights = load_speednet(name)
    rng = np.random.default_rng(0)
    batch, height, width = shape
    still = rng.integers(0, 256, (batch, 1, height, width, network.clip.channels), np.uint8)
    clips = np.concatenate([np.roll(still, t, 3) for t in range(network.clip.n_frames)], 1)
    spacings = np.ones((batch, network.clip.n_frames - 1), np.float32)
    expected, _ = torch_answer(weights, network, clips, spacings)
    np.testing.assert_allclose(probability(network.runtime(clips, spacings)[0]), expected, atol=1e-3)


def test_the_shipped_networks_are_small_and_say_where_they_come_from() -> None:
    assert "speednet-small" in list_models()
    for name in list_models():
        network = load_network(name)
        assert (WEIGHTS / f"{name}.onnx").stat().st_size < 20e6
        assert {"recipe", "steps", "films", "speediness"} <= network.document["made_by"].keys()
        assert network.temperature > 0
        np.testing.assert_allclose(network.response.share.sum(1), 1)
        # The faster natural video is played, the more of it looks sped up.
        looks_fast = network.response.share[:, np.searchsorted(network.response.edges, 0) + 1 :].sum(1)
        assert looks_fast[-1] > looks_fast[0] + 0.2


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"shipped: .*speednet-small"):
        load_network("speednet-huge")
    with pytest.raises(WeightsError, match="cannot read"):
        load_network(tmp_path / "missing.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    with pytest.raises(WeightsError, match="not a network exported by speediness"):
        load_network(tmp_path / "bad.onnx")
