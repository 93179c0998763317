"""The exported network on ONNX Runtime: what the product runs, without torch."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from speediness.clip import ClipSpec
from speediness.errors import WeightsError

DEFAULT_NETWORK = "speednet-small"

Judge = Callable[[NDArray[np.uint8], NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""(B, T, H, W, C) uint8 clips and (B, T - 1) intervals to logits (B, 2) and flow (B, 2)."""


@dataclass(frozen=True)
class Response:
    """How the calibrated network answers natural film played at each factor (held-out films).

    A histogram rather than a mean: at any factor many films hardly move and look slow, and a few
    look very fast.
    """

    factors: NDArray[np.float64]
    """(R,) ascending playback factors from 1."""
    edges: NDArray[np.float64]
    """(N - 1,) ascending log-odds of sped up between which answers are counted."""
    share: NDArray[np.float64]
    """(R, N) share of the answers that falls between the edges; rows sum to 1, nowhere 0."""


class Network:
    """A SpeedNet ready to judge clips.

    Args:
        path: an ONNX file written by ``speediness.models.export``.

    Raises:
        WeightsError: missing or not such a file.
    """

    def __init__(self, path: Path) -> None:
        try:
            content = path.read_bytes()
            document, self._raw_judge = open_session(content)
            calibration = document["calibration"]
            self.clip = ClipSpec.from_json(document["config"]["clip"])
            self.bias, self.temperature = float(calibration["bias"]), float(calibration["temperature"])
            self.response = Response(**{k: np.array(v) for k, v in calibration["response"].items()})
            self.flow_threshold = float(document["flow_threshold"])
        except OSError as error:
            raise WeightsError(f"cannot read the network {path}: {error.strerror}") from error
        except Exception as error:  # onnxruntime's own errors share no base class
            raise WeightsError(f"{path} is not a network exported by speediness: {error}") from error
        self.document: dict[str, Any] = document
        self.name = path.stem
        self.sha256 = hashlib.sha256(content).hexdigest()

    def judge(
        self, clips_BTHWC: NDArray[np.uint8], intervals_BS: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Calibrated logits (B, 2), normal and sped up, and flow (B, 2), mean and peak.

        Clips are uint8 (B, T, H, W, C) with H and W multiples of 32; intervals (B, T - 1) come
        from :func:`speediness.sampling.played_intervals`.
        """
        logits, flow = self._raw_judge(clips_BTHWC, intervals_BS)
        score_B = (logits[:, 1] - logits[:, 0] - self.bias) / self.temperature
        return np.stack([-score_B / 2, score_B / 2], 1).astype(np.float32), flow


def open_session(content: bytes) -> tuple[dict[str, Any], Judge]:
    """The description inside an exported network, and its answers before calibration."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; exporters leave initialisers that it would warn about
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def judge(
        clips_BTHWC: NDArray[np.uint8], intervals_BS: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        logits, flow = session.run(None, {"clips": clips_BTHWC, "intervals": intervals_BS})
        return np.asarray(logits), np.asarray(flow)

    return json.loads(session.get_modelmeta().custom_metadata_map["speediness"]), judge


def load_network(name_or_path: str | os.PathLike[str] = DEFAULT_NETWORK) -> Network:
    """A network by the name of shipped weights, or by the path of an exported file.

    Raises:
        WeightsError: no such weights; the message lists those that are shipped.
    """
    return Network(find_weights(name_or_path, ".onnx"))


def list_models() -> list[str]:
    """Names of the shipped weights; each is there for the runtime and for torch."""
    return sorted(path.stem for path in _shipped().glob("*.onnx"))


def find_weights(name_or_path: str | os.PathLike[str], suffix: str) -> Path:
    """The file of shipped weights, or the path as it is if it ends in ``suffix``.

    Raises:
        WeightsError: no such weights; the message lists those that are shipped.
    """
    path = Path(name_or_path)
    if path.suffix == suffix:
        return path
    if str(name_or_path) not in list_models():
        known = ", ".join(list_models()) or "none"
        raise WeightsError(
            f"no network named {name_or_path}; shipped: {known}; or give the path of a {suffix} file"
        )
    return _shipped() / f"{name_or_path}{suffix}"


def _shipped() -> Path:
    return Path(str(files("speediness") / "weights"))
