"""ONNX Runtime: in the base install, on any CPU."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from speediness.engines.runtime import Floats, Outputs, Pixels, Runtime

DESCRIPTION_KEY, MOTION_KEY = "speediness", "speediness.motion"  # as in speediness.models.export
PAIRS, FRAMES = 16, 64  # at once on one core, small enough for its cache


def open_runtime(path: Path) -> Runtime:
    """Both steps of an exported network."""
    session, pool = _session(str(path)), _pool()
    uses_frames = any(given.name == "clips" for given in session.get_inputs())

    def windows(clips: Pixels | None, flow_grid: Floats, intervals: Floats) -> Outputs:
        def run(part: slice) -> Sequence[Any]:
            given: dict[str, NDArray] = {"cells": flow_grid[part], "intervals": intervals[part]}
            if clips is not None:
                given["clips"] = clips[part]
            return session.run(["logits", "motion", "features", "maps"], given)

        size = max(1, FRAMES // (flow_grid.shape[1] + 1))
        return Outputs(*map(np.concatenate, zip(*_in_parts(pool, run, len(flow_grid), size), strict=True)))

    held = _held(session)
    context = json.loads(held[DESCRIPTION_KEY])["context"]
    return Runtime(open_motion(held[MOTION_KEY]), windows, uses_frames, context)


def open_motion(travelling: str) -> Callable[[Pixels, Pixels], Floats]:
    """The first step, from the graph that travels in an exported network's description."""
    session, pool = _session(base64.b64decode(travelling)), _pool()

    def motion(before_PHWC: Pixels, after_PHWC: Pixels) -> Floats:
        def run(part: slice) -> Sequence[Any]:
            return session.run(None, {"before": before_PHWC[part], "after": after_PHWC[part]})

        (flow_grid,) = zip(*_in_parts(pool, run, len(before_PHWC), PAIRS), strict=True)
        return np.concatenate(flow_grid)

    return motion


def read_description(path: Path) -> tuple[dict[str, Any], str]:
    """What an exported network says of itself, and the graph of its first step as it travels."""
    held = _held(_session(str(path), optimise=False))
    return json.loads(held[DESCRIPTION_KEY]), held[MOTION_KEY]


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _pool() -> ThreadPoolExecutor:
    """A thread a core, each with pairs or windows of its own.

    The runtime's own threads split every operation instead and wait for one another: twice as slow
    for pairs, a fifth slower for windows.
    """
    return ThreadPoolExecutor(cores(), "onnx")


def _in_parts(
    pool: ThreadPoolExecutor, run: Callable[[slice], Sequence[Any]], length: int, size: int
) -> list[Sequence[Any]]:
    return list(pool.map(run, (slice(i, i + size) for i in range(0, length, size))))


def _held(session: onnxruntime.InferenceSession) -> dict[str, str]:
    return session.get_modelmeta().custom_metadata_map


def _session(model: str | bytes, optimise: bool = True) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; exporters leave initialisers that it would warn about
    options.intra_op_num_threads = 1
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
