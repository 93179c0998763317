"""A trained network as ONNX: one file with both steps, clip specification, calibration and provenance."""

from __future__ import annotations

import base64
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxscript import optimizer
from torch import nn
from torch.export import Dim

from speediness.models.motion import CELL_PX
from speediness.models.speednet import SpeedNet

OPSET = 20  # GridSample as torch means it
MOTION_KEY = "speediness.motion"


def export_onnx(network: SpeedNet, path: Path) -> None:
    """Write the network for the runtimes; batch, frames, height and width stay free.

    The graph in the file scores the windows of sequences (:meth:`SpeedNet.score_windows`); the one that
    measures pairs of frames (:attr:`SpeedNet.motion`) has no weights and travels in the description, so
    that a network stays one file and is always run on the motion it was trained on.

    Args:
        network: in any mode; exported in eval mode.
        path: target; weights and configuration are inside the file.
    """
    network = network.eval().cpu()
    clip = network.config.clip
    # Sizes unlike any constant of the network, so that none is taken for one.
    batch, pairs, height, width = 3, clip.n_frames, clip.size_px + 32, clip.size_px + 64
    unit = clip.unit_px
    least, most = 32 // unit, 2048 // unit
    rows, columns = Dim("rows", min=least, max=most), Dim("columns", min=least, max=most)
    # No sequence is shorter than a window, and a backbone with strides in time needs its length.
    free = {"batch": Dim("batch"), "pairs": Dim("pairs", min=max(clip.n_frames - 1, 2), max=1023)}

    frame_sizes = {0: free["batch"], 1: unit * rows, 2: unit * columns}
    # Two tensors: one given twice would be exported as one input.
    before = torch.zeros(batch, height, width, clip.channels, dtype=torch.uint8)
    after = torch.zeros_like(before)
    motion = _graph(
        network.motion, {"before": (before, frame_sizes), "after": (after, frame_sizes)}, ["cells"]
    )

    flow_grid = torch.zeros(batch, pairs, 4, height // CELL_PX, width // CELL_PX)
    cell_sizes = {3: unit // CELL_PX * rows, 4: unit // CELL_PX * columns}
    windows = {0: free["batch"], 1: free["pairs"]}
    scored = {"cells": (flow_grid, windows | cell_sizes), "intervals": (torch.ones(batch, pairs), windows)}
    if network.stem.uses_frames:
        clips = torch.zeros(batch, pairs + 1, height, width, clip.channels, dtype=torch.uint8)
        sizes = {0: free["batch"], 1: free["pairs"] + 1, 2: unit * rows, 3: unit * columns}
        scored["clips"] = (clips, sizes)
    model = _graph(_WindowGraph(network).eval(), scored, ["logits", "motion", "features", "maps"])
    travelling = base64.b64encode(motion.SerializeToString()).decode("ascii")
    _save(model, path, {"config": network.config.to_json(), "context": network.context}, travelling)


def describe(path: Path, document: dict[str, Any]) -> None:
    """Add calibration and provenance to the description inside an exported network."""
    model = onnx.load(path)
    held = {prop.key: prop.value for prop in model.metadata_props}
    _save(model, path, {**json.loads(held["speediness"]), **document}, held[MOTION_KEY])


def _graph(
    module: nn.Module, inputs: dict[str, tuple[torch.Tensor, dict[int, Any]]], outputs: list[str]
) -> onnx.ModelProto:
    with _exporter_silent():
        program = torch.onnx.export(
            module,
            tuple(example for example, _ in inputs.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes=tuple(sizes for _, sizes in inputs.values()),
            verbose=False,
        )
    assert program is not None
    model = optimizer.optimize(program.model_proto)
    # The exporter notes the source line of every node, with the paths of the machine it ran on.
    graph = model.graph
    for part in (graph, *graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    return model


@contextmanager
def _exporter_silent() -> Iterator[None]:
    """Its warnings are of packages that are not needed, and of its own deprecations."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _save(model: onnx.ModelProto, path: Path, document: dict[str, Any], motion: str) -> None:
    onnx.helper.set_model_props(model, {"speediness": json.dumps(document), MOTION_KEY: motion})
    partial = path.with_name(path.name + ".partial")
    onnx.save(model, partial)
    partial.replace(path)


class _WindowGraph(nn.Module):
    """The second step as a forward pass; only a backbone of frames is given the clips."""

    def __init__(self, network: SpeedNet) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, flow_grid: torch.Tensor, intervals: torch.Tensor, clips: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, ...]:
        return self.network.score_windows(clips, flow_grid, intervals)
