"""One loop for every task: draw, score, step, average, evaluate, checkpoint, resume."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from speediness.analysis.network import Judge
from speediness.datasets.clip_cache import CachedFilm, ClipCache
from speediness.datasets.video_list import VideoItem, held_out
from speediness.errors import DataError, SpeedinessError
from speediness.evaluation.speed_accuracy import (
    ZOOM,
    FilmScores,
    fit_flow_threshold,
    overall,
    report,
    score_film,
)
from speediness.models.speednet import SpeedNet
from speediness.tasks import TASKS
from speediness.training.loader import Batch, Loader
from speediness.training.recipe import Recipe

REPORT_EVERY = 25  # steps


def train(
    recipe: Recipe,
    items: list[VideoItem],
    out: Path,
    cache: Path,
    resume: bool = False,
    log: Callable[[str], None] = print,
) -> Path:
    """Train by a recipe and write checkpoints and metrics to a folder.

    Args:
        recipe: what to train.
        items: films to train on; a share of their sources is held out for validation.
        out: run folder; ``metrics.jsonl`` and ``checkpoint.safetensors`` go there.
        cache: folder of decoded films.
        resume: continue the run in ``out`` from its last checkpoint, on the same sample order.
        log: receives one line at a time.

    Returns:
        The last checkpoint; :func:`speediness.training.publish.publish` makes a network of it.

    Raises:
        DataError: too few films can be decoded.
        SpeedinessError: the folder already holds a run, or the loss is no longer a number.
    """
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, metrics = out / "checkpoint.safetensors", out / "metrics.jsonl"
    if checkpoint.exists() and not resume:
        raise SpeedinessError(f"{out} already holds a run; continue it with --resume or choose another")
    clip = recipe.config.clip
    clips = ClipCache(cache, ZOOM * clip.size_px, clip.channels)
    kept, validation_items = held_out(items, recipe.validation_share)
    films, validation = clips.films(kept, log), clips.films(validation_items, log)
    if not films or not validation:
        raise DataError(
            f"{len(films)} films to train on and {len(validation)} to validate on: give more sources"
        )
    log(f"training on {len(films)} films, validating on {len(validation)}")

    run = _Run(recipe)
    first = run.restore(checkpoint) if resume and checkpoint.exists() else 0
    loader = Loader(films, run.task, clip, recipe.windows, recipe.seed)
    sums: Counter[str] = Counter()
    waited_s, started_s = 0.0, time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(loader.batch, first)
        for step in range(first, recipe.steps):
            before_s = time.monotonic()
            batch = pending.result()
            waited_s += time.monotonic() - before_s
            pending = pool.submit(loader.batch, step + 1)
            sums.update(run.step(batch, step))
            done = step + 1
            last = done == recipe.steps
            if done % REPORT_EVERY == 0 or last:
                spent_s = time.monotonic() - started_s
                count = sums.pop("steps")
                row = {name: total / count for name, total in sums.items()}
                row["wait_share"] = waited_s / spent_s
                row["clips_per_s"] = (done - first) * recipe.windows * run.task.views_per_window / spent_s
                minutes_left = spent_s / (done - first) * (recipe.steps - done) / 60
                _record(metrics, {"step": done, **row})
                log(f"step {done}/{recipe.steps}  {_line(row)}  {minutes_left:.0f} min left")
                sums.clear()
            if done % recipe.evaluate_every == 0 or last:
                row = validate(run.average, validation)
                _record(metrics, {"step": done, "validation": row})
                log(f"step {done}/{recipe.steps}  validation {_line(row)}")
            if done % recipe.checkpoint_every == 0 or last:
                run.save(checkpoint, done)
    return checkpoint


def judge_with(network: SpeedNet, batch_size: int = 32) -> Judge:
    """A torch network as the function that evaluation calls."""
    device = next(network.parameters()).device

    def judge(
        clips: NDArray[np.uint8], intervals: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        network.eval()
        logits, flow = [], []
        with torch.inference_mode():
            for i in range(0, len(clips), batch_size):
                part = torch.from_numpy(clips[i : i + batch_size]).to(device)
                spacing = torch.from_numpy(intervals[i : i + batch_size]).to(device)
                answer, motion = network(part, spacing)
                logits.append(answer.float().cpu().numpy())
                flow.append(motion.float().cpu().numpy())
        return np.concatenate(logits), np.concatenate(flow)

    return judge


def validate(
    network: SpeedNet, films: list[CachedFilm], flow_threshold: float | None = None
) -> dict[str, float]:
    """The evaluation of §5.1 on cached films: overall figures only."""
    scores = _scores(network, films)
    threshold = fit_flow_threshold(scores) if flow_threshold is None else flow_threshold
    return overall(report(scores, threshold))


def _scores(network: SpeedNet, films: list[CachedFilm]) -> list[FilmScores]:
    judge, clip = judge_with(network), network.config.clip
    return [score_film(film, judge, clip) for film in films]


class _Run:
    """The state of a run: network, running average of its weights, optimizer."""

    def __init__(self, recipe: Recipe) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.task = TASKS[recipe.task](recipe.skipping, recipe.rank_weight, recipe.magnified_weight)
        self.network = SpeedNet(recipe.config).to(self.device)
        self.average = SpeedNet(recipe.config).to(self.device)
        self.average.load_state_dict(self.network.state_dict())
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        free = [p for p in self.network.parameters() if p.ndim <= 1]  # norms and biases
        groups = [
            {"params": decayed, "weight_decay": recipe.weight_decay},
            {"params": free, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=recipe.lr)

    def step(self, batch: Batch, step: int) -> dict[str, float]:
        """One update; returns the losses, and ``steps`` = 1 to divide their sums by."""
        recipe = self.recipe
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.lr * _schedule(step, recipe)
        # Dropout too depends on seed and step alone, so that a resumed run repeats itself.
        torch.manual_seed(recipe.seed * 1_000_003 + step)
        self.network.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=recipe.bf16):
            logits, _ = self.network(batch.clips_BTHWC.to(self.device), batch.intervals_BS.to(self.device))
        losses = self.task.losses(logits.float())
        values = {name: loss.item() for name, loss in losses.items()}
        if not math.isfinite(values["loss"]):
            raise SpeedinessError(
                f"the loss of step {step} is {values['loss']} (seed {recipe.seed}); "
                "the last checkpoint is intact, resume with a lower lr"
            )
        self.optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip_gradient)
        self.optimizer.step()
        # The average starts short, so that it does not drag the random start along.
        _average(self.average, self.network, min(recipe.ema_decay, (1 + step) / (10 + step)))
        return {**values, "steps": 1}

    def save(self, path: Path, done: int) -> None:
        """Write everything needed to go on after ``done`` steps."""
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": v for k, v in state.items()}
        header = {"step": str(done), "recipe": json.dumps(self.recipe.to_json())}
        partial = path.with_name(path.name + ".partial")
        save_file({k: v.detach().contiguous() for k, v in tensors.items()}, partial, metadata=header)
        partial.replace(path)

    def restore(self, path: Path) -> int:
        """Load what :meth:`save` wrote; returns the number of steps done."""
        with safe_open(path, framework="pt") as file:
            done = int(file.metadata()["step"])
        tensors = load_file(path)
        for prefix, module in (("network.", self.network), ("average.", self.average)):
            state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            module.load_state_dict(state)
        optimizer = self.optimizer.state_dict()
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                optimizer["state"].setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict(optimizer)
        return done


def _schedule(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then a cosine to zero."""
    if step < recipe.warmup_steps:
        return (step + 1) / recipe.warmup_steps
    progress = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * progress))


@torch.no_grad()
def _average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Exponential moving average of weights and batch-norm statistics."""
    current = network.state_dict()
    for name, value in average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(current[name], 1 - decay)
        else:
            value.copy_(current[name])


def _record(path: Path, row: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def _line(row: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in row.items())
