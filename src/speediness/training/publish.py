"""From a run to a network that people can use: calibrated on held-out sources, exported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

import speediness
from speediness.datasets.clip_cache import ClipCache
from speediness.datasets.video_list import VideoItem, held_out
from speediness.engines import open_judge
from speediness.engines.torch import judge_with
from speediness.errors import WeightsError
from speediness.evaluation.calibration import calibrate
from speediness.evaluation.speed_accuracy import ZOOM, fit_flow_threshold, overall, report, score_film
from speediness.models.checkpoint import load_speednet, save_speednet
from speediness.models.export import describe, export_onnx
from speediness.models.speednet import SpeedNet
from speediness.training.recipe import Recipe
from speediness.training.run import read_header


def publish(
    run: Path,
    items: list[VideoItem],
    out: Path,
    cache: Path,
    log: Callable[[str], None] = print,
    *,
    cache_bytes: int | None = None,
) -> dict[str, Any]:
    """Write the averaged weights of a run's last checkpoint, as safetensors and as ONNX.

    Args:
        run: folder written by :func:`speediness.training.loop.train`, finished or not.
        items: the films it was trained on; with the sources held out then it is calibrated, with
            the others the mean-flow threshold is fitted that every accuracy is read against.
        out: the ``.onnx`` file to write; the ``.safetensors`` goes beside it.
        cache: folder of decoded films.
        log: receives one line at a time.
        cache_bytes: most that ``cache`` may take.

    Returns:
        What was stored in the file beside the weights: calibration, provenance, validation.

    Raises:
        WeightsError: the folder holds no checkpoint.
    """
    checkpoint = run / "checkpoint.safetensors"
    if not checkpoint.exists():
        raise WeightsError(f"{run} holds no checkpoint; train there first")
    header = read_header(checkpoint)
    recipe = Recipe.from_json(json.loads(header["recipe"]))
    network = SpeedNet(recipe.config)
    tensors = load_file(checkpoint)
    network.load_state_dict({k[8:]: v for k, v in tensors.items() if k.startswith("average.")})
    made_by: dict[str, Any] = {
        "speediness": speediness.__version__,
        "recipe": recipe.to_json(),
        "steps": int(header["step"]),
    }
    # Both files hold the same float16 numbers, so that they give the same answers.
    save_speednet(out.with_suffix(".safetensors"), network, made_by)
    network = load_speednet(out.with_suffix(".safetensors"))

    clip = recipe.config.clip
    clips = ClipCache(cache, ZOOM * clip.size_px, clip.channels, cache_bytes)
    kept, validation_items = held_out(items, recipe.validation_share)
    export_onnx(network, out)
    # The same answers but for rounding; a full-width network takes hours for all films on a CPU.
    judge = judge_with(network.cuda()) if torch.cuda.is_available() else open_judge("onnx", out)
    log("scoring the training films for the mean-flow threshold")
    side_px = ZOOM * clip.size_px
    trained = [score_film(film, judge, clip, stride_s=4.0) for film in clips.films(kept, log).at(side_px)]
    threshold = fit_flow_threshold(trained)
    log("calibrating on the held-out sources")
    films = clips.films(validation_items, log).at(side_px)
    scores = [score_film(film, judge, clip) for film in films]
    document = {
        "calibration": calibrate(trained, scores, films, judge, clip),
        "flow_threshold": threshold,
        "validation": overall(report(scores, threshold)),
        "made_by": {**made_by, "films": {"train": len(trained), "validation": len(films)}},
    }
    describe(out, document)
    return document
