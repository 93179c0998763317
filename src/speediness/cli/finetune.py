"""``speediness finetune``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from speediness.cli.options import Json, LabelledVideos, RunOptions, to_bytes
from speediness.cli.terminal import console, log, print_json, print_outputs, print_table


def finetune(
    recipe: str,
    /,
    *,
    data: LabelledVideos,
    init: Annotated[Path | None, Parameter(metavar="WEIGHTS")] = None,
    run: RunOptions,
    json: Json = False,
) -> None:
    """Train a network to recognise actions, and test it.

    Args:
        recipe: finetune_small, finetune_112 or finetune_s3dg, or another recipe
        init: trained weights (.safetensors) to start from, with their backbone (default: a random start)
    """
    from speediness.datasets import find_videos
    from speediness.training.finetune import finetune, with_classes
    from speediness.training.processes import is_first_process
    from speediness.training.recipe import like_weights
    from speediness.training.recipes import find_recipe

    train_items, test_items = (find_videos(data, split) for split in ("train", "test"))
    plan = find_recipe(recipe, [])
    if init:
        plan = like_weights(plan, init)
    plan = with_classes(plan.with_settings(run.settings), train_items)
    document = finetune(
        plan,
        train_items,
        test_items,
        run.out,
        run.out / "cache",
        log,
        resume=run.resume,
        minutes=run.minutes,
        cache_bytes=to_bytes(run.cache_size),
    )
    if not is_first_process():
        return
    names = {"weights": "network.safetensors", "test": "test.json", "confusion": "confusion.png"}
    outputs = {kind: str(run.out / name) for kind, name in names.items()}
    if json:
        print_json(document | {"outputs": outputs})
        return
    low, high = document["interval_95"]
    console().print(
        f"{document['accuracy']:.1%} of {len(document['films'])} test videos recognised"
        f" (95 % interval {100 * low:.1f} to {100 * high:.1f})\n"
    )
    _print_classes(document)
    print_outputs(outputs)


def _print_classes(document: dict) -> None:
    rows, classes = [], document["classes"]
    for k, (name, row) in enumerate(zip(classes, document["confusion"], strict=True)):
        others = [count if n != k else 0 for n, count in enumerate(row)]
        taken = classes[others.index(max(others))] if max(others) else ""
        rows.append([name, str(sum(row)), f"{row[k] / sum(row):.0%}" if sum(row) else "", taken])
    print_table(("class", "videos", "right", "most often taken for"), rows, left=(0, 3))
