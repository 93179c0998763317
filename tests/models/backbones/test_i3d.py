import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speediness.models.backbones.i3d import I3D, inflate
from speediness.models.backbones.s3dg import BLOCKS

WIDTH = 0.125


def conv(d_in: int, d_out: int, k: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(d_in, d_out, k, stride, k // 2 if stride == 1 else 0, bias=False),
        nn.BatchNorm2d(d_out, eps=1e-3),
        nn.ReLU(),
    )


class Block2D(nn.Module):
    def __init__(self, d_in: int, d: list[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                conv(d_in, d[0], 1),
                nn.Sequential(conv(d_in, d[1], 1), conv(d[1], d[2], 3)),
                nn.Sequential(conv(d_in, d[3], 1), conv(d[3], d[4], 3)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(d_in, d[5], 1)),
            ]
        )

    def forward(self, frame: Tensor) -> Tensor:
        return torch.cat([branch(frame) for branch in self.branches], 1)


class Inception2D(nn.Module):
    """Inception-v1 of frames with the layers named as in I3D."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleDict(
            {
                "1a": conv(3, 8, 7, 2),
                "2a": nn.MaxPool2d(3, 2),
                "2b": conv(8, 8, 1),
                "2c": conv(8, 24, 3),
                "3a": nn.MaxPool2d(3, 2),
            }
        )
        d_in = 24
        for name, channels in BLOCKS.items():
            if name == "4b":
                self.stages["4a"] = nn.MaxPool2d(3, 2)
            if name == "5b":
                self.stages["5a"] = nn.MaxPool2d(2, 2)
            d = [max(4, round(c * WIDTH)) for c in channels]
            self.stages[name] = Block2D(d_in, d)
            d_in = d[0] + d[2] + d[4] + d[5]

    def forward(self, frame: Tensor) -> Tensor:
        for name, stage in self.stages.items():
            if name in ("1a", "2a", "3a", "4a"):  # an even side at a stride of 2: one zero more after it
                frame = F.pad(frame, (2, 3, 2, 3) if name == "1a" else (0, 1, 0, 1))
            frame = stage(frame)
        return frame


def random_inception() -> Inception2D:
    """Nothing in it is at a value that would hide a mistake."""
    torch.manual_seed(0)
    network = Inception2D().eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(std=0.3)
            module.running_var.uniform_(0.5, 2)
    return network


def inflated(network: Inception2D) -> I3D:
    video_network, flat = I3D(width=WIDTH).eval(), network.state_dict()
    state = {
        name: inflate(flat[name], ours.shape[2]) if ours.ndim == 5 else flat[name]
        for name, ours in video_network.state_dict().items()
    }
    video_network.load_state_dict(state)
    return video_network


def test_an_inflated_kernel_is_copies_that_sum_to_the_kernel() -> None:
    kernel = torch.randn(4, 3, 5, 5)
    kernel_3d = inflate(kernel, 7)
    assert kernel_3d.shape == (4, 3, 7, 5, 5)
    for t in range(7):
        torch.testing.assert_close(kernel_3d[:, :, t], kernel / 7)
    torch.testing.assert_close(kernel_3d.sum(2), kernel)


def test_a_boring_video_gets_the_answer_of_its_frame() -> None:
    """Carreira and Zisserman 2017 §2.4, away from the ends, beyond which there are zeros."""
    network = random_inception()
    frame = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        expected = network(frame)
        feats = inflated(network)(frame[:, :, None].expand(-1, -1, 112, -1, -1))
    assert feats.shape == (1, 128, 14, 2, 2) and expected.std() > 0.1
    for t in (6, 7):
        torch.testing.assert_close(feats[:, :, t], expected, rtol=1e-4, atol=1e-4)
    assert (feats[:, :, 0] - expected).abs().max() > 0.1


def test_a_feature_sees_99_frames() -> None:
    """What the boring video's length is chosen by: the seventh of 14 sees frames 1 to 99 of 0 to 111."""
    network = I3D(width=0.0625).eval().double()
    clip = torch.randn(1, 3, 112, 32, 32, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(clip)[:, :, 6].square().sum(), clip)
    seen = gradient.abs().sum((0, 1, 3, 4)).nonzero()[:, 0]
    assert seen.min() > 0 and seen.max() < 111 and seen.max() - seen.min() < 99
