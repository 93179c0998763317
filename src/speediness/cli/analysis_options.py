"""Options of every verb that analyses a video, and the analysis itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speediness.analysis.store import ResultStore
    from speediness.curves import SpeedinessCurve
    from speediness.features import MotionFeatures
    from speediness.progress import Bar


def add_analysis_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which network analyses and where it runs."""
    parser.add_argument(
        "--model",
        metavar="NAME",
        default="speednet-small",
        help="shipped network or a .onnx file (default: speednet-small)",
    )
    parser.add_argument(
        "--engine",
        choices=["auto", "openvino", "onnx", "torch"],
        default="auto",
        help="where the network runs (default: torch with a GPU, else openvino if installed, else onnx)",
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="look up no earlier result and keep none (speediness cache)"
    )


def analyse_video(video: Path, arguments: argparse.Namespace, bar: Bar | None = None) -> SpeedinessCurve:
    """Analyse a video as the arguments say, with a progress bar unless another one is given.

    Raises:
        VideoError, WeightsError: as :func:`speediness.analyse`.
    """
    from speediness.analysis.curve import analyse
    from speediness.progress import progress_bar

    with (bar or progress_bar)(f"analysing {video.name}") as progress:
        return analyse(
            video,
            network=arguments.model,
            engine=arguments.engine,
            store=_store(arguments),
            progress=progress,
        )


def features_of(video: Path, arguments: argparse.Namespace) -> MotionFeatures:
    """How things move in a video, with a progress bar.

    Raises:
        VideoError, WeightsError: as :func:`speediness.analyse`.
    """
    from speediness.analysis.curve import embed
    from speediness.progress import progress_bar

    with progress_bar(f"analysing {video.name}") as progress:
        return embed(
            video,
            network=arguments.model,
            engine=arguments.engine,
            store=_store(arguments),
            progress=progress,
        )


def _store(arguments: argparse.Namespace) -> ResultStore | None:
    from speediness.analysis.store import ResultStore

    return None if arguments.no_cache else ResultStore()
