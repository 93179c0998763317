"""What a network can tell in time, measured on noise: facts of its shape, whatever its weights."""

# T frames, H W frame size, C channels

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor

from speediness.models.recogniser import Recogniser

SAME = 1e-8
"""Two answers are the same if they differ by no more than this share of what two noises differ by."""


@dataclass(frozen=True)
class TimeSense:
    """Whether an answer depends on these things."""

    order: bool
    """Frames in another order give another answer."""
    direction: bool
    """A video and its reverse give different answers."""
    frames: int
    """Frames whose exchange for another changes the answer."""
    still: bool
    """Videos of one still image each, of different images, give different answers: it sees what is
    there, and not motion alone."""


@torch.inference_mode()
def time_sense(network: Recogniser) -> TimeSense:
    """Measure what a network's answer depends on.

    An exact property of the network's shape shows with any weights, so random ones will do. What
    follows the stem is computed in double precision. The network is left as it is.
    """
    network = deepcopy(network).cpu().eval()
    network.backbone.double().register_forward_pre_hook(
        lambda module, inputs: tuple(None if each is None else each.double() for each in inputs)
    )
    network.classifier.double()
    clip = network.config.clip
    draw = torch.Generator().manual_seed(0)
    shape = (2, clip.n_frames, clip.size_px, clip.size_px, clip.channels)
    clips = torch.randint(0, 256, shape, generator=draw, dtype=torch.uint8)
    video, other = clips
    stills = clips[:, :1].expand(shape)

    def answer(one_THWC: Tensor) -> Tensor:
        return network(one_THWC[None])[0]

    said = answer(video)
    scale = float((answer(other) - said).abs().max())

    def differs(changed: Tensor, before: Tensor = said) -> bool:
        return float((answer(changed) - before).abs().max()) > SAME * scale

    def exchanged(t: int) -> Tensor:
        return torch.cat([video[:t], other[t : t + 1], video[t + 1 :]])

    return TimeSense(
        order=differs(video[torch.randperm(clip.n_frames, generator=draw)]),
        direction=differs(video.flip(0)),
        frames=sum(differs(exchanged(t)) for t in range(clip.n_frames)),
        still=differs(stills[1], answer(stills[0])),
    )
