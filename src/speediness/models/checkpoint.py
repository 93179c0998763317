"""Weights on disk: safetensors with the network's own description inside; no pickle anywhere."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from speediness.analysis.network import find_weights
from speediness.errors import WeightsError
from speediness.models.speednet import SpeedNet, SpeedNetConfig


def save_speednet(path: Path, network: SpeedNet, made_by: dict[str, Any]) -> None:
    """Write weights in float16 with the configuration and provenance in the header."""
    state = {
        name: tensor.half().contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    header = {"config": json.dumps(network.config.to_json()), "made_by": json.dumps(made_by)}
    partial = path.with_name(path.name + ".partial")
    save_file(state, partial, metadata=header)
    partial.replace(path)


def load_speednet(name_or_path: str | os.PathLike[str]) -> SpeedNet:
    """A trained network in eval mode and float32.

    Args:
        name_or_path: name of shipped weights (see :func:`speediness.list_models`), or the path of
            a ``.safetensors`` file written by :func:`save_speednet`.

    Raises:
        WeightsError: missing, not safetensors, or not SpeedNet weights.
    """
    path = find_weights(name_or_path, ".safetensors")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        state = load_file(path)
        network = SpeedNet(SpeedNetConfig.from_json(json.loads(header["config"])))
        network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise WeightsError(f"{path} does not hold SpeedNet weights: {error}") from error
    return network.eval()
