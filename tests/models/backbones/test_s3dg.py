import pytest
import torch
from torch import nn

from speediness.models.backbones.layers import BN_MOMENTUM
from speediness.models.backbones.s3dg import S3DG, Gates, SelfGating, SeparableConv
from speediness.models.cost import count_macs


def trace(network: S3DG, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    feats = torch.zeros(shape, device="meta")
    for name, stage in network.to("meta").stages.items():
        feats = stage(feats)
        shapes[name] = tuple(feats.shape[1:])
    return shapes


def test_the_full_network_has_the_published_size() -> None:
    network = S3DG()
    assert sum(p.numel() for p in network.parameters()) == 9_129_376  # 9.13 M
    assert network.feature_dim == 1024


def test_the_full_network_costs_41_8_g_multiply_adds_on_16_frames_of_224() -> None:
    assert count_macs(S3DG(), (1, 3, 16, 224, 224)) / 1e9 == pytest.approx(41.8, abs=0.05)


def test_every_stage_of_the_paper_network_keeps_all_frames() -> None:
    shapes = trace(S3DG().eval(), (1, 3, 16, 64, 64))
    assert shapes == {
        "1a": (64, 16, 32, 32),
        "2a": (64, 16, 16, 16),
        "2b": (64, 16, 16, 16),
        "2c": (192, 16, 16, 16),
        "3a": (192, 16, 8, 8),
        "3b": (256, 16, 8, 8),
        "3c": (480, 16, 8, 8),
        "4a": (480, 16, 4, 4),
        "4b": (512, 16, 4, 4),
        "4c": (512, 16, 4, 4),
        "4d": (512, 16, 4, 4),
        "4e": (528, 16, 4, 4),
        "4f": (832, 16, 4, 4),
        "5a": (832, 16, 2, 2),
        "5b": (832, 16, 2, 2),
        "5c": (1024, 16, 2, 2),
    }


def test_started_as_the_slim_code_it_treats_every_frame_alone() -> None:
    torch.manual_seed(0)
    network = S3DG(width=0.125, slim_start=True)
    for separable in (m for m in network.modules() if isinstance(m, SeparableConv)):
        space, over_time = (next(half.children()) for half in separable)
        assert isinstance(space, nn.Conv3d) and isinstance(over_time, nn.Conv3d)
        weight = space.weight.detach()
        assert 0.007 < float(weight.std()) < 0.01 and float(weight.abs().max()) <= 0.02
        feats = torch.randn(2, over_time.in_channels, 5, 3, 3)
        torch.testing.assert_close(over_time(feats), feats)


@pytest.mark.parametrize("t", [7, 16, 30])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96)])
def test_t_frames_give_t_by_n_over_32_by_n_over_32(t: int, height: int, width: int) -> None:
    with torch.inference_mode():
        feats = S3DG(5, width=0.125).eval()(torch.zeros(2, 5, t, height, width))
    assert feats.shape == (2, 128, t, height // 32, width // 32)


def test_the_original_strides_divide_time_by_eight() -> None:
    with torch.inference_mode():
        feats = S3DG(width=0.0625, temporal_strides=(2, 2, 2)).eval()(torch.zeros(1, 3, 64, 32, 32))
    assert feats.shape[2:] == (8, 1, 1)


def test_width_scales_every_stage() -> None:
    quarter = trace(S3DG(width=0.25).eval(), (1, 3, 4, 32, 32))
    full = trace(S3DG().eval(), (1, 3, 4, 32, 32))
    assert {name: shape[0] * 4 for name, shape in quarter.items()} == {n: s[0] for n, s in full.items()}


def test_batch_norm_forgets_its_start_within_a_short_run() -> None:
    """The authors' decay of 0.999 would leave 37 % of the initial statistics after 1000 steps."""
    norms = [m for m in S3DG(width=0.0625).modules() if isinstance(m, nn.BatchNorm3d)]
    assert norms and all(norm.momentum == BN_MOMENTUM for norm in norms)
    assert (1 - BN_MOMENTUM) ** 100 < 1e-4


@pytest.mark.parametrize("gates", ["all", "separable"])
def test_gates_start_half_open(gates: Gates) -> None:
    """Whatever the features, within reason: the gates' weights are small."""
    found = [m for m in S3DG(width=0.25, gates=gates).modules() if isinstance(m, SelfGating)]
    assert len(found) == {"all": 1 + 4 * 9, "separable": 2 + 2 * 9}[gates]
    for gate in found:
        assert gate.conv.weight.abs().max() < 0.06
        feats = torch.rand(1, gate.conv.in_channels, 2, 2, 2)
        torch.testing.assert_close(gate(feats), feats / 2, rtol=0.1, atol=0)
