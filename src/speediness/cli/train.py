"""speediness train: train a network by a named recipe."""

from __future__ import annotations

import argparse
import sys
from difflib import get_close_matches
from pathlib import Path

from speediness.errors import SpeedinessError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument("recipe", metavar="RECIPE", help="a name from speediness/training/recipe.py")
    parser.add_argument(
        "--data", metavar="DIR", type=Path, required=True, help="films that play at natural speed"
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="folder of the run, made if missing"
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue the run in --out from its last checkpoint"
    )
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
    from speediness.datasets.video_list import from_folder
    from speediness.training.loop import train
    from speediness.training.publish import publish
    from speediness.training.recipe import RECIPES

    if arguments.recipe not in RECIPES:
        near = get_close_matches(arguments.recipe, RECIPES, 1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(RECIPES)}"
        raise SpeedinessError(f"there is no recipe {arguments.recipe}; {hint}")
    recipe = RECIPES[arguments.recipe]().with_settings(arguments.settings)
    items = from_folder(arguments.data)
    # Decoded films are kept with the run: a resumed run finds them again.
    cache, network = arguments.out / "cache", arguments.out / "network.onnx"
    train(recipe, items, arguments.out, cache, resume=arguments.resume, log=_log)
    publish(arguments.out, items, network, cache, log=_log)
    print(network)
    return 0


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
