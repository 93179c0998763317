"""``speediness probe``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from speediness.cli.options import CacheSize, Json, LabelledVideos, to_bytes
from speediness.cli.terminal import console, log, print_json
from speediness.errors import SpeedinessError

if TYPE_CHECKING:
    from speediness.models.encoder import Encoder


def probe(
    weights: str,
    /,
    *,
    data: LabelledVideos,
    cache: Annotated[Path, Parameter(metavar="DIR")],
    recipe: Annotated[str | None, Parameter(metavar="NAME")] = None,
    seed: int = 0,
    protocol: Literal["clean", "released"] = "clean",
    cache_size: CacheSize = None,
    json: Json = False,
) -> None:
    """Measure what frozen features tell of actions.

    Args:
        weights: a .safetensors file, the name of shipped weights, or random
        cache: folder of decoded videos, made if missing
        recipe: with random: the recipe whose network is taken, untrained
        seed: of a random start
        protocol: clean: centre crops and the maximum over space; released: as RSPNet's code
    """
    from speediness.datasets import find_videos
    from speediness.evaluation.probes import probe

    encoder = _encoder(weights, recipe, seed)
    train_items, test_items = (find_videos(data, split) for split in ("train", "test"))
    document = probe(
        encoder, train_items, test_items, cache, log, protocol=protocol, cache_bytes=to_bytes(cache_size)
    )
    if json:
        print_json(document)
    else:
        _print(document)


def _encoder(weights: str, recipe: str | None, seed: int) -> Encoder:
    import torch

    from speediness.models.checkpoint import load_checkpoint
    from speediness.models.encoder import Encoder
    from speediness.runtime.network import find_weights
    from speediness.training.recipes import find_recipe

    if weights != "random":
        return load_checkpoint(find_weights(weights, ".safetensors"), Encoder).for_inference()
    if recipe is None:
        raise SpeedinessError("random: say of which network, with --recipe NAME")
    torch.manual_seed(seed)
    return Encoder(find_recipe(recipe, []).config).for_inference()


def _print(document: dict[str, Any]) -> None:
    out = console()
    for name, title in (("linear", "linear probe"), ("neighbours", "10 nearest neighbours")):
        low, high = document[name]["interval_95"]
        out.print(f"{title}: {document[name]['accuracy']:.1%} ({100 * low:.1f} to {100 * high:.1f})")
    recalls = "  ".join(f"R@{k} {share:.1%}" for k, share in document["recall"].items())
    out.print(f"retrieval, {document['protocol']} protocol: {recalls}")
