"""A trained network as ONNX: one file with all steps, clip specification, calibration and provenance."""

import base64
import copy
import json
import logging
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import torch
from onnxscript import optimizer
from torch import Tensor, nn
from torch.export import Dim

from speediness.models.backbones.motion_net import SCENE_CHANNELS
from speediness.models.motion import MotionCells
from speediness.models.scene import SceneNet, features, trunk
from speediness.models.speednet import SpeedNet
from speediness.results.documents import written_whole

Example = tuple[Tensor, dict[int, Any]]
"""An input, and which of its sides are free."""

OPSET = 20  # GridSample as torch means it
DESCRIPTION_KEY, MOTION_KEY, SCENE_KEY = "speediness", "speediness.motion", "speediness.scene"
EXAMPLES = {"places": ((2, 96, 128, 3), 16), "phases": ((3, 2, 96, 160, 3), 32)}
"""By what features are of, frames to export them with, and what their sides are multiples of."""
OUTPUTS = ["rate", "features", "cam"]
LARGE = 1024  # numbers from which a tensor is stored in half precision


def export_onnx(network: SpeedNet, path: Path) -> None:
    """Write the network, in evaluation mode, for the runtimes; batch, bins, height and width stay free.

    The graph in the file classifies clips, or the bins of motion. Those that measure motion
    (:attr:`SpeedNet.motion`) and see the scene (:attr:`SpeedNet.scene`) travel in its metadata, so that a
    network stays one file and is always run on what it was trained on. Weights of the scene are stored in
    half precision.
    """
    network = network.eval().cpu()
    description: dict[str, Any] = {"config": network.config.to_json(), "margin": network.margin}
    if network.stem.sees_frames:
        graph, travelling = _clips_graph(network), {}
    else:
        clip = network.config.clip
        graph = _motion_graph(network)
        travelling = {MOTION_KEY: _measuring_graph(clip.size_px, clip.unit_px)}
        if network.scene is not None:
            travelling[SCENE_KEY] = _scene_graph(network.scene)
            description["scene_channels"] = SCENE_CHANNELS
    texts = {key: base64.b64encode(m.SerializeToString()).decode("ascii") for key, m in travelling.items()}
    _save(graph, path, {DESCRIPTION_KEY: json.dumps(description)} | texts)


def export_features(
    network: nn.Module,
    method: Callable[[Tensor], Tensor],
    path: Path,
    what: Literal["places", "phases"],
    document: dict[str, Any],
) -> None:
    """Write features for label propagation or for alignment, large tensors in half precision.

    Args:
        network: of the method.
        method: of places: uint8 RGB frames (N, H, W, 3) to features (N, H/8, W/8, D) of length 1. Of
            phases: moments (N, 2, H, W, 3), the second frame a moment's own, to features (N, E).
        path: target.
        what: which of both.
        document: plain values: ``short_side_px`` of the frames that features are to be taken from;
            ``affinity``, fields of AffinitySettings, of places; ``context_s``, how long before a moment its
            first frame is, of phases; ``made_by``, provenance.
    """
    shape, unit_px = EXAMPLES[what]
    height = len(shape) - 3
    rows, columns = (Dim(name, min=2, max=2048 // unit_px) for name in ("rows", "columns"))
    sizes = {0: Dim("frames"), height: unit_px * rows, height + 1: unit_px * columns}
    frames = torch.zeros(shape, dtype=torch.uint8)
    graph = _halved(_graph(network.cpu(), method, {"frames": (frames, sizes)}, [what]))
    _save(graph, path, {f"{DESCRIPTION_KEY}.{what}": json.dumps(document)})


def describe(path: Path, document: dict[str, Any]) -> None:
    """Add calibration and provenance to the description inside an exported network."""
    model = onnx.load(path)
    held = {prop.key: prop.value for prop in model.metadata_props}
    _save(model, path, held | {DESCRIPTION_KEY: json.dumps(json.loads(held[DESCRIPTION_KEY]) | document)})


# Example sizes are unlike any constant of the network, so that none is taken for one.


def _clips_graph(network: SpeedNet) -> onnx.ModelProto:
    clip, rows, columns = network.config.clip, *_sides(network.config.clip.unit_px)
    size = (3, clip.n_frames, clip.size_px + 32, clip.size_px + 64, clip.channels)
    free = {0: Dim("batch"), 2: clip.unit_px * rows, 3: clip.unit_px * columns}
    clips = torch.zeros(size, dtype=torch.uint8)
    return _graph(network, network.classify_clips, {"clips": (clips, free)}, OUTPUTS)


def _motion_graph(network: SpeedNet) -> onnx.ModelProto:
    rows, columns, batch = Dim("rows", min=2, max=256), Dim("columns", min=2, max=256), Dim("batch")
    bins = Dim("bins", min=2 * network.margin + 2, max=4096)
    length = network.config.clip.n_frames + 3
    inputs: dict[str, Example] = {
        "motion": (torch.zeros(3, length, 4, 18, 22), {0: batch, 1: bins, 3: 2 * rows, 4: 2 * columns})
    }
    if network.scene is not None:
        scene = {0: Dim("frames"), 2: Dim("scene_rows", max=256), 3: Dim("scene_columns", max=256)}
        inputs["scene"] = (torch.zeros(5, SCENE_CHANNELS, 7, 11), scene)
        inputs["scene_of"] = (torch.zeros(3, length, dtype=torch.int64), {0: batch, 1: bins})
    return _graph(network, network.classify_bins, inputs, OUTPUTS)


@cache
def _measuring_graph(size_px: int, unit_px: int) -> onnx.ModelProto:
    """It has no weights, and takes half a minute: once a process is enough."""
    rows, columns = _sides(unit_px)
    sizes = {0: Dim("pairs"), 1: unit_px * rows, 2: unit_px * columns}
    # Two tensors: one given twice would be exported as one input.
    before = torch.zeros(3, size_px + 32, size_px + 64, 1, dtype=torch.uint8)
    after = torch.zeros_like(before)
    inputs: dict[str, Example] = {"before": (before, sizes), "after": (after, sizes)}
    cells = MotionCells()
    return _graph(cells, cells.forward, inputs, ["cells"], rewritten=False)


def _scene_graph(scene: SceneNet) -> onnx.ModelProto:
    rows, columns = Dim("rows", max=64), Dim("columns", max=64)
    frames = torch.zeros(2, 224, 288, 3, dtype=torch.uint8)
    sizes = {0: Dim("frames"), 1: 32 * rows, 2: 32 * columns}
    see = _See(scene)
    return _halved(_graph(see, see.forward, {"frames": (frames, sizes)}, ["scene"]))


def _sides(unit_px: int) -> tuple[Any, Any]:
    rows, columns = (
        Dim(name, min=max(32 // unit_px, 2), max=2048 // unit_px) for name in ("rows", "columns")
    )
    return rows, columns


def _halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its large tensors stored in half precision, and cast when it is opened."""
    graph = model.graph
    large = [
        t for t in graph.initializer if t.data_type == onnx.TensorProto.FLOAT and math.prod(t.dims) > LARGE
    ]
    casts = []
    for tensor in large:
        values = onnx.numpy_helper.to_array(tensor).astype(np.float16)
        stored = onnx.numpy_helper.from_array(values, f"{tensor.name}.half")
        casts.append(onnx.helper.make_node("Cast", [stored.name], [tensor.name], to=onnx.TensorProto.FLOAT))
        graph.initializer.append(stored)
    kept = [tensor for tensor in graph.initializer if tensor not in large]
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    return model


def _graph(
    network: nn.Module,
    method: Callable[..., Any],
    inputs: dict[str, Example],
    outputs: list[str],
    rewritten: bool = True,
) -> onnx.ModelProto:
    """A method of a network as a graph; ``rewritten`` by patterns, which are looked for at every node."""
    with _exporter_silent():
        program = torch.onnx.export(
            _Method(network, method).eval(),
            tuple(example for example, _ in inputs.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes=(tuple(sizes for _, sizes in inputs.values()),),
            optimize=False,
            verbose=False,
        )
    assert program is not None
    if rewritten:
        optimizer.optimize(program.model)
    else:
        optimizer.fold_constants(program.model)
        optimizer.remove_unused_nodes(program.model)
    model = program.model_proto
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


def _save(model: onnx.ModelProto, path: Path, texts: dict[str, str]) -> None:
    onnx.helper.set_model_props(model, texts)
    with written_whole(path) as partial:
        onnx.save(model, partial)


class _Method(nn.Module):
    """A method of a network as a forward pass."""

    def __init__(self, network: nn.Module, method: Callable[..., Any]) -> None:
        super().__init__()
        self.network, self.method = network, method

    def forward(self, *inputs: Tensor) -> Any:
        return self.method(*inputs)


class _See(nn.Module):
    """The scene with the ImageNet network as part of the graph."""

    def __init__(self, scene: SceneNet) -> None:
        super().__init__()
        self.scene, self.trunk = scene, copy.deepcopy(trunk())
        self.trunk.classifier = nn.Linear(1, 1)  # not needed, a fifth of the weights

    def forward(self, frames: Tensor) -> Tensor:
        return self.scene.project(features(self.trunk, frames))
