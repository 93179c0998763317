"""A trained network as ONNX: one file with its clip specification, calibration and provenance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxscript import optimizer
from torch import nn

from speediness.models.speednet import SpeedNet

OPSET = 20  # GridSample as torch means it


def export_onnx(network: SpeedNet, path: Path) -> None:
    """Write the network for the runtime; batch, frames, height and width stay free.

    Args:
        network: in any mode; exported in eval mode.
        path: target; weights and configuration are inside the file.
    """
    network = network.eval().cpu()
    clip = network.config.clip
    # Sizes unlike any constant of the network, so that none is taken for one.
    clips = torch.zeros(
        3, clip.n_frames + 1, clip.size_px + 32, clip.size_px + 64, clip.channels, dtype=torch.uint8
    )
    intervals = torch.ones(3, clip.n_frames)
    batch, frames = torch.export.Dim("batch"), torch.export.Dim("frames", min=3, max=1024)
    height, width = torch.export.Dim("height", min=1, max=64), torch.export.Dim("width", min=1, max=64)
    program = torch.onnx.export(
        _Exported(network),
        (clips, intervals),
        dynamo=True,
        opset_version=OPSET,
        input_names=["clips", "intervals"],
        output_names=["logits", "motion"],
        dynamic_shapes=({0: batch, 1: frames, 2: 32 * height, 3: 32 * width}, {0: batch, 1: frames - 1}),
        verbose=False,
    )
    assert program is not None
    model = optimizer.optimize(program.model_proto)
    _save(model, path, {"config": network.config.to_json()})


def describe(path: Path, document: dict[str, Any]) -> None:
    """Add calibration and provenance to the description inside an exported network."""
    model = onnx.load(path)
    (known,) = (json.loads(prop.value) for prop in model.metadata_props if prop.key == "speediness")
    _save(model, path, {**known, **document})


def _save(model: onnx.ModelProto, path: Path, document: dict[str, Any]) -> None:
    # The exporter notes the source line of every node, with the paths of the machine it ran on.
    graph = model.graph
    for part in (graph, *graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    onnx.helper.set_model_props(model, {"speediness": json.dumps(document)})
    partial = path.with_name(path.name + ".partial")
    onnx.save(model, partial)
    partial.replace(path)


class _Exported(nn.Module):
    """The forward pass with contiguous inputs: memory formats mean nothing outside torch."""

    def __init__(self, network: SpeedNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, clips: torch.Tensor, intervals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.network(clips, intervals)
