"""Weights on disk: safetensors with the network's own description inside; no pickle anywhere."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from speediness.analysis.network import find_weights
from speediness.errors import WeightsError
from speediness.models.encoder import Encoder, EncoderConfig
from speediness.models.speednet import SpeedNet

AnyEncoder = TypeVar("AnyEncoder", bound=Encoder)


def save_network(path: Path, network: Encoder, made_by: dict[str, Any]) -> None:
    """Write weights in float16 with what builds the network, and provenance, in the header."""
    state = {
        name: tensor.half().contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    header = {
        "config": json.dumps(network.config.to_json()),
        "arguments": json.dumps(network.arguments),
        "made_by": json.dumps(made_by),
    }
    partial = path.with_name(path.name + ".partial")
    save_file(state, partial, metadata=header)
    partial.replace(path)


def load_network(path: str | os.PathLike[str], kind: type[AnyEncoder]) -> AnyEncoder:
    """A network from a file of :func:`save_network`, in eval mode and float32.

    Args:
        path: a ``.safetensors`` file.
        kind: class of the network; plain :class:`Encoder` takes what any of them learned to see and
            leaves its head.

    Raises:
        WeightsError: missing, not safetensors, or not of this kind.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        state = {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}
        arguments = {} if kind is Encoder else json.loads(header.get("arguments", "{}"))
        network = kind(EncoderConfig.from_json(json.loads(header["config"])), **arguments)
        if kind is Encoder:
            state = {name: state[name] for name in network.state_dict()}
        network.load_state_dict(state)
    except (OSError, SafetensorError, KeyError, RuntimeError, TypeError) as error:
        raise WeightsError(f"{path} does not hold {kind.__name__} weights: {error}") from error
    return network.eval()


def start_from(network: Encoder, path: str | os.PathLike[str]) -> None:
    """Give a network the backbone of trained weights, whatever its head and theirs.

    Raises:
        WeightsError: missing, not safetensors, or of another backbone.
    """
    trained = load_network(path, Encoder)
    try:
        network.backbone.load_state_dict(trained.backbone.state_dict())
    except RuntimeError as error:
        config = trained.config
        raise WeightsError(
            f"{path} holds a backbone {config.backbone} of width {config.width:g}, another than"
            f" {network.config.backbone} of width {network.config.width:g}; set those"
        ) from error


def load_speednet(name_or_path: str | os.PathLike[str]) -> SpeedNet:
    """A trained network in eval mode and float32.

    Args:
        name_or_path: name of shipped weights (see :func:`speediness.list_models`), or the path of
            a ``.safetensors`` file.

    Raises:
        WeightsError: missing, not safetensors, or not SpeedNet weights.
    """
    return load_network(find_weights(name_or_path, ".safetensors"), SpeedNet)
