import itertools
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from speediness.cli.main import main
from speediness.errors import WeightsError
from speediness.models.checkpoint import load_checkpoint
from speediness.models.convert import convert
from speediness.models.encoder import Encoder, EncoderConfig

WIDTH = 1 / 16
CLIPS = torch.randn(2, 3, 16, 32, 32, generator=torch.Generator().manual_seed(0))


class TheirBlock(nn.Module):
    """A residual block as 3D-ResNets-PyTorch and RSPNet write it: the projection comes last."""

    def __init__(self, d_in: int, d: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv3d(d_in, d, 3, stride, 1, bias=False), nn.BatchNorm3d(d)
        self.conv2, self.bn2 = nn.Conv3d(d, d, 3, 1, 1, bias=False), nn.BatchNorm3d(d)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv3d(d_in, d, 1, stride, bias=False), nn.BatchNorm3d(d))

    def forward(self, x: Tensor) -> Tensor:
        beside = x if self.downsample is None else self.downsample(x)
        return (self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())) + beside).relu()


def their_resnet() -> nn.Module:
    d = [4, 8, 16, 32]
    blocks = [TheirBlock(d[0], d[0], 1), TheirBlock(d[0], d[0], 1)]
    for before, after in itertools.pairwise(d):
        blocks += [TheirBlock(before, after, 2), TheirBlock(after, after, 1)]
    stem = nn.Conv3d(3, 4, 7, (1, 2, 2), 3, bias=False)
    layers = [stem, nn.BatchNorm3d(4), nn.ReLU(), nn.MaxPool3d(3, 2, 1), *blocks]
    return nn.Sequential(OrderedDict((f"layer{n}", layer) for n, layer in enumerate(layers)))


def their_c3d() -> nn.Module:
    """As VCOP and RSPNet: its convolutions have a bias, which the norm makes needless."""
    layers: list[nn.Module] = []
    d_in = 3
    for pool, channels in ((0, 4), (1, 8), (2, 16), (0, 16), (2, 32), (0, 32), (2, 32), (0, 32)):
        if pool:
            layers.append(nn.MaxPool3d((pool, 2, 2)))
        layers += [nn.Conv3d(d_in, channels, 3, 1, 1), nn.BatchNorm3d(channels), nn.ReLU()]
        d_in = channels
    return nn.Sequential(*layers)


def used(network: nn.Module) -> nn.Module:
    """With statistics, scales and biases that are none of those of a new network."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            assert module.running_mean is not None and module.running_var is not None
            for tensor in (module.weight, module.running_var):
                nn.init.uniform_(tensor, 0.5, 2)
            for tensor in (module.bias, module.running_mean):
                nn.init.normal_(tensor, std=0.3)
        elif isinstance(module, nn.Conv3d) and module.bias is not None:
            nn.init.normal_(module.bias)
    return network.eval()


def wrapped(network: nn.Module) -> dict[str, object]:
    """As a contrastive run saves it: query and key encoder with their heads, optimizer, epoch."""
    query = {f"module.encoder_q.{name}": tensor for name, tensor in network.state_dict().items()}
    head = {"module.encoder_q.fc.weight": torch.randn(5, 32), "module.encoder_q.fc.bias": torch.randn(5)}
    key = {name.replace("_q", "_k"): torch.zeros_like(tensor) for name, tensor in query.items()}
    return {
        "epoch": 200,
        "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(3)}}},
        "model": OrderedDict({"module.queue": torch.randn(128, 7), **query, **head, **key}),
    }


@pytest.mark.parametrize(("backbone", "theirs"), [("r3d18", their_resnet), ("c3d", their_c3d)])
def test_a_converted_backbone_answers_as_theirs(backbone: str, theirs, tmp_path: Path) -> None:
    network = used(theirs())
    file = tmp_path / "theirs.pth.tar"
    torch.save(wrapped(network), file)
    found = convert(file, EncoderConfig(backbone=backbone, width=WIDTH))
    with torch.no_grad():
        torch.testing.assert_close(found.encoder.backbone(CLIPS), network(CLIPS), atol=1e-5, rtol=1e-4)
    assert found.first.startswith("module.encoder_q.") and found.last.startswith("module.encoder_q.")
    assert "module.encoder_q.fc" in found.left and any("encoder_k" in name for name in found.left)


def test_the_command_writes_weights_that_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network, out = used(their_resnet()), tmp_path / "ours.safetensors"
    torch.save(network.state_dict(), tmp_path / "theirs.pth")
    settings = ["--set", f"width={WIDTH}", "--set", "backbone=r3d18"]
    command = ["convert", str(tmp_path / "theirs.pth"), "finetune_112", "-o", str(out), *settings]
    assert main(command) == 0
    assert "r3d18: 40 layers, from layer0 to " in capsys.readouterr().out
    encoder = load_checkpoint(out, Encoder)
    assert encoder.made_by["converted_from"] == "theirs.pth"
    with torch.no_grad():
        torch.testing.assert_close(encoder.backbone(CLIPS), network(CLIPS), atol=0.02, rtol=0.02)  # float16
    assert main(command) == 2 and "exists" in capsys.readouterr().err


def test_another_backbone_is_refused_with_where_they_part(tmp_path: Path) -> None:
    file = tmp_path / "theirs.pth"
    torch.save(their_c3d().state_dict(), file)
    with pytest.raises(WeightsError, match=r"no backbone r3d18 .* at best 0 of 40 layers agree"):
        convert(file, EncoderConfig(backbone="r3d18", width=WIDTH))
    cut = dict(list(their_resnet().state_dict().items())[:-2])
    torch.save(cut, file)
    with pytest.raises(WeightsError, match=r"at best 39 of 40 layers agree, then it has layer11.bn2"):
        convert(file, EncoderConfig(backbone="r3d18", width=WIDTH))


def test_what_could_run_code_is_refused_and_what_is_no_file_too(tmp_path: Path) -> None:
    file, config = tmp_path / "theirs.pth", EncoderConfig(backbone="c3d", width=WIDTH)
    torch.save({"state_dict": {}, "arguments": Path("x")}, file)
    with pytest.raises(WeightsError, match="more than tensors"):
        convert(file, config)
    file.write_bytes(b"nothing")
    with pytest.raises(WeightsError):
        convert(file, config)
    with pytest.raises(WeightsError, match="cannot read"):
        convert(tmp_path / "missing.pth", config)
