import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from speediness.clip import ClipSpec
from speediness.errors import WeightsError
from speediness.models.checkpoint import load_checkpoint, network_name, save_network, start_from
from speediness.models.encoder import Encoder, EncoderConfig
from speediness.models.speednet import SpeedNet

CONFIG = EncoderConfig(ClipSpec(8, size_px=64), "motion", 0.125)
MADE_BY = {"recipe": "small", "steps": 3}


@pytest.fixture
def saved(tmp_path: Path) -> tuple[SpeedNet, Path]:
    torch.manual_seed(0)
    network, path = SpeedNet(CONFIG), tmp_path / "network.safetensors"
    save_network(path, network, MADE_BY)
    return network, path


def test_weights_come_back_as_float16_keeps_them(saved: tuple[SpeedNet, Path]) -> None:
    network, path = saved
    loaded = load_checkpoint(path, SpeedNet)
    assert loaded.config == CONFIG and loaded.made_by == MADE_BY and not loaded.training
    for name, tensor in network.state_dict().items():
        kept = tensor.half().float() if tensor.is_floating_point() else tensor
        assert torch.equal(loaded.state_dict()[name], kept), name
    assert network_name(path) == "SpeedNet"
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # nothing partial is left


def test_a_plain_encoder_leaves_the_head(saved: tuple[SpeedNet, Path]) -> None:
    network, path = saved
    other = SpeedNet(CONFIG)
    start_from(other, path)
    theirs = load_checkpoint(path, Encoder).state_dict()
    assert set(theirs) < set(network.state_dict())
    for name, tensor in other.backbone.state_dict().items():
        assert torch.equal(tensor, theirs[f"backbone.{name}"]), name


def test_a_backbone_of_another_width_is_refused(saved: tuple[SpeedNet, Path]) -> None:
    wider = SpeedNet(EncoderConfig(CONFIG.clip, "motion", 0.25))
    with pytest.raises(WeightsError, match=r"width 0\.125, another than motion of width 0\.25"):
        start_from(wider, saved[1])


def test_what_is_no_weights_is_one_line(saved: tuple[SpeedNet, Path], tmp_path: Path) -> None:
    junk, bare = tmp_path / "junk.safetensors", tmp_path / "bare.safetensors"
    junk.write_bytes(b"no weights")
    save_file({"a": torch.zeros(1)}, bare, metadata={"config": json.dumps(CONFIG.to_json())})
    for path in (junk, bare, tmp_path / "missing.safetensors"):
        with pytest.raises(WeightsError) as caught:
            load_checkpoint(path, SpeedNet)
        assert path.name in str(caught.value) and "\n" not in str(caught.value)
