"""speediness finetune: train a network to recognise actions, and test it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from speediness.cli.analyse import print_outputs
from speediness.cli.terminal import console, print_json
from speediness.cli.train import add_run_arguments, cache_bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument(
        "recipe", metavar="RECIPE", help="finetune_small, finetune_112 or finetune_s3dg, or another recipe"
    )
    parser.add_argument(
        "--data",
        metavar="DATA",
        required=True,
        help="videos with labels: ucf101:ROOT, hmdb51:ROOT, or a manifest CSV with the column label",
    )
    parser.add_argument(
        "--init",
        metavar="WEIGHTS",
        help="trained weights (.safetensors) to start from, with their backbone (default: a random start)",
    )
    add_run_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Train, test, print."""
    from speediness.datasets import find_videos
    from speediness.training.finetune import finetune, with_classes
    from speediness.training.processes import is_first_process
    from speediness.training.recipe import find_recipe, like_weights

    train_items, test_items = (find_videos(arguments.data, split) for split in ("train", "test"))
    recipe = find_recipe(arguments.recipe, [])
    if arguments.init:
        recipe = like_weights(recipe, Path(arguments.init))
    recipe = with_classes(recipe.with_settings(arguments.settings), train_items)
    out = arguments.out
    document = finetune(
        recipe,
        train_items,
        test_items,
        out,
        out / "cache",
        _log,
        resume=arguments.resume,
        minutes=arguments.minutes,
        cache_bytes=cache_bytes(arguments),
    )
    if not is_first_process():
        return 0
    names = {"weights": "network.safetensors", "test": "test.json", "confusion": "confusion.png"}
    outputs = {kind: str(out / name) for kind, name in names.items()}
    if arguments.json:
        print_json(document | {"outputs": outputs})
        return 0
    low, high = document["interval_95"]
    out_console = console()
    out_console.print(
        f"{document['accuracy']:.1%} of {len(document['films'])} test videos recognised"
        f" (95 % interval {100 * low:.1f} to {100 * high:.1f})\n"
    )
    _print_classes(document)
    print_outputs(outputs)
    return 0


def _print_classes(document: dict) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("class", "videos", "right", "most often taken for"):
        table.add_column(column, justify="left" if column[0] in "cm" else "right")
    classes = document["classes"]
    for k, (name, row) in enumerate(zip(classes, document["confusion"], strict=True)):
        others = [count if n != k else 0 for n, count in enumerate(row)]
        taken = classes[others.index(max(others))] if max(others) else ""
        share = f"{row[k] / sum(row):.0%}" if sum(row) else ""
        table.add_row(name, str(sum(row)), share, taken)
    console().print(table)


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
