"""What pretraining is worth: SpeedNet Tables 2 and 3, and RSPNet's, on one engine.

Networks start at random, from SpeedNet's task or from RSPNet's, all on the same backbone. Each is
fine-tuned and tested, and its frozen features are probed and searched. Every step leaves its result
in the output folder and is not done again. :mod:`speediness.experiments.pretext` has more starts.
"""

import dataclasses
import json
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from speediness.datasets.clip_cache import CachedVideos, ClipCache
from speediness.datasets.video_list import VideoItem, digest
from speediness.errors import DataError
from speediness.evaluation.probes import probe, released_retrieval
from speediness.evaluation.relative_speed import holds_both_speeds, ranked_right, same_video_found
from speediness.models.backbones import find_backbone
from speediness.models.backbones.inflated import load_imagenet
from speediness.models.checkpoint import load_checkpoint, network_name, save_network
from speediness.models.cost import count_macs
from speediness.models.encoder import Encoder
from speediness.models.rspnet import RSPNet
from speediness.results.documents import read_json, write_json
from speediness.training.finetune import finetune, with_classes
from speediness.training.loop import train
from speediness.training.publish import averaged
from speediness.training.recipe import Recipe, like_weights
from speediness.training.recipes import (
    finetune_s3dg,
    finetune_small,
    rspnet_s3dg,
    rspnet_small,
    smoke,
    speednet_s3dg,
)
from speediness.training.tasks.rspnet import RSPNetTask
from speediness.training.tasks.task import by_video
from speediness.version import __version__

SCHEMA, STEP_SCHEMA = "speediness.transfer/1", "speediness.transfer_step/1"
Scale = Literal["paper", "small", "smoke"]
STARTS = ("random", "speednet", "rspnet")
UNTRAINED = ("random", "random_frames", "imagenet")
Log = Callable[[str], None]


@dataclass(frozen=True)
class Data:
    """The lists of videos that an experiment is made from."""

    pretrain: list[VideoItem]
    """Without labels; a share of their sources is held out."""
    unseen: list[VideoItem]
    """Of the same kind, never trained on: what the pretext tasks are measured on."""
    train: list[VideoItem]
    """With labels."""
    test: list[VideoItem]
    """With labels."""


def recipes(scale: Scale) -> dict[str, Recipe]:
    """The recipes of a scale, all on one backbone: ``speednet``, ``rspnet`` and ``finetune``.

    paper: as published, but all on RSPNet's variant of S3D-G; for GPUs. small: a narrow 3D ResNet-18
    and a corpus of an hour, for two CPU cores. smoke: a few steps of the same code.
    """
    if scale == "paper":
        published = {"speednet": speednet_s3dg(), "rspnet": rspnet_s3dg(), "finetune": finetune_s3dg()}
        backbone = published["rspnet"].backbone
        return {name: dataclasses.replace(recipe, backbone=backbone) for name, recipe in published.items()}
    if scale == "small":
        rspnet = rspnet_small()
        shared = {name: getattr(rspnet, name) for name in ("backbone", "width", "recompressed", "compiled")}
        return {
            "speednet": dataclasses.replace(Recipe(), **shared, steps=250),
            "rspnet": rspnet,
            "finetune": dataclasses.replace(finetune_small(), **shared, steps=120),
        }
    few = dataclasses.replace(smoke(), backbone="r3d18", width=0.0625, recompressed=0)
    return {
        "speednet": few,
        "rspnet": dataclasses.replace(few, task=RSPNetTask(queue=16)),
        "finetune": few,
    }


def transfer(
    data: Data,
    out: Path,
    scale: Scale,
    seeds: int,
    log: Log,
    *,
    starts: Sequence[str] = STARTS,
    weights: dict[str, Path] | None = None,
    measures: Sequence[str] = ("pretext", "probe", "finetune"),
    where: tuple[str, str] = ("PRETRAIN", "DATA"),
    name: str = "transfer",
    by: dict[str, Recipe] | None = None,
    minutes: float | None = None,
) -> dict[str, Any]:
    """Pretrain or load, fine-tune and probe, for every start and seed.

    Args:
        data: lists of videos.
        out: folder; a folder a start and seed, ``NAME.json``, ``commands.txt`` and ``log.txt``.
        scale: of the recipes.
        seeds: networks a start, of seeds 0 to ``seeds - 1``.
        log: receives one line at a time; what it says is also in ``log.txt``.
        starts: of STARTS, of ``by``, or names in ``weights``.
        weights: trained before, by name; a start that is named here is not pretrained.
        measures: what is done with each: ``pretext``, RSPNet's two; ``task``, what it was trained for;
            ``frozen``, probes; ``probe``, also retrieval by the released protocol; ``finetune``.
        where: ``--data`` of the videos to pretrain on and of those with labels, for ``commands.txt``.
        name: of the document; several may share a folder, which does nothing twice.
        by: recipes by start, and ``finetune``; by default those of the scale.
        minutes: of pretraining a network, at most.

    Returns:
        The document in ``NAME.json``: ``rows``, one a start, with every measure's figures by
        seed, and ``made_by``.

    Raises:
        DataError: ``out`` holds results of other videos or of another scale.
    """
    work = _Work(data, out, by or recipes(scale), log, dict(weights or {}), where, minutes)
    for start in starts:
        work.check(start)
    rows: dict[str, dict[str, list[Any]]] = {start: {name: [] for name in measures} for start in starts}
    jobs = [(seed, start) for seed in range(seeds) for start in starts]
    for done, (seed, start) in enumerate(jobs):
        work.say(f"{start}, seed {seed}: {done + 1} of {len(jobs)}")
        for measure in measures:
            if not work.has(measure, start):
                continue
            rows[start][measure].append(work.result(measure, start, seed))
        document = {
            "schema": SCHEMA,
            "rows": [{"start": start, **measured} for start, measured in rows.items()],
            "made_by": {
                "scale": scale,
                "recipes": {name: recipe.to_json() for name, recipe in work.recipes.items()},
                "weights": {name: str(path) for name, path in work.weights.items()},
                "minutes": minutes,
                "speediness": __version__,
            },
        }
        write_json(out / f"{name}.json", document)
    return read_json(out / f"{name}.json", SCHEMA)


def estimate_s(made_by: dict[str, Recipe], starts: Sequence[str], measures: Sequence[str]) -> float:
    """Seconds of training by recipes that one seed takes here, roughly.

    Fine-tuning of every start is counted, and the pretraining of those that have any.
    """
    wanted = [made_by[start] for start in starts if start in made_by and start not in UNTRAINED]
    if "finetune" in measures:
        wanted += [made_by["finetune"]] * len(starts)
    return sum(_step_s(recipe) * recipe.steps for recipe in wanted)


def _step_s(recipe: Recipe) -> float:
    """Seconds a step: measured on a narrow network and small clips, scaled by multiply-adds."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    stem, backbone = find_backbone(recipe.backbone)
    channels = stem.out_channels
    small, shape = backbone(channels, min(recipe.width, 0.25)).to(device), (2, channels, 16, 64, 64)
    clips = torch.rand(shape, device=device)
    taken_s = []
    for _ in range(2):  # the first warms up
        started_s = time.perf_counter()
        small(clips).sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize()
        taken_s.append(time.perf_counter() - started_s)
    seen = (1, channels, recipe.n_frames, recipe.size_px, recipe.size_px)
    macs = count_macs(backbone(channels, recipe.width), seen)
    # RSPNet's keys go forward alone, a third of the work: less than this is wrong by.
    return taken_s[1] * recipe.clips * macs / count_macs(small, shape)


class _Work:
    """The steps of :func:`transfer`, each with its result on disk."""

    def __init__(
        self,
        data: Data,
        out: Path,
        by: dict[str, Recipe],
        log: Log,
        weights: dict[str, Path],
        where: tuple[str, str],
        minutes: float | None,
    ) -> None:
        self.pretrain_where, self.labels_where = where
        self.data, self.out, self.recipes, self.weights = data, out, by, weights
        self.minutes, self.cache = minutes, out / "cache"
        self._log = log
        self._videos = digest(vars(data).values())

    def made_by(self, start: str) -> dict[str, Any]:
        """All that the figures of a start depend on but the seed."""
        document: dict[str, Any] = {"films": self._videos, "finetune": self.recipes["finetune"].to_json()}
        if start in self.weights:
            return document | {"weights": str(self.weights[start])}
        if start in UNTRAINED:
            return document | {"network": self._untrained(start).config.to_json()}
        limit = {} if self.minutes is None else {"minutes": self.minutes}
        return document | {"pretrain": self.recipes[start].to_json()} | limit

    def check(self, start: str) -> None:
        """Refuse a folder of this start that was made otherwise."""
        folder = self.out / start
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "made_by.json"
        document = {"schema": STEP_SCHEMA, **self.made_by(start)}
        if path.exists():
            if read_json(path, STEP_SCHEMA) != json.loads(json.dumps(document)):
                raise DataError(
                    f"{folder} holds results of other videos or recipes; remove it or choose another --out"
                )
        else:
            write_json(path, document)

    def has(self, measure: str, start: str) -> bool:
        """Whether a start can be measured so: one asks the heads of a task, which others' weights lack."""
        if measure not in ("pretext", "task"):
            return True
        trained = start not in UNTRAINED and start in self.recipes
        if measure == "pretext":
            wanted, fitting = RSPNet.__name__, start != "speednet"
        else:
            wanted, fitting = type(self._task_network(start)).__name__ if trained else "", trained
        return network_name(self.weights[start]) == wanted if start in self.weights else fitting

    def _untrained(self, start: str) -> Recipe:
        """What says of a start without training which network it is."""
        return self.recipes.get(start, self.recipes["rspnet"])

    def _task_network(self, start: str) -> Encoder:
        recipe = self.recipes[start]
        return recipe.task.network(recipe.config)

    def say(self, line: str) -> None:
        """To the log and to the file."""
        with (self.out / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {line}\n")
        self._log(line)

    def result(self, name: str, start: str, seed: int) -> dict[str, Any]:
        """One measure of one network, made unless it is there."""
        folder = self.out / start / f"seed-{seed}"
        path = folder / f"{name}.json"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            measures = {
                "pretext": self._pretext,
                "task": self._task,
                "frozen": self._frozen,
                "probe": self._probe,
                "finetune": self._finetune,
            }
            write_json(path, {"schema": STEP_SCHEMA, **measures[name](start, seed, folder)})
        return {key: value for key, value in read_json(path, STEP_SCHEMA).items() if key != "schema"}

    def _start(self, start: str, seed: int, folder: Path) -> Path | None:
        """Weights to start from; None: a random start."""
        if start in self.weights:
            return self.weights[start]
        if start in UNTRAINED:
            return None
        network = folder / "pretrain" / "network.safetensors"
        if not network.exists():
            recipe = dataclasses.replace(self.recipes[start], seed=seed)
            run = folder / "pretrain"
            self._note("train", self.pretrain_where, run, recipe)
            resume = (run / "checkpoint.safetensors").exists()
            train(recipe, self.data.pretrain, run, self.cache, resume, self.say, minutes=self.minutes)
            pretrained, _, made_by = averaged(run)
            save_network(network, pretrained, made_by)
        return network

    def _encoder(self, start: str, seed: int, folder: Path) -> Encoder:
        """The frozen network; at random it has the recipe's shape and this seed."""
        weights = self._start(start, seed, folder)
        if weights is not None:
            return load_checkpoint(weights, Encoder).for_inference()
        torch.manual_seed(seed)
        encoder = Encoder(self._untrained(start).config)
        if start == "imagenet":
            load_imagenet(encoder)
        return encoder.for_inference()

    def _task(self, start: str, seed: int, folder: Path) -> dict[str, Any]:
        weights = self._start(start, seed, folder)
        assert weights is not None
        network = load_checkpoint(weights, type(self._task_network(start))).for_inference()
        return by_video(self.recipes[start].task, network, self._unseen(network))

    def _unseen(self, network: Encoder) -> CachedVideos:
        clips = ClipCache.for_clips(self.cache, network.config.clip)
        return clips.videos(self.data.unseen, self.say)

    def _pretext(self, start: str, seed: int, folder: Path) -> dict[str, Any]:
        weights = self._start(start, seed, folder)
        torch.manual_seed(seed)
        network = load_checkpoint(weights, RSPNet) if weights else RSPNet(self.recipes["rspnet"].config)
        network, videos = network.for_inference(), self._unseen(network)
        return {
            "films": len(videos),
            "too_short": sum(not holds_both_speeds(video, network.config.clip) for video in videos),
            "ranked_right": ranked_right(network, videos),
            "same_film": same_video_found(network, videos),
            "same_film_changed": same_video_found(network, videos, changed=True),
        }

    def _frozen(self, start: str, seed: int, folder: Path) -> dict[str, Any]:
        encoder = self._encoder(start, seed, folder)
        return probe(encoder, self.data.train, self.data.test, self.cache, self.say)

    def _probe(self, start: str, seed: int, folder: Path) -> dict[str, Any]:
        encoder = self._encoder(start, seed, folder)
        given = (encoder, self.data.train, self.data.test, self.cache, self.say)
        return probe(*given) | {"released": {"recall": released_retrieval(*given)["recall"]}}

    def _finetune(self, start: str, seed: int, folder: Path) -> dict[str, Any]:
        weights = self._start(start, seed, folder)
        recipe = dataclasses.replace(self.recipes["finetune"], seed=seed)
        if weights is not None:
            recipe = like_weights(recipe, weights)
        recipe = with_classes(recipe, self.data.train)
        run = folder / "finetune"
        self._note("finetune", self.labels_where, run, recipe)
        resume = (run / "checkpoint.safetensors").exists()
        document = finetune(
            recipe, self.data.train, self.data.test, run, self.cache, self.say, resume=resume
        )
        return {
            key: document[key] for key in ("accuracy", "interval_95", "per_class", "confusion", "films")
        }

    def _note(self, verb: str, where: str, run: Path, recipe: Recipe) -> None:
        """The command that does the same by hand: of whatever recipe, all settings are given."""
        settings = {name: value for name, value in recipe.to_json().items() if name != "task"}
        if verb == "train":  # finetune finds its task and the classes by itself
            task = recipe.to_json()["task"]
            settings = {"task": task.pop("name"), **task, **settings}
        words = ["speediness", verb, "smoke", "--data", where, "--out", str(run)]
        if verb == "train" and self.minutes is not None:
            words += ["--minutes", f"{self.minutes:g}"]
        words += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        with (self.out / "commands.txt").open("a", encoding="utf-8") as file:
            file.write(shlex.join(words) + "\n")
