"""Weights on disk: safetensors with the network's own description inside; no pickle anywhere."""

import json
import os
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from speediness.errors import WeightsError
from speediness.models.encoder import Encoder, EncoderConfig
from speediness.models.speednet import SpeedNet
from speediness.results.documents import written_whole
from speediness.runtime.network import find_weights

AnyEncoder = TypeVar("AnyEncoder", bound=Encoder)


def description(network: Encoder, made_by: dict[str, Any]) -> dict[str, Any]:
    """All that weights say of themselves: which network, what builds it, and provenance."""
    return {
        "network": type(network).__name__,
        "config": network.config.to_json(),
        "arguments": network.arguments,
        "made_by": made_by,
    }


def save_network(path: Path, network: Encoder, made_by: dict[str, Any]) -> None:
    """Write weights in float16 with their :func:`description` in the header.

    Raises:
        OutputError: they cannot be written.
    """
    state = {
        name: tensor.half().contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    header = {key: json.dumps(value) for key, value in description(network, made_by).items()}
    with written_whole(path, "choose another folder", also=SafetensorError) as partial:
        save_file(state, partial, metadata=header)


def load_checkpoint(path: str | os.PathLike[str], kind: type[AnyEncoder]) -> AnyEncoder:
    """A network from a file of :func:`save_network`, in eval mode and float32, with its ``made_by``.

    Args:
        path: a ``.safetensors`` file.
        kind: class of the network; plain :class:`Encoder` takes what any of them learned to see and
            leaves its head.

    Raises:
        WeightsError: missing, not safetensors, or not of this kind.
    """
    header: dict[str, str] = {}
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        state = {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}
        arguments = {} if kind is Encoder else json.loads(header.get("arguments", "{}"))
        network = kind(EncoderConfig.from_json(json.loads(header["config"])), **arguments)
        if kind is Encoder:
            state = {name: state[name] for name in network.state_dict()}
        network.load_state_dict(state)
        network.made_by = json.loads(header.get("made_by", "{}"))
    except (OSError, SafetensorError, KeyError, RuntimeError, TypeError, ValueError) as error:
        saved = header.get("network", "").strip('"')  # older files lack it, as those shipped
        if kind is not Encoder and saved not in ("", kind.__name__):
            why = f"they are of a {saved}"
        else:
            why = " ".join(str(error).split())
        raise WeightsError(f"{path} does not hold {kind.__name__} weights: {why}") from error
    return network.eval()


def network_name(path: str | os.PathLike[str]) -> str:
    """Class of the network in a file of :func:`save_network`; empty if it does not say.

    Raises:
        WeightsError: missing or not safetensors.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads((file.metadata() or {}).get("network", '""'))
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} holds no weights: {error}") from error


def start_from(network: Encoder, path: str | os.PathLike[str]) -> None:
    """Give a network the backbone of trained weights, whatever its head and theirs.

    Raises:
        WeightsError: missing, not safetensors, or of another backbone.
    """
    trained = load_checkpoint(path, Encoder)
    try:
        network.backbone.load_state_dict(trained.backbone.state_dict())
    except RuntimeError as error:
        config = trained.config
        raise WeightsError(
            f"{path} holds a backbone {config.backbone} of width {config.width:g}, another than"
            f" {network.config.backbone} of width {network.config.width:g}; set those"
        ) from error


def load_speednet(name_or_path: str | os.PathLike[str]) -> SpeedNet:
    """A trained network, by the name of shipped weights or a path, in eval mode and float32.

    Raises:
        WeightsError: missing, not safetensors, or not SpeedNet weights.
    """
    return load_checkpoint(find_weights(name_or_path, ".safetensors"), SpeedNet)
