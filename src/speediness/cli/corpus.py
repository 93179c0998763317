"""Options of every verb that watches many films, and what they mean."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speediness.corpus.watching import Watching
    from speediness.corpus.workers import Workers


def add_ray_argument(parser: argparse.ArgumentParser) -> None:
    """Declare where films are watched."""
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        nargs="?",
        const="",
        help="watch films as tasks of a Ray cluster (without ADDRESS: one on this machine)",
    )


def watching(arguments: argparse.Namespace, windows: bool) -> Watching:
    """How films are watched, as the arguments say."""
    from speediness.corpus.watching import Watching

    return Watching(arguments.model, arguments.engine, arguments.exact, not arguments.no_cache, windows)


def workers(arguments: argparse.Namespace) -> Workers:
    """Who watches them.

    Raises:
        DataError: Ray is not installed, or there is no such cluster.
    """
    from speediness.corpus.workers import here, on_ray

    return here if arguments.ray is None else on_ray(arguments.ray or None)
