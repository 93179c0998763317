"""speediness probe: measure what frozen features tell of actions."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from speediness.cli.terminal import console, print_json
from speediness.cli.train import cache_bytes
from speediness.errors import SpeedinessError

if TYPE_CHECKING:
    from speediness.models.encoder import Encoder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument(
        "weights", metavar="WEIGHTS", help="a .safetensors file, the name of shipped weights, or random"
    )
    parser.add_argument(
        "--data",
        metavar="DATA",
        required=True,
        help="videos with labels: ucf101:ROOT, hmdb51:ROOT, or a manifest CSV with the column label",
    )
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, required=True, help="folder of decoded videos, made if missing"
    )
    parser.add_argument(
        "--recipe", metavar="NAME", help="with random: the recipe whose network is taken, untrained"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of a random start (default: 0)")
    parser.add_argument(
        "--protocol",
        choices=["clean", "released"],
        default="clean",
        help="of retrieval: clean, centre crops and the maximum over space; released, as the code of"
        " RSPNet: random crops in the gallery and the mean over space (default: clean)",
    )
    parser.add_argument("--cache-size", metavar="GB", type=float, help="most that --cache may take")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    from speediness.datasets import find_videos
    from speediness.evaluation.probes import probe

    encoder = _encoder(arguments)
    train_items, test_items = (find_videos(arguments.data, split) for split in ("train", "test"))
    document = probe(
        encoder,
        train_items,
        test_items,
        arguments.cache,
        _log,
        protocol=arguments.protocol,
        cache_bytes=cache_bytes(arguments),
    )
    if arguments.json:
        print_json(document)
    else:
        _print(document)
    return 0


def _encoder(arguments: argparse.Namespace) -> Encoder:
    import torch

    from speediness.analysis.network import find_weights
    from speediness.models.checkpoint import load_checkpoint
    from speediness.models.encoder import Encoder
    from speediness.training.recipe import find_recipe

    if arguments.weights != "random":
        return load_checkpoint(find_weights(arguments.weights, ".safetensors"), Encoder).for_inference()
    if arguments.recipe is None:
        raise SpeedinessError("random: say of which network, with --recipe NAME")
    torch.manual_seed(arguments.seed)
    return Encoder(find_recipe(arguments.recipe, []).config).for_inference()


def _print(document: dict[str, Any]) -> None:
    out = console()
    for name, title in (("linear", "linear probe"), ("neighbours", "10 nearest neighbours")):
        low, high = document[name]["interval_95"]
        out.print(f"{title}: {document[name]['accuracy']:.1%} ({100 * low:.1f} to {100 * high:.1f})")
    recalls = "  ".join(f"R@{k} {share:.1%}" for k, share in document["recall"].items())
    out.print(f"retrieval, {document['protocol']} protocol: {recalls}")


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
