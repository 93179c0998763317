"""Training of the mean-flow network, on the clips the other rows of Table 1 are trained on."""

# B clips of a batch, S pairs of neighbours in a clip

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from speediness.models.mean_flow import MeanFlowNet, flow_magnitudes
from speediness.training.loader import Loader

MOST_CLIPS = 9600  # 15 numbers each: plenty for two small layers
EPOCHS = 40
BATCH = 256
LR, WEIGHT_DECAY = 3e-3, 0.05


def train_mean_flow(
    loader: Loader,
    seed: int,
    clips: int,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> tuple[MeanFlowNet, list[dict[str, Any]]]:
    """Measure the flow of training clips once, then fit the two layers to it.

    Args:
        loader: gives the clips and their labels.
        seed: of the initial weights and of the order of the clips.
        clips: how many to draw, or a few more; at most MOST_CLIPS are.
        progress: called with clips measured and clips in all.

    Returns:
        The network in evaluation mode, and ``epoch``, ``loss`` and ``accuracy`` of every epoch.
    """
    magnitudes_BS, labels_B = _measure(loader, min(clips, MOST_CLIPS), progress)
    rows: list[dict[str, Any]] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MeanFlowNet(magnitudes_BS.shape[1])
        optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
        for epoch in range(EPOCHS):
            losses, right = [], []
            # A last part of a few clips would upset the batch norm: parts are as equal as can be.
            order = torch.randperm(len(labels_B))
            for part in order.chunk(max(1, len(order) // BATCH)):
                logits_B2: Tensor = network.layers(magnitudes_BS[part])
                loss = F.cross_entropy(logits_B2, labels_B[part])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                right.append((logits_B2.argmax(1) == labels_B[part]).float().mean().item())
            schedule.step()
            rows.append(
                {"epoch": epoch + 1, "loss": float(np.mean(losses)), "accuracy": float(np.mean(right))}
            )
    return network.eval(), rows


def _measure(loader: Loader, clips: int, progress: Callable[[float, float], None]) -> tuple[Tensor, Tensor]:
    """Flow magnitudes and labels of so many clips."""
    magnitudes, labels, measured, step = [], [], 0, 0
    while measured < clips:
        batch = loader.batch(step)
        magnitudes.append(flow_magnitudes(batch.inputs[0].numpy()))
        labels.append(batch.labels_B)
        measured, step = measured + len(batch.labels_B), step + 1
        progress(min(measured, clips), clips)
    return torch.from_numpy(np.concatenate(magnitudes)), torch.cat(labels)
