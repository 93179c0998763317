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
from speediness.datasets.video_list import VideoItem, held_out, subsample
from speediness.engines import open_runtime
from speediness.engines.torch import runtime_for
from speediness.errors import WeightsError
from speediness.evaluation.calibration import calibrate
from speediness.evaluation.speed_accuracy import (
    MAGNIFICATION,
    fit_flow_threshold,
    overall,
    report,
    score_video,
)
from speediness.models.checkpoint import load_checkpoint, save_network
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
        items: the videos it was trained on; with the sources held out then a SpeedNet is calibrated,
            with the others the mean-flow threshold is fitted that every accuracy is read against; of
            very many only some, see :func:`speediness.datasets.video_list.subsample`.
        out: the ``.safetensors`` file to write; an ``.onnx`` goes beside it.
        cache: folder of decoded videos.
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
    clips = ClipCache(cache, MAGNIFICATION * clip.size_px, clip.channels, cache_bytes)
    kept, held = held_out(items, recipe.validation_share)
    held = subsample(held)
    if isinstance(network, SpeedNet):
        # Both files hold the same float16 numbers, so that they give the same answers.
        network = load_checkpoint(out, SpeedNet)
        return _publish_speednet(network, made_by, out.with_suffix(".onnx"), clips, (kept, held), log)
    validation = recipe.task.validate(network.for_inference(), clips.videos(held, log))
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
    # The same answers but for rounding; a full-width network takes hours for all videos on a CPU.
    runtime = runtime_for(network.cuda()) if torch.cuda.is_available() else open_runtime("onnx", onnx)
    log("scoring the training videos for the mean-flow threshold")
    side_px = MAGNIFICATION * clip.size_px
    kept, held = (clips.videos(part, log).at(side_px) for part in items)
    trained = [score_video(video, runtime, clip, stride_s=4.0) for video in subsample(kept)]
    threshold = fit_flow_threshold(trained)
    log("calibrating on the held-out sources")
    scores = [score_video(video, runtime, clip) for video in held]
    document = {
        "calibration": calibrate(trained, scores, held, runtime, clip),
        "flow_threshold": threshold,
        "validation": overall(report(scores, threshold)),
        "made_by": {**made_by, "films": {"train": len(kept), "validation": len(scores)}},
    }
    describe(onnx, document)
    return document
