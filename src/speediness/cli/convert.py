"""speediness convert: take a backbone from weights of another project."""

from __future__ import annotations

import argparse
from pathlib import Path

from speediness.cli.analyse import print_outputs
from speediness.cli.outputs import check_folder, check_new
from speediness.cli.train import add_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="weights that torch.save wrote: .pth, .pt, .pth.tar"
    )
    parser.add_argument(
        "recipe",
        metavar="RECIPE",
        help="whose backbone and clips the network gets, such as finetune_112 --set backbone=r2plus1d18",
    )
    parser.add_argument(
        "-o", dest="out", metavar="OUT.safetensors", type=Path, required=True, help="file to write"
    )
    add_settings(parser)
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


def run(arguments: argparse.Namespace) -> int:
    """Convert, and say which layers were taken and which were left."""
    from speediness.models.checkpoint import save_network
    from speediness.models.convert import convert
    from speediness.training.recipe import find_recipe

    config = find_recipe(arguments.recipe, arguments.settings).config
    check_folder(arguments.out.parent, "choose another with -o")
    check_new(arguments.out, arguments.force)
    found = convert(arguments.file, config)
    save_network(arguments.out, found.encoder, found.encoder.made_by)
    print(f"{config.backbone}: {found.taken} layers, from {found.first} to {found.last}")
    if found.left:
        some = ", ".join(found.left[:6]) + (", .." if len(found.left) > 6 else "")
        print(f"left: {len(found.left)} layers, {some}")
    print_outputs({"weights": str(arguments.out)})
    return 0
