"""What a task says of a trained network, video by video, and how sure that is."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from speediness.datasets.clip_cache import CachedVideo
from speediness.errors import DataError
from speediness.evaluation.intervals import share_interval
from speediness.models.encoder import Encoder
from speediness.training.tasks.task import Task


def by_video(task: Task, network: Encoder, videos: Sequence[CachedVideo]) -> dict[str, Any]:
    """A task's own figures on videos, each asked alone.

    Returns:
        By the name of the figure, ``accuracy``, the mean over videos, and ``interval_95`` over sources;
        ``films``, the number of videos. Those too short for the task are left out.

    Raises:
        DataError: all videos are too short.
    """
    asked: list[tuple[str, dict[str, float]]] = []
    for video in videos:
        with suppress(DataError):  # too short
            asked.append((video.item.source, task.validate(network, [video])))
    if not asked:
        raise DataError(f"none of the {len(videos)} unseen videos is long enough for {task.name}")
    sources = [source for source, _ in asked]
    figures: dict[str, Any] = {"films": len(asked)}
    for name in asked[0][1]:
        values = [found[name] for _, found in asked]
        interval_95 = share_interval(values, sources)
        figures[name] = {"accuracy": float(np.mean(values)), "interval_95": interval_95}
    return figures
