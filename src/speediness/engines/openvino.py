"""OpenVINO: an optional install, faster on x86 CPUs."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np

from speediness.engines.onnx import open_motion, read_description
from speediness.engines.runtime import Floats, Outputs, Pixels, Runtime


def open_runtime(path: Path) -> Runtime:
    """Both steps of an exported network.

    The windows are scored in whatever the processor does fastest, bfloat16 where it has it.
    Displacements come from differences of nearly equal frames and need single precision, in which
    ONNX Runtime is as fast.
    """
    document, travelling = read_description(path)
    core = import_module("openvino").Core()  # by name: checked without it too
    windows_model = core.compile_model(core.read_model(str(path)), "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    uses_frames = any(given.any_name == "clips" for given in windows_model.inputs)

    def windows(clips: Pixels | None, flow_grid: Floats, intervals: Floats) -> Outputs:
        given = {"cells": flow_grid, "intervals": intervals}
        outputs = windows_model(given | ({"clips": clips} if uses_frames else {}))
        return Outputs(*(np.array(outputs[name]) for name in ("logits", "motion", "features", "maps")))

    return Runtime(open_motion(travelling), windows, uses_frames, document["context"])
