"""Where a network runs: one file an engine, each with ``open_runtime(path) -> Runtime``."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Literal, get_args

from speediness.errors import WeightsError
from speediness.runtime.protocol import Runtime

Engine = Literal["onnx", "openvino", "torch"]

ENGINES: dict[Engine, tuple[str, str, str]] = {
    "onnx": ("speediness.runtime.onnx", "onnxruntime", "speediness"),
    "openvino": ("speediness.runtime.openvino", "openvino", "speediness[openvino]"),
    "torch": ("speediness.models.torch_runtime", "torch", "speediness[train]"),
}
"""The file of each engine, the package it stands on, and what to install for it."""


def choose_engine(name: str = "auto") -> Engine:
    """The engine meant by ``name``.

    Args:
        name: ``onnx``, ``openvino`` or ``torch``; ``auto``: torch where it is installed and finds a
            CUDA GPU, else OpenVINO where it is installed, else ONNX Runtime.

    Raises:
        WeightsError: unknown, or its package is not installed.
    """
    if name == "auto":
        if which("nvidia-smi") and all(map(find_spec, ("torch", "safetensors"))) and _has_cuda():
            return "torch"
        return "openvino" if find_spec("openvino") else "onnx"
    for engine in get_args(Engine):
        if engine == name:
            _, package, extra = ENGINES[engine]
            if not find_spec(package):
                raise WeightsError(f'the engine {name} needs {package}: pip install "{extra}"')
            return engine
    raise WeightsError(f"no engine named {name}; there are auto, {', '.join(get_args(Engine))}")


def _has_cuda() -> bool:
    # By name, so that the base install is seen not to need it.
    return import_module("torch").cuda.is_available()


def open_runtime(engine: Engine, path: Path) -> Runtime:
    """An exported network on an engine, not yet calibrated; the engine's package loads here.

    Raises:
        Exception: of the engine's own kind, where the file is no network.
    """
    # By name, so that nothing the base install lacks is imported before it is asked for.
    return import_module(ENGINES[engine][0]).open_runtime(path)
