"""``speediness train``."""

from itertools import chain
from typing import Annotated

from cyclopts import Parameter

from speediness.cli.options import RunOptions, to_bytes
from speediness.cli.terminal import log


def train(
    recipe: str,
    /,
    *,
    data: Annotated[list[str], Parameter(metavar="DATA", consume_multiple=False)],
    run: RunOptions,
    resident: bool = False,
) -> None:
    """Train a network by a named recipe, and say where the weights are.

    Args:
        recipe: a name from speediness/training/recipes.py
        data: videos at natural speed: a folder, a manifest or NAME:ROOT; given again: more, all trained on
        resident: hold all videos in memory; on a GPU they are held there whenever they fit
    """
    from speediness.datasets import find_videos
    from speediness.training.loop import train
    from speediness.training.processes import is_first_process
    from speediness.training.publish import publish
    from speediness.training.recipes import find_recipe

    plan = find_recipe(recipe, run.settings)
    items, *others = (find_videos(where, "train") for where in data)
    more = list(chain.from_iterable(others))
    # Decoded videos are kept with the run: a resumed run finds them again.
    cache, network, most_bytes = (
        run.out / "cache",
        run.out / "network.safetensors",
        to_bytes(run.cache_size),
    )
    train(
        plan,
        items,
        run.out,
        cache,
        resume=run.resume,
        log=log,
        minutes=run.minutes,
        cache_bytes=most_bytes,
        resident=resident,
        more=more,
    )
    if is_first_process():
        made = publish([run.out], items, network, cache, log=log, cache_bytes=most_bytes, more=more)
        log("  ".join(f"{name} {value:.3f}" for name, value in made["validation"].items()))
        onnx = network.with_suffix(".onnx")
        print(onnx if onnx.exists() else network)
