"""What each of the lecture's networks can and cannot see in time, exactly."""

from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

from speediness.clip import ClipSpec
from speediness.models.backbones.non_local import NonLocalBlock, NonLocalC2D
from speediness.models.backbones.space_time_attention import SpaceTimeAttention
from speediness.models.backbones.stems import FLOW, FlowStem
from speediness.models.backbones.two_stream import TemporalStream
from speediness.models.encoder import EncoderConfig
from speediness.models.recogniser import Recogniser
from speediness.models.time_sense import TimeSense, time_sense

BLIND = TimeSense(order=False, direction=False, frames=16, still=True)
SEES = TimeSense(order=True, direction=True, frames=16, still=True)
EXPECTED = {
    "single_frame": BLIND,
    "late_pooling": BLIND,
    "multiresolution": BLIND,
    "lite0": BLIND,
    "late_fusion": TimeSense(order=True, direction=True, frames=2, still=True),
    "early_fusion": SEES,
    "slow_fusion": TimeSense(order=True, direction=True, frames=14, still=True),
    "c3d": SEES,
    "i3d": SEES,
    "inflated_lite0": SEES,
    "lrcn": SEES,
    "space_time_attention": SEES,
    # Every fifth frame has a stack of flow; ten of sixteen have room for one after them.
    "spatial_stream": TimeSense(order=True, direction=True, frames=2, still=True),
    # Two stacks of ten fields that begin five frames apart show the motion between frames 0 and 15.
    "temporal_stream": TimeSense(order=True, direction=True, frames=16, still=False),
    "two_stream": SEES,
    "two_stream_i3d": SEES,
    # conv1 strides over time with kernels of one frame.
    "non_local": TimeSense(order=True, direction=True, frames=8, still=True),
}


def recogniser(name: str, size_px: int = 64) -> Recogniser:
    torch.manual_seed(0)
    width = 0.02 if name == "non_local" else 0.0625
    network = Recogniser(EncoderConfig(ClipSpec(16, Fraction(8), size_px, 3), name, width), ["a", "b"])
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):  # nothing is left at a value that would hide a mistake
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
    return network.eval()


def noise(n_frames: int = 16, side: int = 64) -> Tensor:
    draw = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (1, n_frames, side, side, 3), generator=draw, dtype=torch.uint8)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_a_network_sees_in_time(name: str) -> None:
    assert time_sense(recogniser(name)) == EXPECTED[name]


def test_averaged_probabilities_are_the_mean_of_every_frame_alone() -> None:
    network = recogniser("single_frame")
    clip = noise()
    with torch.inference_mode():
        together = network(clip)[0].softmax(1)
        frames = (clip[:, t : t + 1].expand(-1, 16, -1, -1, -1) for t in range(16))
        alone = [network(frame)[0].softmax(1) for frame in frames]
    torch.testing.assert_close(together, torch.stack(alone).mean(0), rtol=1e-5, atol=1e-6)


def test_pooled_features_are_another_network_than_averaged_probabilities() -> None:
    single, pooled = recogniser("single_frame"), recogniser("late_pooling")
    pooled.load_state_dict(single.state_dict())
    with torch.inference_mode():
        one, other = (network(noise())[0].softmax(1) for network in (single, pooled))
    assert (one - other).abs().max() > 1e-4


def test_an_lstm_knows_nothing_of_what_comes_later() -> None:
    network = recogniser("lrcn")
    clips = noise().repeat(2, 1, 1, 1, 1)
    clips[1, 9:] = 255 - clips[1, 9:]
    with torch.inference_mode():
        before, after = network.encode(clips)
    torch.testing.assert_close(before[:, :9], after[:, :9], rtol=1e-5, atol=1e-6)
    assert all((before[:, t] - after[:, t]).abs().max() > 1e-4 for t in range(9, 16))


def test_the_streams_of_two_resolutions_see_what_they_should() -> None:
    network = recogniser("multiresolution").backbone.double()
    clip = torch.randn(1, 3, 1, 64, 64, dtype=torch.float64)
    outside, within = clip.clone(), clip.clone()
    outside[..., :8, :] += 1  # far from the middle 32 x 32
    # A chequered change within the middle, which vanishes in the mean of 2 x 2 pixels.
    chequers = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64).repeat(16, 16)
    within[..., 16:48, 16:48] += chequers
    with torch.inference_mode():
        context, fovea = network(clip).chunk(2, 1)
        context_outside, fovea_outside = network(outside).chunk(2, 1)
        context_within, fovea_within = network(within).chunk(2, 1)
    torch.testing.assert_close(fovea_outside, fovea, rtol=0, atol=0)
    torch.testing.assert_close(context_within, context, rtol=1e-9, atol=1e-9)
    assert (context_outside - context).abs().max() > 1e-6 and (fovea_within - fovea).abs().max() > 1e-6


def test_the_temporal_stream_does_not_see_a_camera_that_pans() -> None:
    """Simonyan and Zisserman 2014, section 3.1: the mean vector of every field is taken away."""
    torch.manual_seed(0)
    stream = TemporalStream(width=0.0625).double().eval()
    clip = torch.randn(1, 5, 16, 64, 64, dtype=torch.float64)
    panned = clip.clone()
    panned[:, FLOW] += torch.randn(1, 2, 16, 1, 1, dtype=torch.float64)  # another vector in every field
    appearance = clip.clone()
    appearance[:, :3] = 0
    moved = clip.clone()
    moved[:, FLOW, :, :32] += 1
    with torch.inference_mode():
        expected = stream(clip)
        torch.testing.assert_close(stream(panned), expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(stream(appearance), expected, rtol=0, atol=0)
        assert (stream(moved) - expected).abs().max() > 1e-3


def test_flow_points_where_a_texture_slides() -> None:
    draw = torch.Generator().manual_seed(2)
    coarse = torch.rand(1, 1, 12, 12, generator=draw)
    texture = 255 * nn.functional.interpolate(coarse, size=(96, 96), mode="bicubic").clamp(0, 1)
    frames = [texture[..., 16:80, 16 - t : 80 - t] for t in range(4)]  # to the right by a pixel a frame
    clip = torch.stack(frames, 1).permute(0, 1, 3, 4, 2).round().to(torch.uint8)
    flow_2THW = FlowStem().measure(clip)[0]
    middle = flow_2THW[:, :, 16:-16, 16:-16]
    assert middle[0].mean() == pytest.approx(1, abs=0.1) and middle[1].abs().mean() < 0.1
    torch.testing.assert_close(flow_2THW[:, 3], flow_2THW[:, 2], rtol=0, atol=0)


def test_a_non_local_block_starts_as_the_identity() -> None:
    torch.manual_seed(0)
    block, maps = NonLocalBlock(6).eval(), torch.randn(2, 6, 3, 5, 4)
    with torch.inference_mode():
        torch.testing.assert_close(block(maps), maps, rtol=0, atol=0)
        nn.init.ones_(block.norm.weight)
        assert (block(maps) - maps).abs().max() > 1e-3


def test_a_non_local_block_is_the_sum_written_out() -> None:
    """Equation 1 with the embedded Gaussian, place by place."""
    torch.manual_seed(0)
    block = NonLocalBlock(4).double().eval()
    nn.init.ones_(block.norm.weight)
    maps = torch.randn(1, 4, 2, 4, 4, dtype=torch.float64)
    with torch.inference_mode():
        found = block(maps)
        pooled = nn.functional.max_pool3d(maps, (1, 2, 2))
        theta, phi, g = block.theta(maps)[0], block.phi(pooled)[0].flatten(1), block.g(pooled)[0].flatten(1)
        for t, y, x in ((0, 0, 0), (1, 3, 2)):
            weights = [torch.exp(theta[:, t, y, x] @ phi[:, j] / 2**0.5) for j in range(phi.shape[1])]
            mean = sum(w * g[:, j] for j, w in enumerate(weights)) / sum(weights)
            assert isinstance(mean, Tensor)
            out = block.norm(block.out(mean.view(1, 2, 1, 1, 1)))[0, :, 0, 0, 0]
            torch.testing.assert_close(found[0, :, t, y, x], maps[0, :, t, y, x] + out)


@pytest.mark.parametrize("kind", ["non_local", "space_time_attention"])
def test_attention_without_positions_cannot_tell_the_order_of_frames(kind: str) -> None:
    torch.manual_seed(0)
    if kind == "non_local":
        network: nn.Module = NonLocalC2D(width=0.02, temporal_strides=(1, 1, 1))
        for module in network.modules():
            if isinstance(module, NonLocalBlock):
                nn.init.ones_(module.norm.weight)
    else:
        attention = SpaceTimeAttention(width=0.0625, depth=2, n_frames=6)
        nn.init.zeros_(attention.when_DT)
        network = attention
    network = network.double().eval()
    clip, order = torch.randn(1, 3, 6, 64, 64, dtype=torch.float64), torch.randperm(6)
    with torch.inference_mode():
        torch.testing.assert_close(network(clip[:, :, order]), network(clip)[:, :, order])
        one_other = clip.clone()
        one_other[:, :, 5] += 1  # each frame does look at the others
        assert (network(one_other)[:, :, 0] - network(clip)[:, :, 0]).abs().max() > 1e-6
