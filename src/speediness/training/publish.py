"""From a run to a network that people can use."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

import speediness
from speediness.datasets.clip_cache import ClipCache
from speediness.datasets.video_list import VideoItem, held_out, spread
from speediness.engines import open_judge
from speediness.engines.torch import judge_with
from speediness.errors import WeightsError
from speediness.evaluation.calibration import calibrate
from speediness.evaluation.speed_accuracy import ZOOM, fit_flow_threshold, overall, report, score_film
from speediness.models.checkpoint import load_network, save_network
from speediness.models.encoder import Encoder
from speediness.models.export import describe, export_onnx
from speediness.models.speednet import SpeedNet
from speediness.training.recipe import Recipe
from speediness.training.run import read_header


def averaged(run: Path) -> tuple[Encoder, Recipe, dict[str, Any]]:
    """The averaged network of a run's last checkpoint, its recipe, and what it was made by.

    Raises:
        WeightsError: the folder holds no checkpoint.
    """
    checkpoint = run / "checkpoint.safetensors"
    if not checkpoint.exists():
        raise WeightsError(f"{run} holds no checkpoint; train there first")
    header = read_header(checkpoint)
    recipe = Recipe.from_json(json.loads(header["recipe"]))
    network = recipe.task.network(recipe.config)
    tensors = load_file(checkpoint)
    network.load_state_dict({k[8:]: v for k, v in tensors.items() if k.startswith("average.")})
    made_by: dict[str, Any] = {
        "speediness": speediness.__version__,
        "recipe": recipe.to_json(),
        "steps": int(header["step"]),
    }
    return network, recipe, made_by


def publish(
    run: Path,
    items: list[VideoItem],
    out: Path,
    cache: Path,
    log: Callable[[str], None] = print,
    *,
    cache_bytes: int | None = None,
) -> dict[str, Any]:
    """Write the averaged weights of a run's last checkpoint; a SpeedNet also calibrated and as ONNX.

    Args:
        run: folder written by :func:`speediness.training.loop.train`, finished or not.
        items: the films it was trained on; with the sources held out then a SpeedNet is calibrated,
            with the others the mean-flow threshold is fitted that every accuracy is read against; of
            very many only some, see :func:`speediness.datasets.video_list.spread`.
        out: the ``.safetensors`` file to write; an ``.onnx`` goes beside it.
        cache: folder of decoded films.
        log: receives one line at a time.
        cache_bytes: most that ``cache`` may take.

    Returns:
        What was stored in the files beside the weights: provenance, validation, calibration.

    Raises:
        WeightsError: the folder holds no checkpoint.
    """
    network, recipe, made_by = averaged(run)
    save_network(out, network, made_by)
    clip = recipe.config.clip
    clips = ClipCache(cache, ZOOM * clip.size_px, clip.channels, cache_bytes)
    kept, held = held_out(items, recipe.validation_share)
    held = spread(held)
    if isinstance(network, SpeedNet):
        # Both files hold the same float16 numbers, so that they give the same answers.
        network = load_network(out, SpeedNet)
        return _publish_speednet(network, made_by, out.with_suffix(".onnx"), clips, (kept, held), log)
    validation = recipe.task.validate(network.in_use(), clips.films(held, log))
    return {"validation": validation, "made_by": made_by}


def _publish_speednet(
    network: SpeedNet,
    made_by: dict[str, Any],
    onnx: Path,
    clips: ClipCache,
    items: tuple[Sequence[VideoItem], Sequence[VideoItem]],
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Export, calibrate, describe: what the product needs; ``items`` are those kept and held out."""
    export_onnx(network, onnx)
    clip = network.config.clip
    # The same answers but for rounding; a full-width network takes hours for all films on a CPU.
    judge = judge_with(network.cuda()) if torch.cuda.is_available() else open_judge("onnx", onnx)
    log("scoring the training films for the mean-flow threshold")
    side_px = ZOOM * clip.size_px
    kept, held = (clips.films(part, log).at(side_px) for part in items)
    trained = [score_film(film, judge, clip, stride_s=4.0) for film in spread(kept)]
    threshold = fit_flow_threshold(trained)
    log("calibrating on the held-out sources")
    scores = [score_film(film, judge, clip) for film in held]
    document = {
        "calibration": calibrate(trained, scores, held, judge, clip),
        "flow_threshold": threshold,
        "validation": overall(report(scores, threshold)),
        "made_by": {**made_by, "films": {"train": len(kept), "validation": len(scores)}},
    }
    describe(onnx, document)
    return document
