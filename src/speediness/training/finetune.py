"""Fine-tuning for action recognition, from a list of training videos to figures on the test list."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from speediness.datasets.clip_cache import ClipCache
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.evaluation.intervals import share_interval
from speediness.evaluation.recognition import confusion, plot_confusion, recognise
from speediness.models.checkpoint import load_checkpoint, save_network
from speediness.models.recogniser import Recogniser
from speediness.results.documents import write_json
from speediness.training.loop import train
from speediness.training.processes import is_first_process
from speediness.training.publish import averaged
from speediness.training.recipe import Recipe
from speediness.training.tasks.action_class import ActionClassTask

SCHEMA = "speediness.recognition/1"
Log = Callable[[str], None]


def with_classes(recipe: Recipe, items: Sequence[VideoItem]) -> Recipe:
    """The recipe with the classes that a training list names, in alphabetical order.

    Raises:
        DataError: fewer than two classes are named.
    """
    classes = tuple(sorted({item.label for item in items if item.label}))
    if len(classes) < 2:
        raise DataError(
            f"the training list names {len(classes)} class(es); recognition needs labels of two or more, "
            "as in ucf101:ROOT, hmdb51:ROOT or the column label of a manifest"
        )
    task = recipe.task if isinstance(recipe.task, ActionClassTask) else ActionClassTask()
    return dataclasses.replace(recipe, task=dataclasses.replace(task, classes=classes))


def finetune(
    recipe: Recipe,
    train_items: list[VideoItem],
    test_items: list[VideoItem],
    out: Path,
    cache: Path,
    log: Log = print,
    *,
    resume: bool = False,
    minutes: float | None = None,
    cache_bytes: int | None = None,
) -> dict[str, Any]:
    """Train on one list, a share of whose sources (groups) is held out, and measure on the other.

    Nothing is chosen on the test list: the network is that of the last step, its weights averaged. The
    recipe has an :class:`ActionClassTask`, see :func:`with_classes`; other arguments are those of
    :func:`speediness.training.loop.train`, which also says what it leaves in ``out``. Beside that:
    ``network.safetensors``, ``test.json`` and ``confusion.png``.

    Returns:
        The document in ``test.json``: ``accuracy`` of videos, ``interval_95`` over sources,
        ``per_class``, ``classes``, ``confusion`` (rows: shown, columns: said), ``films`` with what
        was said of each, ``too_short``, the number of videos left out because they have fewer frames
        than a clip, and ``made_by``. Processes other than the first return nothing of it.

    Raises:
        DataError: a test video of an unknown class, or no video that can be used.
        SpeedinessError, KeyboardInterrupt: as :func:`speediness.training.loop.train`.
    """
    assert isinstance(recipe.task, ActionClassTask)
    classes = recipe.task.classes
    if strange := sorted({item.label or "no class" for item in test_items} - set(classes)):
        raise DataError(f"the test list shows {', '.join(strange)}, which the training list does not")
    train(recipe, train_items, out, cache, resume, log, minutes=minutes, cache_bytes=cache_bytes)
    if not is_first_process():
        return {}
    weights = out / "network.safetensors"
    trained, _, made_by = averaged(out)
    save_network(weights, trained, made_by)
    network = load_checkpoint(weights, Recogniser).for_inference()
    log(f"testing on {len(test_items)} videos, ten clips each")
    videos = ClipCache.for_clips(cache, recipe.config.clip, cache_bytes).videos(test_items, log)
    if not videos:
        raise DataError("no video of the test list can be decoded; see speediness data verify")
    said = recognise(network, videos, recipe.task.average)
    counts_KK = confusion(said, classes)
    document = {
        "schema": SCHEMA,
        "accuracy": float(np.mean([video.right for video in said])),
        "interval_95": share_interval([video.right for video in said], [video.source for video in said]),
        "per_class": {
            name: {"films": int(row.sum()), "right": int(row[k])}
            for k, (name, row) in enumerate(zip(classes, counts_KK, strict=True))
        },
        "classes": list(classes),
        "confusion": counts_KK.tolist(),
        "films": [
            {"file": video.name, "source": video.source, "label": video.label, "said": video.said}
            for video in said
        ],
        "too_short": len(videos) - len(said),
        "made_by": made_by,
    }
    write_json(out / "test.json", document)
    plot_confusion(document, out / "confusion.png")
    return document
