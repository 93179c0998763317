import json
from pathlib import Path

import numpy as np
import pytest

from speediness.errors import WeightsError
from speediness.models.checkpoint import load_speednet
from speediness.models.torch_runtime import runtime_for
from speediness.motion_field import MotionField
from speediness.results.store import file_sha256
from speediness.runtime.network import Network, Response, list_models, load_network
from speediness.runtime.protocol import Outputs, Runtime
from speediness.sampling import playback_factors
from speediness.video.reader import VideoReader

WEIGHTS = Path(load_network.__code__.co_filename).parents[1] / "weights"
CLIP = Path(__file__).parents[2] / "examples" / "bikes.mp4"


def test_weights_are_those_of_the_checksums() -> None:
    """After new ones, in src/speediness: sha256sum */*.onnx */*.safetensors > weights/SHA256SUMS."""
    package = WEIGHTS.parent
    lines = (WEIGHTS / "SHA256SUMS").read_text().splitlines()
    known = {name: digest for digest, name in map(str.split, lines)}
    shipped = [path for kind in ("onnx", "safetensors") for path in package.glob(f"*/*.{kind}")]
    sums = {str(path.relative_to(package)): file_sha256(path) for path in shipped}
    assert sums == known


def sequences_of_the_bundled_clip(network: Network, runtime: Runtime) -> np.ndarray:
    """(B, T, 4, h, w) motion of one second and a bit, at several factors."""
    frames = [f for f in VideoReader(CLIP).frames(network.clip.size_px) if 3.04 <= f.time_s < 5.48]
    pixels = np.stack([f.pixels_HWC[:, :, :1] for f in frames])[
        :, :, : -(frames[0].pixels_HWC.shape[1] % 8) or None
    ]
    assert runtime.measure is not None
    field = MotionField(float(frames[0].time_s))
    for frame, cells in zip(frames[1:], runtime.measure(pixels[:-1], pixels[1:]), strict=True):
        field.add(float(frame.time_s), cells)
    length_s, count = float(1 / network.clip.frame_rate), network.clip.n_frames
    factors = np.geomspace(0.25, 2.3 / (count * length_s), 5)
    return np.stack([field.bins(field.start_s, factor * length_s, count) for factor in factors])


def answers(runtime: Runtime, motion: np.ndarray) -> Outputs:
    assert runtime.classify is not None
    return runtime.classify(motion)


@pytest.mark.parametrize("name", list_models())
def test_runtime_and_torch_agree_to_a_thousandth_on_real_video(name: str) -> None:
    network = load_network(name, "onnx")
    weights = runtime_for(load_speednet(name))
    motion, expected = (
        sequences_of_the_bundled_clip(network, runtime) for runtime in (network.runtime, weights)
    )
    np.testing.assert_allclose(motion, expected, atol=1e-3)
    rate = answers(network.runtime, motion).rate
    assert np.ptp(rate[..., 0]) > 0.1  # they differ enough for the comparison to mean something
    np.testing.assert_allclose(rate, answers(weights, motion).rate, atol=1e-3)


@pytest.mark.parametrize("name", list_models())
@pytest.mark.parametrize("shape", [(1, 8, 24), (3, 16, 16)])
def test_runtime_and_torch_agree_at_other_sizes(name: str, shape: tuple[int, ...]) -> None:
    network = load_network(name, "onnx")
    weights = runtime_for(load_speednet(name))
    batch, rows, columns = shape
    motion = np.random.default_rng(0).normal(0, 1, (batch, network.clip.n_frames + 3, 4, rows, columns))
    motion = motion.astype(np.float32)
    expected = answers(weights, motion).rate
    np.testing.assert_allclose(answers(network.runtime, motion).rate, expected, atol=1e-3)


def test_the_shipped_networks_are_small_and_say_where_they_come_from() -> None:
    assert "speednet-small" in list_models()
    for name in list_models():
        network = load_network(name)
        assert (WEIGHTS / f"{name}.onnx").stat().st_size < 20e6
        assert {"recipe", "steps", "films", "speediness"} <= network.document["made_by"].keys()
        assert network.response.within > 0 and network.response.between > 0
        # The faster natural video is played, the faster it looks.
        assert (np.diff(network.response.rates) > 0).all() and (np.diff(network.response.mean) >= 0).all()
        assert np.ptp(network.response.at(np.array([0.0, 1.0]))) > 0.2
        assert network.response.weights.shape == (len(playback_factors()),)
        assert (np.diff(network.response.estimate) >= 0).all()
        assert np.ptp(network.response.estimated(np.array([-1.0, 1.0]))) > 0.4


def test_a_response_is_a_line_between_what_was_measured_and_flat_beyond() -> None:
    rates, mean, estimate = np.array([-1.0, 0.0, 2.0]), np.array([-0.5, 0.0, 1.0]), np.array([-2.0, 0, 4])
    response = Response(rates, mean, 0.3, np.full(11, 0.1), 0.2, estimate, 0.5)
    np.testing.assert_allclose(response.at(np.array([-9.0, -0.5, 1.0, 9.0])), [-0.5, -0.25, 0.5, 1.0])
    np.testing.assert_allclose(response.estimated(np.array([-9.0, -0.5, 1.0, 9.0])), [-2, -1, 2, 4])
    again = Response.from_json(json.loads(json.dumps(response.to_json())))
    for name, value in vars(response).items():
        np.testing.assert_array_equal(getattr(again, name), value)


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"shipped: .*speednet-small"):
        load_network("speednet-huge")
    with pytest.raises(WeightsError, match="cannot read"):
        load_network(tmp_path / "missing.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    with pytest.raises(WeightsError, match="not a network exported by speediness"):
        load_network(tmp_path / "bad.onnx")
