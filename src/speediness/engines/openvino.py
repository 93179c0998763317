"""OpenVINO: an optional install, faster on x86 CPUs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino

from speediness.engines.judge import Answers, Floats, Judge, Pixels
from speediness.engines.onnx import read_description


def open_judge(path: Path) -> Judge:
    """Both steps of an exported network.

    Displacements come from differences of nearly equal pictures and need single precision; the
    windows are judged in whatever the processor does fastest, bfloat16 where it has it.
    """
    _, motion_graph = read_description(path)
    core = openvino.Core()
    windows_model = core.compile_model(core.read_model(str(path)), "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    motion_model = core.compile_model(
        core.read_model(motion_graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    sees_pictures = any(given.any_name == "clips" for given in windows_model.inputs)

    def motion(before_PHWC: Pixels, after_PHWC: Pixels) -> Floats:
        return np.array(motion_model({"before": before_PHWC, "after": after_PHWC})[0])

    def windows(clips: Pixels | None, cells: Floats, intervals: Floats) -> Answers:
        given = {"cells": cells, "intervals": intervals}
        answers = windows_model(given | ({"clips": clips} if sees_pictures else {}))
        return np.array(answers["logits"]), np.array(answers["motion"]), np.array(answers["maps"])

    return Judge(motion, windows, sees_pictures)
