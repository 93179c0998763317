"""ONNX Runtime: in the base install, on any CPU."""

import base64
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from speediness.errors import WeightsError
from speediness.runtime.protocol import Floats, Indices, Outputs, Pixels, Runtime, windows

# Keys of an exported network's metadata, as in speediness.models.export.
DESCRIPTION_KEY, MOTION_KEY, SCENE_KEY = "speediness", "speediness.motion", "speediness.scene"
PLACES_KEY, PHASES_KEY = "speediness.places", "speediness.phases"
SHIPPED_FEATURES = "propagate", "places-lite0.onnx"
OUTPUTS = ("rate", "features", "cam")
PAIRS, BINS = 16, 64  # at once on one core, small enough for its cache

Run = Callable[[dict[str, NDArray]], Sequence[Any]]


class Exported(NamedTuple):
    """What an exported network's file holds besides its weights."""

    description: dict[str, Any]
    motion: str
    """Graph that measures motion, as it travels; empty: the network sees frames."""
    scene: str
    """Graph that sees the scene; empty: the network is told nothing of it."""


def open_runtime(path: Path) -> Runtime:
    """All steps of an exported network."""
    session = _session(str(path))
    pool = _pool()
    return runtime_of(read_exported(path), partial(session.run, list(OUTPUTS)), pool)


def runtime_of(exported: Exported, run: Run, pool: ThreadPoolExecutor | None) -> Runtime:
    """The steps of a network, the last one by ``run``.

    Args:
        exported: what the file says.
        run: named inputs to OUTPUTS.
        pool: runs parts of a batch at once; None: ``run`` uses all cores by itself.
    """
    if not exported.motion:
        return Runtime(classify_clips=lambda clips: _together(pool, run, {"clips": clips}, 1))

    def classify(
        motion_BL4hw: Floats, scene_NKhw: Floats | None = None, scene_BL: Indices | None = None
    ) -> Outputs:
        given: dict[str, NDArray] = {"motion": motion_BL4hw}
        shared: dict[str, NDArray] = {}
        if exported.scene:
            if scene_NKhw is None or scene_BL is None:
                scene_NKhw = np.zeros((1, exported.description["scene_channels"], 1, 1), np.float32)
                scene_BL = np.zeros(motion_BL4hw.shape[:2], np.int64)
            given["scene_of"], shared["scene"] = scene_BL, scene_NKhw
        outputs = _together(pool, run, given, max(1, BINS // motion_BL4hw.shape[1]), shared)
        bins, n_frames = motion_BL4hw.shape[1], exported.description["config"]["clip"]["n_frames"]
        length = min(bins, n_frames) - (bins - outputs.rate.shape[1])
        return outputs._replace(rate=windows(outputs.rate, length))

    see = _open_step(base64.b64decode(exported.scene), ("frames",), 1) if exported.scene else None
    measure = _open_step(base64.b64decode(exported.motion), ("before", "after"), PAIRS)
    return Runtime(measure, classify, see)


def features_file(path: str | os.PathLike[str] | None) -> Path:
    """A file of features of places or moments; None: the one that is shipped.

    Raises:
        WeightsError: missing.
    """
    found = Path(str(files("speediness").joinpath(*SHIPPED_FEATURES))) if path is None else Path(path)
    if not found.is_file():
        raise WeightsError(f"{found} does not exist; give an .onnx file that train wrote")
    return found


def open_features(path: Path) -> Callable[[Pixels], Floats]:
    """RGB frames (N, H, W, 3), sides multiples of 16, to features of places (N, H/8, W/8, D)."""
    return _open_step(str(path), ("frames",), 1)


def _together(
    pool: ThreadPoolExecutor | None,
    run: Run,
    given: dict[str, NDArray],
    size: int,
    shared: dict[str, NDArray] | None = None,
) -> Outputs:
    """Outputs of a batch, ``size`` of it at once on each core."""
    length = len(next(iter(given.values())))
    if pool is None:
        return Outputs(*run(given | (shared or {})))
    parts = [slice(i, i + size) for i in range(0, length, size)]
    outputs = pool.map(
        lambda part: run({name: array[part] for name, array in given.items()} | (shared or {})), parts
    )
    return Outputs(*map(np.concatenate, zip(*outputs, strict=True)))


def _open_step(model: str | bytes, names: Sequence[str], size: int) -> Callable[..., Floats]:
    """A step of one graph, from its file or from the metadata in which it travels."""
    session, pool = _session(model), _pool()

    def step(*arrays: Pixels) -> Floats:
        def run(part: slice) -> Floats:
            (output,) = session.run(None, {n: array[part] for n, array in zip(names, arrays, strict=True)})
            return np.asarray(output)

        parts = (slice(i, i + size) for i in range(0, len(arrays[0]), size))
        return np.concatenate(list(pool.map(run, parts)))

    return step


def read_exported(path: Path) -> Exported:
    """What an exported network says of itself, and its first steps."""
    held = read_metadata(path)
    return Exported(json.loads(held[DESCRIPTION_KEY]), held.get(MOTION_KEY, ""), held.get(SCENE_KEY, ""))


def read_metadata(path: Path) -> dict[str, str]:
    """The texts that travel with a graph."""
    return _session(str(path), optimise=False).get_modelmeta().custom_metadata_map


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _pool() -> ThreadPoolExecutor:
    """A thread a core, each with pairs or windows of its own.

    The runtime's own threads split every operation instead and wait for one another: twice as slow
    for pairs, a fifth slower for windows.
    """
    return ThreadPoolExecutor(cores(), "onnx")


def _session(model: str | bytes, optimise: bool = True) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; exporters leave initialisers that it would warn about
    options.intra_op_num_threads = 1
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
