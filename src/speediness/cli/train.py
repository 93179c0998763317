"""speediness train: train a network by a named recipe."""

from __future__ import annotations

import argparse
import sys
from itertools import chain
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument("recipe", metavar="RECIPE", help="a name from speediness/training/recipe.py")
    parser.add_argument(
        "--data",
        metavar="DATA",
        required=True,
        action="append",
        help="videos at natural speed: a folder, a manifest, or NAME:ROOT of speediness data list; given"
        " again: more to train on, none of which is held out",
    )
    add_run_arguments(parser)
    parser.add_argument(
        "--resident",
        action="store_true",
        help="hold all videos in memory; on a GPU they are held there whenever they fit",
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where a run goes, what changes its recipe, and what bounds it."""
    parser.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="folder of the run, made if missing"
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue the run in --out from its last checkpoint"
    )
    add_settings(parser)
    parser.add_argument(
        "--minutes",
        metavar="M",
        type=float,
        help="end the training after M minutes, those before a resume counted in, if its steps take longer",
    )
    parser.add_argument(
        "--cache-size",
        metavar="GB",
        type=float,
        help="most that decoded videos may take on disk (default: as much as they need)",
    )


def cache_bytes(arguments: argparse.Namespace) -> int | None:
    """What ``--cache-size`` says; None: as much as there is."""
    return None if arguments.cache_size is None else round(arguments.cache_size * 1e9)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Declare ``--set``, which changes a recipe; its values are ``settings``."""
    parser.add_argument(
        "--set",
        dest="settings",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="change one setting",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train, and say where the weights are."""
    from speediness.datasets import find_videos
    from speediness.training.loop import train
    from speediness.training.processes import is_first_process
    from speediness.training.publish import publish
    from speediness.training.recipe import find_recipe

    recipe = find_recipe(arguments.recipe, arguments.settings)
    items, *others = (find_videos(where, "train") for where in arguments.data)
    more = list(chain.from_iterable(others))
    # Decoded videos are kept with the run: a resumed run finds them again.
    cache, network = arguments.out / "cache", arguments.out / "network.safetensors"
    most_bytes = cache_bytes(arguments)
    train(
        recipe,
        items,
        arguments.out,
        cache,
        resume=arguments.resume,
        log=_log,
        minutes=arguments.minutes,
        cache_bytes=most_bytes,
        resident=arguments.resident,
        more=more,
    )
    if is_first_process():
        made = publish(arguments.out, items, network, cache, log=_log, cache_bytes=most_bytes, more=more)
        _log("  ".join(f"{name} {value:.3f}" for name, value in made["validation"].items()))
        onnx = network.with_suffix(".onnx")
        print(onnx if onnx.exists() else network)
    return 0


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
