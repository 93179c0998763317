"""Which runtime judges a window fastest? ONNX Runtime, OpenVINO and torch side by side in one run.

    pip install "speediness[train]" openvino
    python benchmarks/runtime.py

Rounds alternate between the runtimes, so that what else the machine does hits all alike; the
ratios are of medians. OpenVINO and torch are left out where they are not installed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speediness.analysis.network import DEFAULT_NETWORK, load_network

WINDOWS, ROUNDS = 16, 7
Run = Callable[[NDArray[np.uint8], NDArray[np.float32]], object]


def main() -> None:
    """Measure and print one line a runtime."""
    weights = Path(str(files("speediness") / "weights"))
    network = load_network(DEFAULT_NETWORK)
    runs: dict[str, Run] = {"onnxruntime": network.judge}
    if find_spec("openvino"):
        runs["openvino"] = _openvino(weights / f"{DEFAULT_NETWORK}.onnx")
    if find_spec("torch"):
        runs["torch"] = _torch(weights / f"{DEFAULT_NETWORK}.safetensors")
    clip = network.clip
    rng = np.random.default_rng(0)
    shape = (WINDOWS, clip.n_frames, clip.size_px, clip.size_px // 32 * 32 + 32, clip.channels)
    clips = rng.integers(0, 256, shape, np.uint8)
    intervals = np.ones((WINDOWS, clip.n_frames - 1), np.float32)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run(clips, intervals)
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start_s = time.perf_counter()
            run(clips, intervals)
            seconds[name].append(time.perf_counter() - start_s)
    base = np.median(seconds["onnxruntime"])
    for name, taken in seconds.items():
        middle = np.median(taken)
        print(f"{name:12} {middle / WINDOWS * 1e3:7.1f} ms a window, {middle / base:5.2f} of onnxruntime")


def _openvino(path: Path) -> Run:
    openvino = import_module("openvino")  # by name: not among the project's own dependencies
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(str(path), "CPU", options)
    return lambda clips, intervals: model({"clips": clips, "intervals": intervals})


def _torch(path: Path) -> Run:
    import torch

    from speediness.models.checkpoint import load_speednet

    network = load_speednet(path)

    def run(clips: NDArray[np.uint8], intervals: NDArray[np.float32]) -> object:
        with torch.inference_mode():
            return network(torch.from_numpy(clips), torch.from_numpy(intervals))

    return run


if __name__ == "__main__":
    main()
