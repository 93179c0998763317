"""Options of every verb that analyses many videos, and what they mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speediness.corpus.analysed_video import AnalysisOptions
    from speediness.corpus.workers import Workers


def add_ray_argument(parser: argparse.ArgumentParser) -> None:
    """Declare where videos are analysed."""
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        nargs="?",
        const="",
        help="analyse videos as tasks of a Ray cluster (without ADDRESS: one on this machine)",
    )


def analysis_options(arguments: argparse.Namespace, windows: bool) -> AnalysisOptions:
    """How videos are analysed, as the arguments say."""
    from speediness.corpus.analysed_video import AnalysisOptions

    return AnalysisOptions(arguments.model, arguments.engine, not arguments.no_cache, windows)


def workers(arguments: argparse.Namespace) -> Workers:
    """Who analyses them.

    Raises:
        DataError: Ray is not installed, or there is no such cluster.
    """
    from speediness.corpus.workers import here, on_ray

    return here if arguments.ray is None else on_ray(arguments.ray or None)
