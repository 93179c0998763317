"""The exported network and what it says of itself: what the product runs, without torch."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speediness.clip import ClipSpec
from speediness.engines import choose_engine, open_runtime
from speediness.engines.onnx import read_description
from speediness.errors import WeightsError

DEFAULT_NETWORK = "speednet-small"


@dataclass(frozen=True)
class Response:
    """How the calibrated network answers natural video played at each factor (held-out videos).

    A histogram rather than a mean: at any factor many videos hardly move and look slow, and a few
    look very fast.
    """

    factors: NDArray[np.float64]
    """(R,) ascending playback factors from 1."""
    edges: NDArray[np.float64]
    """(N - 1,) ascending log-odds of sped up between which answers are counted."""
    share: NDArray[np.float64]
    """(R, N) share of the answers that falls between the edges; rows sum to 1, nowhere 0."""


class Network:
    """A SpeedNet ready to score clips.

    Attributes:
        name: of the file.
        clip: what it looks at.
        engine: where it runs.
        runtime: its two steps, calibrated.
        document: everything the file says of itself.

    Args:
        path: an ONNX file written by ``speediness.models.export``.
        engine: see :func:`speediness.engines.choose_engine`.

    Raises:
        WeightsError: missing, not such a file, or the engine is not installed.
    """

    def __init__(self, path: Path, engine: str = "auto") -> None:
        self.engine = choose_engine(engine)
        try:
            self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            document, _ = read_description(path)
            calibration = document["calibration"]
            self.clip = ClipSpec.from_json(document["config"]["clip"])
            self.bias, self.temperature = float(calibration["bias"]), float(calibration["temperature"])
            self.response = Response(**{k: np.array(v) for k, v in calibration["response"].items()})
            self.flow_threshold = float(document["flow_threshold"])
            self.runtime = open_runtime(self.engine, path).calibrated(
                self.bias, self.temperature, float(calibration["context_bias"])
            )
        except OSError as error:
            raise WeightsError(f"cannot read the network {path}: {error.strerror}") from error
        except Exception as error:  # the engines' own errors share no base class
            raise WeightsError(f"{path} is not a network exported by speediness: {error}") from error
        self.document: dict[str, Any] = document
        self.name = path.stem


def load_network(name_or_path: str | os.PathLike[str] = DEFAULT_NETWORK, engine: str = "auto") -> Network:
    """A network by the name of shipped weights, or by the path of an exported file.

    Args:
        name_or_path: a name from :func:`list_models`, or an ``.onnx`` file.
        engine: where it runs, see :func:`speediness.engines.choose_engine`.

    Raises:
        WeightsError: no such weights (the message lists those that are shipped), or no such engine.
    """
    return Network(find_weights(name_or_path, ".onnx"), engine)


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
