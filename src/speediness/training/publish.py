"""From a run to a network that people can use."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from speediness.datasets.video_list import VideoItem, held_out, subsample
from speediness.errors import WeightsError
from speediness.evaluation.calibration import fit_odds, measure_response
from speediness.evaluation.speed_accuracy import fit_flow_threshold, overall, report
from speediness.models.checkpoint import load_checkpoint, save_network
from speediness.models.encoder import Encoder
from speediness.models.export import describe, export_onnx
from speediness.models.speednet import SpeedNet
from speediness.training.recipe import Recipe
from speediness.training.run import read_header
from speediness.training.videos import answers_of, open_videos, scores_of
from speediness.version import __version__


def averaged(run: Path, *others: Path) -> tuple[Encoder, Recipe, dict[str, Any]]:
    """The averaged network of a run's last checkpoint, its recipe, and what it was made by.

    Args:
        run: folder of the run.
        others: runs of the same recipe and the same ``init`` with other seeds, whose weights are averaged
            with the first's (Wortsman et al. 2022, arXiv 2203.05482, §2: a uniform soup).

    Raises:
        WeightsError: a folder holds no checkpoint, or runs differ in more than their seed.
    """
    network, recipe, made_by = _last_weights(run)
    if not others:
        return network, recipe, made_by
    parts, seeds = [network.state_dict()], [recipe.seed]
    for other in others:
        again, same, _ = _last_weights(other)
        if replace(same, seed=recipe.seed) != recipe or not recipe.init:
            raise WeightsError(f"{other} and {run} differ in more than their seed, or started at random")
        parts.append(again.state_dict())
        seeds.append(same.seed)
    mean = {
        name: torch.stack([part[name].float() for part in parts]).mean(0).to(value.dtype)
        for name, value in parts[0].items()
    }
    network.load_state_dict(mean)
    return network, recipe, made_by | {"seeds_averaged": seeds}


def _last_weights(run: Path) -> tuple[Encoder, Recipe, dict[str, Any]]:
    checkpoint = run / "checkpoint.safetensors"
    if not checkpoint.exists():
        raise WeightsError(f"{run} holds no checkpoint; train there first")
    header = read_header(checkpoint)
    recipe = Recipe.from_json(json.loads(header["recipe"]))
    network = recipe.task.network(recipe.config)
    tensors = load_file(checkpoint)
    prefix = "average." if recipe.keep == "average" else "network."
    network.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    made_by: dict[str, Any] = {
        "speediness": __version__,
        "recipe": recipe.to_json(),
        "steps": int(header["step"]),
    }
    return network, recipe, made_by


def publish(
    runs: Sequence[Path],
    items: list[VideoItem],
    out: Path,
    cache: Path,
    log: Callable[[str], None] = print,
    *,
    cache_bytes: int | None = None,
    more: Sequence[VideoItem] = (),
) -> dict[str, Any]:
    """Write the averaged weights of runs' last checkpoints; a SpeedNet also calibrated and as ONNX.

    Args:
        runs: folders written by :func:`speediness.training.loop.train`, finished or not: one, or several
            to average, see :func:`averaged`.
        items: the videos it was trained on; with the sources held out then a SpeedNet is calibrated,
            with the others the mean-flow threshold is fitted that every accuracy is read against; of
            very many only some, see :func:`speediness.datasets.video_list.subsample`.
        out: the ``.safetensors`` file to write; an ``.onnx`` goes beside it.
        cache: folder of decoded videos.
        log: receives one line at a time.
        cache_bytes: most that ``cache`` may take.
        more: what else it was trained on; counted, and used for nothing here.

    Returns:
        What was stored in the files beside the weights: provenance, validation, response.

    Raises:
        WeightsError: as :func:`averaged`.
    """
    network, recipe, made_by = averaged(*runs)
    # Where somebody's files lie is nobody else's business.
    made_by["recipe"]["init"] = Path(recipe.init).name
    parts = held_out(items, recipe.validation_share)
    kept, held = (open_videos(recipe, subsample(part), cache, log, cache_bytes) for part in parts)
    if not isinstance(network, SpeedNet):
        save_network(out, network, made_by)
        exported = recipe.task.export(network, out, made_by)
        measured = (network if exported is None else exported).for_inference()
        return {"validation": recipe.task.validate(measured, held), "made_by": made_by}
    network.for_inference()
    log("calibrating on the held-out sources")
    said = answers_of(recipe, network, held)
    offset, log_variance = fit_odds(said)
    network.calibrate(offset, log_variance)
    scale = 1.0 if network.head == "rate" else math.exp(-log_variance)
    response = measure_response([video.shifted(offset, scale) for video in said])
    save_network(out, network.cpu(), made_by)
    # Both files hold the same float16 numbers, so that they give the same answers.
    network = load_checkpoint(out, SpeedNet)
    export_onnx(network, out.with_suffix(".onnx"))
    network.for_inference()
    log("scoring the training videos for the mean-flow threshold")
    threshold = fit_flow_threshold(scores_of(recipe, network, kept))
    scores = scores_of(recipe, network, held)
    document = {
        "response": response.to_json(),
        "flow_threshold": threshold,
        "validation": overall(report(scores, threshold)),
        "made_by": {**made_by, "films": {"train": len(parts[0]) + len(more), "validation": len(held)}},
    }
    describe(out.with_suffix(".onnx"), document)
    return document
