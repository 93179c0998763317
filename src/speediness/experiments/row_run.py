"""Training and scoring of one row of Table 1; what was done before is not done again."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file
from torch import nn

from speediness.datasets.clip_cache import CachedVideo, ClipCache
from speediness.datasets.motion_cache import MotionCache
from speediness.datasets.video_list import VideoItem, digest, held_out, subsample
from speediness.errors import DataError, VideoError
from speediness.evaluation.centre_clips import run_batched
from speediness.evaluation.motion_scores import score_motion
from speediness.evaluation.speed_accuracy import VideoScores, best_threshold, score_video
from speediness.experiments.ablation import Row
from speediness.experiments.baselines import train_mean_flow, train_trajectories
from speediness.models.mean_flow import MeanFlowNet, runtime_by_rate
from speediness.models.speednet import SPED_UP, SpeedNet, score
from speediness.models.torch_runtime import runtime_for
from speediness.models.trajectory_classifier import TrajectoryRate
from speediness.progress import progress_bar
from speediness.results.documents import read_json, write_json, write_text, written_whole
from speediness.training.loader import Loader
from speediness.training.loop import train
from speediness.training.processes import joined_processes
from speediness.training.recipe import Recipe
from speediness.training.run import Run
from speediness.training.tasks.playback_rate import PlaybackRateTask
from speediness.training.tasks.speed_class import SpeedClassTask
from speediness.training.tasks.task import Batch
from speediness.version import __version__

ROW_SCHEMA = "speediness.table1_row/2"


@dataclass(frozen=True)
class RowResult:
    """What a network of the table said; the scores of videos are centred, so that 0 is undecided."""

    bias: float
    """Was taken from the scores; it separates 1x from 2x best on videos trained on and held out."""
    flow_threshold: float
    """Of the plain rule on the mean flow, fitted on the videos trained on."""
    own: dict[str, tuple[int, int]]
    """Of each held-out source: clips drawn as in training that were right (not centred), and clips;
    none where the task is not that of the paper."""
    trained: list[VideoScores]
    """Videos trained on, as they are."""
    test: list[VideoScores]
    """In the domain trained on."""
    ood: list[VideoScores]
    """Out of it; none where no such videos were given."""
    left_out: list[str]
    """Videos that could not be decoded, with the reason."""
    seconds: float
    """It took to make, since the command was last given."""

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document, scores to four digits."""
        parts = {"trained": self.trained, "test": self.test, "ood": self.ood}
        return vars(self) | {part: [_plain(video) for video in videos] for part, videos in parts.items()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> RowResult:
        """Inverse of :meth:`to_json`."""
        return cls(
            bias=document["bias"],
            flow_threshold=document["flow_threshold"],
            own={source: (right, clips) for source, (right, clips) in document["own"].items()},
            trained=[_scores(video) for video in document["trained"]],
            test=[_scores(video) for video in document["test"]],
            ood=[_scores(video) for video in document["ood"]],
            left_out=document["left_out"],
            seconds=document["seconds"],
        )


def _plain(video: VideoScores) -> dict[str, Any]:
    return {
        name: [round(float(v), 4) for v in value] if isinstance(value, np.ndarray) else value
        for name, value in vars(video).items()
    }


def _scores(document: dict[str, Any]) -> VideoScores:
    arrays = {
        name: np.array(value, np.float32) for name, value in document.items() if isinstance(value, list)
    }
    return VideoScores(document["name"], document["source"], **arrays)


TRAINED_STRIDE_S = 4.0  # of their windows, as for the published weights
TRAINED_SCORED = 250  # videos: bias and threshold need no more, and every row takes as long for each
OWN_CLIPS = 1200  # drawn from held-out videos as in training

Log = Callable[[str], None]
Score = Callable[[VideoItem, float], VideoScores | None]
"""A video, and the stride of its windows in seconds, to what a network says; None: too short."""


@dataclass(frozen=True)
class VideoSplits:
    """What a table is made from."""

    train: list[VideoItem]
    """Trained on, but for the sources that a recipe holds out."""
    test: list[VideoItem]
    """In the domain trained on, sources never seen."""
    ood: list[VideoItem]
    """Out of the domain, such as videos of a high frame rate; may be none."""


def make_row(
    row: Row, recipe: Recipe, videos: VideoSplits, folder: Path, cache: Path, log: Log
) -> RowResult:
    """Train a row and score it, or load what was done before; an unfinished training goes on.

    The recipe is the row's (:meth:`Row.recipe`); checkpoint, metrics and ``row.json`` go to its folder.

    Raises:
        DataError: the folder holds a row of another recipe or of other videos; too few videos.
    """
    path = folder / "row.json"
    made_by = {"recipe": recipe.to_json(), "films": digest(vars(videos).values())}
    if path.exists():
        document = read_json(path, ROW_SCHEMA)
        if {key: document["made_by"][key] for key in made_by} != made_by:
            raise DataError(
                f"{folder} holds this row by another recipe or on other videos; choose another --out"
            )
        if "result" in document:
            log(f"{row.title}: done before, see {path}")
            return RowResult.from_json(document["result"])
    else:
        folder.mkdir(parents=True, exist_ok=True)
        document = {"schema": ROW_SCHEMA, "made_by": made_by | {"speediness": __version__}}
        write_json(path, document)
    result = _Maker(row, recipe, videos, folder, cache, log).make()
    write_json(path, document | {"result": result.to_json()})
    return RowResult.from_json(read_json(path, ROW_SCHEMA)["result"])


class _Maker:
    """The steps of :func:`make_row` and what they share."""

    def __init__(
        self, row: Row, recipe: Recipe, videos: VideoSplits, folder: Path, cache: Path, log: Log
    ) -> None:
        self.row, self.recipe, self.videos, self.folder, self.log = row, recipe, videos, folder, log
        self.clip, self.cache = recipe.config.clip, cache
        self.clips = ClipCache.for_clips(cache, self.clip)
        kept, held = held_out(videos.train, recipe.validation_share)
        self.kept, self.held = subsample(kept, TRAINED_SCORED), subsample(held)
        self.left_out: list[str] = []

    def make(self) -> RowResult:
        started_s = time.monotonic()
        make = {"mean_flow": self._mean_flow, "trajectories": self._trajectories}
        network = make.get(self.row.kind, self._network)()
        score = self._score_by(network)
        trained = self._scores("training videos", self.kept, score, TRAINED_STRIDE_S)
        held = self._scores("held-out videos", self.held, score)
        bias = best_threshold(trained + held, "score")
        return RowResult(
            bias=bias,
            flow_threshold=best_threshold(trained, "flow"),
            own=self._own(network) if isinstance(self.recipe.task, SpeedClassTask) else {},
            trained=_centred(trained, bias),
            test=_centred(self._scores("test videos", self.videos.test, score), bias),
            ood=_centred(self._scores("videos out of domain", self.videos.ood, score), bias),
            left_out=self.left_out,
            seconds=time.monotonic() - started_s,
        )

    def _network(self) -> SpeedNet:
        checkpoint = self.folder / "checkpoint.safetensors"
        train(
            self.recipe,
            self.videos.train,
            self.folder,
            self.cache,
            resume=checkpoint.exists(),
            log=self.log,
        )
        with joined_processes() as processes:
            run = Run(self.recipe, processes)
            run.restore(checkpoint)
        assert isinstance(run.average, SpeedNet)
        return run.average

    def _mean_flow(self) -> MeanFlowNet:
        recipe = self.recipe
        loader = self._loader(self._decoded(self.kept), recipe.seed)
        with progress_bar("measuring the flow of training clips", "clips") as progress:
            # It sees no more clips than the others.
            network, metrics = train_mean_flow(loader, recipe.seed, recipe.steps * recipe.clips, progress)
        lines = "".join(json.dumps(row) + "\n" for row in metrics)
        write_text(self.folder / "metrics.jsonl", lines)
        with written_whole(self.folder / "checkpoint.safetensors") as partial:
            save_file(network.state_dict(), partial)
        return network

    def _trajectories(self) -> TrajectoryRate:
        recipe = self.recipe
        loader = self._loader(self._decoded(self.kept), recipe.seed)
        with progress_bar("following points", "clips") as progress:
            return train_trajectories(loader, recipe.seed, recipe.steps * recipe.clips, progress)

    def _loader(self, videos: Sequence[CachedVideo], seed: int) -> Loader:
        """Batches as this row's training draws them."""
        recipe = self.recipe
        assert isinstance(recipe.task, SpeedClassTask)
        return Loader(
            videos, recipe.task, self.clip, recipe.windows, seed, recipe.spatial, zoom=recipe.zoom
        )

    def _own(self, network: nn.Module) -> dict[str, tuple[int, int]]:
        """Right answers on held-out sources when clips are drawn as this row's training draws them."""
        by_source: dict[str, list[CachedVideo]] = defaultdict(list)
        for video in self._decoded(self.held):
            by_source[video.item.source].append(video)
        batches = max(1, round(OWN_CLIPS / len(by_source) / self.recipe.clips))
        own: dict[str, tuple[int, int]] = {}
        with progress_bar("held-out videos, sampled as in training", "sources") as progress:
            for source, videos in by_source.items():
                try:
                    loader = self._loader(videos, seed=0)
                except DataError as error:
                    self.left_out.append(f"{source}, sampled as in training: {error}")
                    continue
                right = [self._right(loader.batch(n), network) for n in range(batches)]
                own[source] = sum(right), batches * self.recipe.clips
                progress(len(own), len(by_source))
        if not own:
            raise DataError(f"no held-out source can be used: {self.left_out[-1]}")
        return own

    def _right(self, batch: Batch, network: nn.Module) -> int:
        """How many of the clips were right."""
        (rate_B2,) = run_batched(network, batch.inputs[0].numpy())
        return int(((score(rate_B2) > 0) == (batch.labels_B == SPED_UP)).sum())

    def _decoded(self, items: Sequence[VideoItem]) -> Sequence[CachedVideo]:
        # What cannot be decoded is named when it is scored.
        return self.clips.videos(items, lambda line: None, self.recipe.recompressed)

    def _score_by(self, network: nn.Module) -> Score:
        """How a network is scored: on motion if trained on it, else on decoded videos."""
        if isinstance(network, SpeedNet) and isinstance(self.recipe.task, PlaybackRateTask):
            motion = MotionCache(self.cache, self.clip.size_px)
            return lambda item, stride_s: score_motion(motion.video(item), network, stride_s)
        runtime = runtime_for(network) if isinstance(network, SpeedNet) else runtime_by_rate(network)
        return lambda item, stride_s: score_video(self.clips.video(item), runtime, self.clip, stride_s)

    def _scores(
        self, title: str, items: Sequence[VideoItem], score: Score, stride_s: float = 1.0
    ) -> list[VideoScores]:
        scores: list[VideoScores] = []
        with progress_bar(f"scoring {title}", "videos") as progress:
            for n, item in enumerate(items):
                try:
                    found = score(item, stride_s)
                    if found is None:
                        raise VideoError("too short for a window at 2x")
                    scores.append(found)
                except (VideoError, OSError) as error:
                    self.left_out.append(f"{item.path.name}: {error}")
                    self.log(f"left out {item.path}: {error}")
                progress(n + 1, len(items))
        if items and not scores:
            raise DataError(f"none of the {len(items)} {title} can be used: {self.left_out[-1]}")
        return scores


def _centred(videos: Sequence[VideoScores], bias: float) -> list[VideoScores]:
    """The scores with the bias taken away, so that 0 is undecided."""
    names = ("score_1x", "score_2x", "score_magnified")
    return [replace(video, **{name: getattr(video, name) - bias for name in names}) for video in videos]
