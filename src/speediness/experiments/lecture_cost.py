"""What a network of the lecture costs, and what it can tell in time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from speediness.models.backbones import find_backbone
from speediness.models.cost import count_macs, count_parameters, count_saved_bytes
from speediness.models.recogniser import Recogniser
from speediness.models.time_sense import time_sense
from speediness.training.recipe import Recipe

CLIPS = 8  # a batch
RUNS = 3  # the middle one counts, after one more


def cost(recipe: Recipe) -> dict[str, Any]:
    """Counted: ``parameters``, ``macs`` a clip, ``saved_bytes`` a clip. Measured here: clips a second.

    Returns:
        ``cost`` with these, ``clips_per_s`` for ``training`` and ``inference`` in float32, and
        ``device``; ``sense``, see :func:`speediness.models.time_sense.time_sense`.
    """
    torch.manual_seed(0)
    config, stem = recipe.config, find_backbone(recipe.backbone)[0]
    network = Recogniser(config, ["a", "b"]).for_inference()
    device = next(network.parameters()).device
    clip = config.clip
    clips = torch.randint(0, 256, (CLIPS, clip.n_frames, clip.size_px, clip.size_px, clip.channels))
    clips = clips.to(device, torch.uint8)
    labels = torch.arange(CLIPS, device=device) % 2
    shape = (1, stem.out_channels, clip.n_frames, clip.size_px, clip.size_px)
    found: dict[str, Any] = {
        "parameters": count_parameters(network.backbone),
        "macs": count_macs(network.backbone, shape),
        "saved_bytes": count_saved_bytes(network.train(), clips) // CLIPS,
        "device": device.type,
    }

    def training() -> Tensor:
        loss = F.cross_entropy(network(clips)[0], labels)
        loss.backward()
        network.zero_grad()
        return loss

    def inference() -> Tensor:
        with torch.inference_mode():
            return network(clips)[0].sum()

    found["clips_per_s"] = {"training": _per_s(training)}
    network.eval()
    found["clips_per_s"]["inference"] = _per_s(inference)
    return {"cost": found, "sense": dataclasses.asdict(time_sense(network))}


def _per_s(run: Callable[[], Tensor]) -> float:
    taken_s = []
    for _ in range(RUNS + 1):
        started_s = time.perf_counter()
        run().item()  # waits for the device
        taken_s.append(time.perf_counter() - started_s)
    return CLIPS / sorted(taken_s[1:])[RUNS // 2]
