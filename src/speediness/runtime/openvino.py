"""OpenVINO: an optional install, faster on x86 CPUs."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speediness.runtime.onnx import OUTPUTS, read_exported, runtime_of
from speediness.runtime.protocol import Runtime


def open_runtime(path: Path) -> Runtime:
    """All steps of an exported network.

    The windows are classified in whatever the processor does fastest, bfloat16 where it has it.
    Displacements come from differences of nearly equal frames and need single precision, in which
    ONNX Runtime is as fast.
    """
    core = import_module("openvino").Core()  # by name: checked without it too
    model = core.compile_model(core.read_model(str(path)), "CPU", {"PERFORMANCE_HINT": "LATENCY"})

    def run(given: dict[str, NDArray]) -> Sequence[Any]:
        outputs = model(given)
        return [np.array(outputs[name]) for name in OUTPUTS]

    return runtime_of(read_exported(path), run, None)
