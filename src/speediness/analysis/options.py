"""How a video is analysed: the one value that travels from a command through the analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from speediness.results.store import ResultStore
    from speediness.runtime.network import Network

Engine = Literal["auto", "openvino", "onnx", "torch"]


@dataclass(frozen=True)
class AnalysisOptions:
    """Which network analyses, where it runs, and whether results are kept."""

    model: str = "speednet-small"
    """shipped network or a .onnx file"""
    engine: Engine = "auto"
    """where the network runs; auto: torch with a GPU, else openvino if installed, else onnx"""
    no_cache: bool = False
    """look up no earlier result and keep none (speediness cache)"""

    def network(self) -> Network:
        """Load the network.

        Raises:
            WeightsError: no such network or engine.
        """
        from speediness.runtime.network import load_network

        return load_network(self.model, self.engine)

    def store(self) -> ResultStore | None:
        """Where results are looked up and kept; None: nowhere."""
        from speediness.results.store import ResultStore

        return None if self.no_cache else ResultStore()
