"""What a network that sees motion is told of the scene: features of a single frame, reduced to a few.

Motion alone does not say what moves nor how large it is. An ImageNet network looks at a frame a second;
the principal components of its last maps, over the videos trained on, are what the network is told.
"""

# N frames, H W frame size, K components, F features of the ImageNet network

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from speediness.models.backbones.efficientnet import FEATURES, EfficientNetLite0, imagenet
from speediness.models.backbones.motion_net import SCENE_CHANNELS
from speediness.models.backbones.stems import normalised


class SceneNet(nn.Module):
    """RGB frames (N, H, W, 3), uint8, sides multiples of 32, to components (N, K, H/32, W/32).

    Attributes:
        weight: (K, F) of the projection, to variance 1 over the videos trained on.
        bias: (K,)
    """

    weight: Tensor
    bias: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(SCENE_CHANNELS, FEATURES))
        self.register_buffer("bias", torch.zeros(SCENE_CHANNELS))

    def forward(self, frames_NHWC: Tensor) -> Tensor:
        """See the class."""
        return self.project(features(trunk(), frames_NHWC))

    def project(self, features_NFhw: Tensor) -> Tensor:
        """The components (N, K, h, w) of features of the ImageNet network."""
        return torch.einsum("kf,nfhw->nkhw", self.weight, features_NFhw) + self.bias[:, None, None]

    def fit(self, samples_MF: NDArray[np.float32]) -> None:
        """Take the principal components of features sampled over places and videos."""
        mean_F = samples_MF.mean(0)
        centred_MF = samples_MF - mean_F
        variances, directions = np.linalg.eigh(centred_MF.T @ centred_MF / len(samples_MF))
        largest = np.argsort(variances)[::-1][:SCENE_CHANNELS]
        weight = directions.T[largest] / np.sqrt(np.maximum(variances[largest], 1e-6))[:, None]
        self.weight.copy_(torch.from_numpy(weight))
        self.bias.copy_(torch.from_numpy(-weight @ mean_F))


@cache
def trunk() -> EfficientNetLite0:
    """The ImageNet network, loaded once; its weights are not part of a network's own file."""
    return imagenet().requires_grad_(False)


def features(network: EfficientNetLite0, frames_NHWC: Tensor) -> Tensor:
    """uint8 RGB frames (N, H, W, 3) to the last maps (N, F, H/32, W/32)."""
    return network(normalised(frames_NHWC))
