"""The lecture's walk, from a single frame to attention: all networks under one budget, one table.

Every network is fine-tuned on the same videos for the same number of steps and tested on whole videos;
dense trajectories take the same ten clips of each. Where asked for, the same networks are trained to
tell 1x from 2x, where scenery cannot help. What is found in the output folder is not done again.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import ClipCache
from speediness.datasets.video_list import VideoItem, digest
from speediness.errors import DataError, SpeedinessError, suggest
from speediness.evaluation.centre_clips import with_clip
from speediness.evaluation.intervals import share_interval
from speediness.evaluation.recognition import ten_clips
from speediness.evaluation.speed_accuracy import MAGNIFICATION, report
from speediness.experiments.ablation import Row
from speediness.experiments.baselines import fitted
from speediness.experiments.lecture_cost import cost
from speediness.experiments.lecture_networks import NETWORKS, NOTES, TRAJECTORIES, LectureNetwork
from speediness.experiments.row_run import VideoSplits, make_row
from speediness.models.dense_trajectories import Trajectories, joined
from speediness.models.trajectory_classifier import TrajectoryClassifier, clip_trajectories
from speediness.progress import progress_bar
from speediness.results.documents import read_json, write_json
from speediness.training.finetune import finetune, with_classes
from speediness.training.recipe import Recipe, like_weights
from speediness.version import __version__

SCHEMA, STEP_SCHEMA = "speediness.lecture/1", "speediness.lecture_step/1"
Task = Literal["action", "speed"]
Log = Callable[[str], None]


@dataclass(frozen=True)
class Lecture:
    """What the table is made from."""

    base: Recipe
    """Of every network, but for the backbone."""
    train: list[VideoItem]
    """With labels, unless speed is the only task."""
    test: list[VideoItem]
    """Of other groups."""
    networks: Sequence[LectureNetwork] = NETWORKS
    weights: dict[str, Path] = field(default_factory=dict)
    """To start from, by the name of a network; the others start at random."""
    tasks: Sequence[Task] = ("action",)


def find_networks(names: Iterable[str]) -> list[LectureNetwork]:
    """Networks of the lecture by name, in its order; no name means all of them.

    Raises:
        SpeedinessError: no such network (the nearest is named).
    """
    known, wanted = {network.name: network for network in NETWORKS}, list(names)
    for name in wanted:
        if name not in known:
            raise SpeedinessError(f"the lecture has no network {name}; {suggest(name, known)}")
    return [network for network in NETWORKS if not wanted or network.name in wanted]


def lecture(work: Lecture, out: Path, seeds: int, log: Log) -> dict[str, Any]:
    """Train and test every network.

    Args:
        work: networks, recipe and videos.
        out: folder; a folder a network and seed, and ``lecture.json``, rewritten whenever one is done.
        seeds: networks a row, of seeds 0 to ``seeds - 1``.
        log: receives one line at a time.

    Returns:
        The document in ``lecture.json``: ``rows``, one a network, with the figures of each task by
        seed, ``cost``, ``sense`` and ``published``; ``notes`` and ``made_by``.

    Raises:
        DataError: ``out`` holds results of another recipe or of other videos; a list without labels.
    """
    base = dataclasses.replace(work.base, compiled=False, evaluate_every=work.base.steps)
    if "action" in work.tasks:
        base = with_classes(base, work.train)
    work = dataclasses.replace(work, base=base)
    rows = {
        network.name: {"published": dataclasses.asdict(network), **{task: [] for task in work.tasks}}
        for network in work.networks
    }
    jobs = [(seed, network) for seed in range(seeds) for network in work.networks]
    for done, (seed, network) in enumerate(jobs):
        log(f"{network.title}, seed {seed}: {done + 1} of {len(jobs)}")
        row, folder = rows[network.name], out / network.name
        followed = network.name == TRAJECTORIES
        for task in work.tasks:
            if not (followed and task == "action"):
                row[task].append(_result(work, network, task, seed, folder / f"seed-{seed}" / task, log))
            elif not row[task]:
                row[task] = _by_trajectories(work, folder, seeds, log)
        if not followed:
            row |= _once(folder / "cost.json", base, lambda name=network.name: cost(_recipe(work, name, 0)))
        document = {
            "schema": SCHEMA,
            "rows": [row for row in rows.values() if any(row[task] for task in work.tasks)],
            "notes": list(NOTES),
            "made_by": {
                "speediness": __version__,
                "recipe": base.to_json(),
                "weights": {name: str(path) for name, path in work.weights.items()},
                "videos": {"train": len(work.train), "test": len(work.test)},
            },
        }
        write_json(out / "lecture.json", document)
    return read_json(out / "lecture.json", SCHEMA)


def _recipe(work: Lecture, name: str, seed: int) -> Recipe:
    backbone = work.base.backbone if name == TRAJECTORIES else name  # where there is no network, none
    recipe = dataclasses.replace(work.base, backbone=backbone, seed=seed)
    return like_weights(recipe, work.weights[name]) if name in work.weights else recipe


def _once(
    path: Path, made_by: Recipe, make: Callable[[], dict[str, Any]], videos: str = ""
) -> dict[str, Any]:
    """What ``make`` gives, or what it gave before.

    Raises:
        DataError: it was made by another recipe or on other videos.
    """
    asked = json.loads(json.dumps({"recipe": made_by.to_json(), "films": videos}))
    if path.exists():
        document = read_json(path, STEP_SCHEMA)
        if document["made_by"] != asked:
            raise DataError(f"{path} is of another recipe or of other videos; choose another --out")
        return document["result"]
    path.parent.mkdir(parents=True, exist_ok=True)
    result = make()
    write_json(path, {"schema": STEP_SCHEMA, "made_by": asked, "result": result})
    return result


def _result(
    work: Lecture, network: LectureNetwork, task: Task, seed: int, folder: Path, log: Log
) -> dict[str, Any]:
    """Accuracy on the test list with its interval, and what was said of each video."""
    cache, recipe = folder.parents[2] / "cache", _recipe(work, network.name, seed)

    def make() -> dict[str, Any]:
        if task == "speed":
            return _by_speed(network, recipe, work, folder, cache, log)
        resume = (folder / "checkpoint.safetensors").exists()
        made = finetune(recipe, work.train, work.test, folder, cache, log, resume=resume)
        return {name: made[name] for name in ("accuracy", "interval_95", "films")}

    return _once(folder / "result.json", recipe, make, digest([work.train, work.test]))


def _by_speed(
    network: LectureNetwork, recipe: Recipe, work: Lecture, folder: Path, cache: Path, log: Log
) -> dict[str, Any]:
    """Single windows at exactly 1x and 2x (SpeedNet, section 5.1)."""
    row = Row(network.name, network.title, "trajectories" if network.name == TRAJECTORIES else "ours")
    videos = VideoSplits(work.train, work.test, [])
    made = make_row(row, row.recipe(recipe, recipe.seed), videos, folder, cache, log)
    figures = report(made.test, made.flow_threshold)
    return {
        "accuracy": figures["accuracy"],
        "interval_95": figures["interval_95"]["accuracy"],
        "matched_pairs": figures["matched_pairs"],
    }


def _by_trajectories(work: Lecture, folder: Path, seeds: int, log: Log) -> list[dict[str, Any]]:
    """All seeds at once: they follow the same points, which takes longest."""

    @functools.cache
    def followed() -> tuple[list[Followed], list[Followed]]:
        clip = work.base.config.clip
        return follow_points(clip, work.train, work.test, folder.parent / "cache", log)

    return [
        _once(
            folder / f"seed-{seed}" / "action" / "result.json",
            dataclasses.replace(work.base, seed=seed),
            lambda seed=seed: classify_trajectories(*followed(), seed),
            digest([work.train, work.test]),
        )
        for seed in range(seeds)
    ]


class Followed(NamedTuple):
    """A video and the trajectories of its ten clips."""

    item: VideoItem
    tracks: Trajectories


def follow_points(
    clip: ClipSpec, train: list[VideoItem], test: list[VideoItem], cache: Path, log: Log
) -> tuple[list[Followed], list[Followed]]:
    """Dense trajectories of ten clips a video, of both lists.

    Args:
        clip: says which clips.
        train: videos with labels.
        test: the same.
        cache: folder of decoded videos.
        log: receives one line at a time.

    Raises:
        DataError: no video of a list has the frames of a clip.
    """
    clips = ClipCache(cache, MAGNIFICATION * clip.size_px, clip.channels)
    known, asked = (list(with_clip(clips.videos(items, log), clip)) for items in (train, test))
    found: list[Followed] = []
    with progress_bar("following points", "videos") as progress:
        for video in (*known, *asked):
            parts = [clip_trajectories(frames) for frames in ten_clips(video, clip)]
            found.append(Followed(video.item, joined([part for part in parts if len(part)])))
            progress(len(found), len(known) + len(asked))
    return found[: len(known)], found[len(known) :]


def classify_trajectories(train: list[Followed], test: list[Followed], seed: int) -> dict[str, Any]:
    """Fisher vectors and a linear SVM; mixtures and SVM learn from ``train`` alone.

    Raises:
        DataError: hardly anything moves in the videos.
    """
    labels = [video.item.label or "" for video in train]
    classifier = fitted(TrajectoryClassifier(seed=seed), [video.tracks for video in train], labels)
    said = classifier.predict([video.tracks for video in test])
    items = [video.item for video in test]
    right = [item.label == name for item, name in zip(items, said, strict=True)]
    return {
        "accuracy": float(np.mean(right)),
        "interval_95": share_interval(right, [item.source for item in items]),
        "films": [
            {"file": item.path.name, "source": item.source, "label": item.label, "said": name}
            for item, name in zip(items, said, strict=True)
        ],
        "tracks_a_video": float(np.mean([len(video.tracks) for video in (*train, *test)])),
    }
