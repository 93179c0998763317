"""Training and scoring of one row of Table 1; what was done before is not done again."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save_file

import speediness
from speediness.datasets.clip_cache import CachedFilm, ClipCache
from speediness.datasets.video_list import VideoItem, digest, held_out, spread
from speediness.documents import read_json, write_json, write_text
from speediness.engines.judge import WindowJudge
from speediness.engines.torch import judge_with
from speediness.errors import DataError, VideoError
from speediness.evaluation.calibration import centred, fit_scale
from speediness.evaluation.speed_accuracy import ZOOM, FilmScores, fit_flow_threshold, score_film
from speediness.models.mean_flow import judge_by_flow
from speediness.models.speednet import SpeedNet
from speediness.progress import progress_bar
from speediness.reproduce.ablation import Row
from speediness.reproduce.flow_baseline import train_mean_flow
from speediness.reproduce.row_result import ROW_SCHEMA, RowResult
from speediness.tasks.task import Batch
from speediness.training.loader import Loader
from speediness.training.loop import train
from speediness.training.processes import joined_processes
from speediness.training.recipe import Recipe
from speediness.training.run import Run

TRAINED_STRIDE_S = 4.0  # of their windows, as for the published weights
OWN_CLIPS = 1200  # drawn from held-out films as in training

Log = Callable[[str], None]


@dataclass(frozen=True)
class Films:
    """What a table is made from."""

    train: list[VideoItem]
    """Trained on, but for the sources that a recipe holds out."""
    test: list[VideoItem]
    """In the domain trained on, sources never seen."""
    ood: list[VideoItem]
    """Out of the domain, such as films of a high frame rate; may be none."""


def make_row(row: Row, recipe: Recipe, films: Films, folder: Path, cache: Path, log: Log) -> RowResult:
    """Train a row and score it, or load what was done before; an unfinished training goes on.

    Args:
        row: of the table.
        recipe: this row's, see :meth:`Row.recipe`.
        films: to train and test on.
        folder: of this row and seed; checkpoint, metrics and ``row.json`` go there.
        cache: folder of decoded films.
        log: receives one line at a time.

    Raises:
        DataError: the folder holds a row of another recipe or of other films; too few films.
    """
    path = folder / "row.json"
    made_by = {"recipe": recipe.to_json(), "films": digest(vars(films).values())}
    if path.exists():
        document = read_json(path, ROW_SCHEMA)
        if {key: document["made_by"][key] for key in made_by} != made_by:
            raise DataError(
                f"{folder} holds this row by another recipe or on other films; choose another --out"
            )
        if "result" in document:
            log(f"{row.title}: done before, see {path}")
            return RowResult.from_json(document["result"])
    else:
        folder.mkdir(parents=True, exist_ok=True)
        document = {"schema": ROW_SCHEMA, "made_by": made_by | {"speediness": speediness.__version__}}
        write_json(path, document)
    result = _Maker(row, recipe, films, folder, cache, log).make()
    write_json(path, document | {"result": result.to_json()})
    return RowResult.from_json(read_json(path, ROW_SCHEMA)["result"])


class _Maker:
    """The steps of :func:`make_row` and what they share."""

    def __init__(self, row: Row, recipe: Recipe, films: Films, folder: Path, cache: Path, log: Log) -> None:
        self.row, self.recipe, self.films, self.folder, self.log = row, recipe, films, folder, log
        self.clip, self.cache = recipe.config.clip, cache
        self.clips = ClipCache(cache, ZOOM * self.clip.size_px, self.clip.channels)
        kept, held = held_out(films.train, recipe.validation_share)
        self.kept, self.held = spread(kept), spread(held)
        self.left_out: list[str] = []

    def make(self) -> RowResult:
        started_s = time.monotonic()
        judge = self._mean_flow() if self.row.kind == "mean_flow" else self._network()
        trained = self._scores("training films", self.kept, judge, TRAINED_STRIDE_S)
        held = self._scores("held-out films", self.held, judge)
        bias, _ = fit_scale(trained + held)
        return RowResult(
            bias=bias,
            flow_threshold=fit_flow_threshold(trained),
            own=self._own(judge),
            trained=centred(trained, bias),
            test=centred(self._scores("test films", self.films.test, judge), bias),
            ood=centred(self._scores("films out of domain", self.films.ood, judge), bias),
            left_out=self.left_out,
            seconds=time.monotonic() - started_s,
        )

    def _network(self) -> WindowJudge:
        checkpoint = self.folder / "checkpoint.safetensors"
        train(
            self.recipe, self.films.train, self.folder, self.cache, resume=checkpoint.exists(), log=self.log
        )
        with joined_processes() as processes:
            run = Run(self.recipe, processes)
            run.restore(checkpoint)
        assert isinstance(run.average, SpeedNet)
        return judge_with(run.average)

    def _mean_flow(self) -> WindowJudge:
        recipe = self.recipe
        loader = self._loader(self._decoded(self.kept), recipe.seed)
        with progress_bar("measuring the flow of training clips", "clips") as progress:
            # It sees no more clips than the others.
            network, metrics = train_mean_flow(loader, recipe.seed, recipe.steps * recipe.clips, progress)
        lines = "".join(json.dumps(row) + "\n" for row in metrics)
        write_text(self.folder / "metrics.jsonl", lines)
        partial = self.folder / "checkpoint.safetensors.partial"
        save_file(network.state_dict(), partial)
        partial.replace(partial.with_suffix(""))
        return judge_by_flow(network)

    def _loader(self, films: Sequence[CachedFilm], seed: int) -> Loader:
        """Batches as this row's training draws them."""
        recipe = self.recipe
        return Loader(films, recipe.task, self.clip, recipe.windows, seed, recipe.spatial, zoom=recipe.zoom)

    def _own(self, judge: WindowJudge) -> dict[str, tuple[int, int]]:
        """Right answers on held-out sources when clips are drawn as this row's training draws them."""
        by_source: dict[str, list[CachedFilm]] = defaultdict(list)
        for film in self._decoded(self.held):
            by_source[film.item.source].append(film)
        batches = max(1, round(OWN_CLIPS / len(by_source) / self.recipe.clips))
        own: dict[str, tuple[int, int]] = {}
        with progress_bar("held-out films, sampled as in training", "sources") as progress:
            for source, films in by_source.items():
                loader = self._loader(films, seed=0)
                right = np.concatenate([self._right(loader.batch(n), judge) for n in range(batches)])
                own[source] = int(right.sum()), len(right)
                progress(len(own), len(by_source))
        return own

    def _right(self, batch: Batch, judge: WindowJudge) -> NDArray[np.bool_]:
        """Which of the clips were right."""
        logits, _ = judge(batch.clips_BTHWC.numpy(), batch.intervals_BS.numpy())
        return logits.argmax(1) == batch.labels_B.numpy()

    def _decoded(self, items: Sequence[VideoItem]) -> Sequence[CachedFilm]:
        # What cannot be decoded is named when it is scored.
        return self.clips.films(items, lambda line: None, self.recipe.recompressed)

    def _scores(
        self, title: str, items: Sequence[VideoItem], judge: WindowJudge, stride_s: float = 1.0
    ) -> list[FilmScores]:
        scores: list[FilmScores] = []
        with progress_bar(f"scoring {title}", "films") as progress:
            for n, item in enumerate(items):
                try:
                    scores.append(score_film(self.clips.film(item), judge, self.clip, stride_s))
                except (VideoError, OSError) as error:
                    self.left_out.append(f"{item.path.name}: {error}")
                    self.log(f"left out {item.path}: {error}")
                progress(n + 1, len(items))
        if items and not scores:
            raise DataError(f"none of the {len(items)} {title} can be used: {self.left_out[-1]}")
        return scores
