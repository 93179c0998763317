"""OpenVINO: an optional install, faster on x86 CPUs."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np

from speediness.engines.judge import Answers, Floats, Judge, Pixels
from speediness.engines.onnx import open_motion, read_description


def open_judge(path: Path) -> Judge:
    """Both steps of an exported network.

    The windows are judged in whatever the processor does fastest, bfloat16 where it has it.
    Displacements come from differences of nearly equal pictures and need single precision, in which
    ONNX Runtime is as fast.
    """
    document, travelling = read_description(path)
    core = import_module("openvino").Core()  # by name: checked without it too
    windows_model = core.compile_model(core.read_model(str(path)), "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    sees_pictures = any(given.any_name == "clips" for given in windows_model.inputs)

    def windows(clips: Pixels | None, cells: Floats, intervals: Floats) -> Answers:
        given = {"cells": cells, "intervals": intervals}
        answers = windows_model(given | ({"clips": clips} if sees_pictures else {}))
        return Answers(*(np.array(answers[name]) for name in ("logits", "motion", "features", "maps")))

    return Judge(open_motion(travelling), windows, sees_pictures, document["context"])
