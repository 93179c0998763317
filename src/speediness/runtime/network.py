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
from speediness.errors import WeightsError
from speediness.runtime import choose_engine, open_runtime
from speediness.runtime.onnx import read_exported

DEFAULT_NETWORK = "speednet-small"


@dataclass(frozen=True)
class Response:
    """What the network says of video of a known rate, measured on sources held out.

    A video that plays at rate k and is looked at with factor g is answered as a natural one with factor
    ``k g``; so this holds for every factor. The answers at all factors together give an estimate of the
    rate: a weighted sum, fitted to videos played at known rates.
    """

    rates: NDArray[np.float64]
    """(R,) ascending log2 of the playback rate; 0 is natural."""
    mean: NDArray[np.float64]
    """(R,) ascending: mean of the answers, over sources; between the rates a line."""
    within: float
    """Standard deviation of the answers to the windows of a video around its own mean."""
    weights: NDArray[np.float64]
    """(K,) of the mean answers at :func:`speediness.sampling.playback_factors` in the estimate."""
    bias: float
    """Of the estimate."""
    estimate: NDArray[np.float64]
    """(R,) ascending: mean of the estimates, in octaves; less than the rate, since it is cautious."""
    between: float
    """Standard deviation of videos: how far a video's own estimates lie from those of all."""

    def at(self, rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean answers at other rates; beyond those measured that of the nearest."""
        return np.interp(rates, self.rates, self.mean)

    def estimated(self, rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean estimates at other rates; beyond those measured that of the nearest."""
        return np.interp(rates, self.rates, self.estimate)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Response:
        """Inverse of :meth:`to_json`."""
        values: dict[str, Any] = {k: np.array(v) if isinstance(v, list) else v for k, v in document.items()}
        return cls(**values)


class Network:
    """A SpeedNet ready to classify.

    Attributes:
        name: of the file.
        clip: what it looks at.
        engine: where it runs.
        runtime: its steps.
        response: what its answers are worth.
        flow_threshold: mean motion above which 2x is likelier than 1x, on the videos trained on.
        document: everything the file says of itself.

    Args:
        path: an ONNX file written by ``speediness.models.export``.
        engine: see :func:`speediness.runtime.choose_engine`.

    Raises:
        WeightsError: missing, not such a file, or the engine is not installed.
    """

    def __init__(self, path: Path, engine: str = "auto") -> None:
        self.engine = choose_engine(engine)
        try:
            self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            document = read_exported(path).description
            self.clip = ClipSpec.from_json(document["config"]["clip"])
            self.response = Response.from_json(document["response"])
            self.flow_threshold = float(document["flow_threshold"])
            self.runtime = open_runtime(self.engine, path)
        except OSError as error:
            raise WeightsError(f"cannot read the network {path}: {error.strerror}") from error
        except Exception as error:  # the engines' own errors share no base class
            raise WeightsError(f"{path} is not a network exported by speediness: {error}") from error
        self.document: dict[str, Any] = document
        self.name = path.stem


def load_network(name_or_path: str | os.PathLike[str] = DEFAULT_NETWORK, engine: str = "auto") -> Network:
    """A network by the name of shipped weights (:func:`list_models`), or by the path of an ``.onnx`` file.

    ``engine``: where it runs, see :func:`speediness.runtime.choose_engine`.

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
