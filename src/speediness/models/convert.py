"""Backbones trained elsewhere: their layers are matched to ours by order and shape, not by name.

Every project names its layers anew, wraps them (``module.``, ``encoder_q.``) and adds heads, but all
list them in the order in which the clip passes them. So the layers of a backbone are looked for as an
unbroken stretch of the file, and no table of names is needed. Where ours looks at frames and theirs
at images, their kernels are inflated (:func:`speediness.models.backbones.i3d.inflate`).
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from speediness.errors import WeightsError
from speediness.models.backbones.i3d import inflate
from speediness.models.encoder import Encoder, EncoderConfig

COUNTER = "num_batches_tracked"  # of a batch norm; says nothing of what it does


@dataclass(frozen=True)
class Layer:
    """A convolution, norm or linear layer of a state dict."""

    name: str
    tensors: dict[str, Tensor]
    """``weight``, ``bias``, ``running_mean``, ``running_var``: those it has."""
    before_norm: bool = False

    def fits(self, ours: Layer) -> bool:
        """Whether its tensors can be those of ours; before a norm it may have a bias that ours lacks."""
        more = self.tensors.keys() - ours.tensors.keys()
        return (not more or (more == {"bias"} and ours.before_norm)) and all(
            name in self.tensors and self.tensors[name].shape in (tensor.shape, _flat(tensor))
            for name, tensor in ours.tensors.items()
        )


@dataclass(frozen=True)
class Converted:
    """A network with the backbone found in a file."""

    encoder: Encoder
    """In evaluation mode; ``made_by`` names the file."""
    first: str
    """Layers taken, as the file calls them."""
    last: str
    taken: int
    left: list[str]
    """Layers of the same state dict that were not taken: heads, other encoders."""


def convert(path: str | os.PathLike[str], config: EncoderConfig) -> Converted:
    """Make a network of ours from weights of another project.

    A bias of a convolution that has none here is taken from the mean of the batch norm that follows,
    which is the same to the last digits. What the file does not say must be known: ours sees RGB
    normalised by the mean and deviation of ImageNet, at the frame rate and size of ``config``.

    Args:
        path: what ``torch.save`` wrote; read without running any code in it. (A ``.safetensors`` file
            does not keep the order of its tensors.)
        config: backbone, width and clips of the network.

    Raises:
        WeightsError: unreadable, holds objects other than tensors, or has no such backbone in it; says
            how far the layers agreed.
    """
    encoder = Encoder(config)
    ours = _layers(encoder.backbone.state_dict())
    best = -1, "nothing", _described(ours[0])  # layers that agreed, and the two at which it ended
    for state in _states(_read(path)):
        theirs = _layers(state)
        for start in range(len(theirs)):
            pairs = zip(theirs[start:], ours, strict=False)
            agreed = len(list(takewhile(lambda pair: pair[0].fits(pair[1]), pairs)))
            if agreed == len(ours):
                stretch = theirs[start : start + agreed]
                encoder.backbone.load_state_dict(_renamed(stretch, ours), strict=False)
                encoder.made_by = {"converted_from": Path(path).name, "layers": stretch[0].name}
                left = [layer.name for layer in theirs[:start] + theirs[start + agreed :]]
                return Converted(encoder.eval(), stretch[0].name, stretch[-1].name, agreed, left)
            if agreed > best[0]:
                ended = _described(theirs[start + agreed]) if start + agreed < len(theirs) else "nothing"
                best = agreed, ended, _described(ours[agreed])
    agreed, found, wanted = best
    raise WeightsError(
        f"{path} has no backbone {config.backbone} of width {config.width:g} in it: at best"
        f" {max(agreed, 0)} of {len(ours)} layers agree, then it has {found} where {wanted} is needed;"
        " set another backbone"
    )


def _read(path: str | os.PathLike[str]) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} is no file of weights or holds more than tensors, and nothing else is read, since it"
            " could run code; where you trust it, save its state dict alone:"
            " torch.save(torch.load(FILE, weights_only=False)['state_dict'], NEW)"
        ) from error
    except (OSError, RuntimeError, EOFError) as error:
        raise WeightsError(f"cannot read {path}: {' '.join(str(error).split())}") from error


def _states(document: Any) -> Iterator[dict[str, Tensor]]:
    """All state dicts in nested dictionaries, the outer ones first."""
    if not isinstance(document, Mapping):
        return
    tensors = {name: value for name, value in document.items() if isinstance(value, Tensor)}
    if tensors and all(isinstance(name, str) for name in tensors):
        yield tensors
    for value in document.values():
        yield from _states(value)


def _layers(state: Mapping[str, Tensor]) -> list[Layer]:
    """The layers of a state dict in their order."""
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        layer, _, part = name.rpartition(".")
        if part != COUNTER:
            layers.setdefault(layer, {})[part] = tensor
    norms = ["running_mean" in tensors for tensors in layers.values()]
    following = zip(layers.items(), [*norms[1:], False], strict=True)
    return [Layer(name, tensors, before_norm) for (name, tensors), before_norm in following]


def _renamed(theirs: list[Layer], ours: list[Layer]) -> dict[str, Tensor]:
    """The state dict of our layers, with the tensors of theirs."""
    state: dict[str, Tensor] = {}
    bias: Tensor | None = None
    for layer, mine in zip(theirs, ours, strict=True):
        tensors = dict(layer.tensors)
        if bias is not None:
            tensors["running_mean"] = tensors["running_mean"] - bias
            bias = None
        if "bias" not in mine.tensors:
            bias = tensors.pop("bias", None)
        if "weight" in mine.tensors and tensors["weight"].shape != mine.tensors["weight"].shape:
            tensors["weight"] = inflate(tensors["weight"], mine.tensors["weight"].shape[2])
        state |= {f"{mine.name}.{part}": tensor for part, tensor in tensors.items()}
    return state


def _flat(kernel: Tensor) -> torch.Size:
    """Shape of the 2D kernel that a 3D one may be inflated from; of others their own."""
    return kernel.shape[:2] + kernel.shape[3:] if kernel.ndim == 5 else kernel.shape


def _described(layer: Layer) -> str:
    sizes = (f"{part} {'x'.join(map(str, tensor.shape))}" for part, tensor in layer.tensors.items())
    return f"{layer.name} ({', '.join(sizes)})"
