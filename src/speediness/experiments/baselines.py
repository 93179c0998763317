"""Training of what is no deep network, on the clips that the other rows are trained on."""

# B clips of a batch, S pairs of neighbours in a clip

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from speediness.errors import DataError
from speediness.models.dense_trajectories import Trajectories
from speediness.models.mean_flow import MeanFlowNet, flow_magnitudes
from speediness.models.trajectory_classifier import TrajectoryClassifier, TrajectoryRate, clip_trajectories
from speediness.runtime.protocol import Pixels
from speediness.training.loader import Loader

MOST_CLIPS = 9600  # 15 numbers each: plenty for two small layers
MOST_FOLLOWED = 1200  # clips of some 30 tracks each; following them takes longest
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
    measured = [
        (torch.from_numpy(flow_magnitudes(clips_BTHWC)), labels_B)
        for clips_BTHWC, labels_B in _drawn(loader, min(clips, MOST_CLIPS), progress)
    ]
    magnitudes_BS, labels_B = map(torch.cat, zip(*measured, strict=True))
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


def train_trajectories(
    loader: Loader,
    seed: int,
    clips: int,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> TrajectoryRate:
    """Follow points through training clips once, then fit mixtures and an SVM to them.

    Args:
        loader: see :func:`train_mean_flow`.
        seed: of the mixtures.
        clips: how many to draw, or a few more; at most MOST_FOLLOWED are.
        progress: see :func:`train_mean_flow`.

    Raises:
        DataError: hardly anything moves in the clips.
    """
    tracks: list[Trajectories] = []
    names: list[str] = []
    for clips_BTHWC, labels_B in _drawn(loader, min(clips, MOST_FOLLOWED), progress):
        tracks += map(clip_trajectories, clips_BTHWC)
        names += [f"{2**label}x" for label in labels_B.tolist()]
    return TrajectoryRate(fitted(TrajectoryClassifier(seed=seed), tracks, names))


def fitted(
    classifier: TrajectoryClassifier, videos: Sequence[Trajectories], labels: Sequence[str]
) -> TrajectoryClassifier:
    """The classifier after it learned from videos.

    Raises:
        DataError: hardly anything moves in them.
    """
    try:
        return classifier.fit(videos, labels)
    except ValueError as error:
        raise DataError(
            f"dense trajectories learned nothing from these videos ({error}); clips need 16 frames or more"
            " of 32 pixels or more in which something moves"
        ) from error


def _drawn(
    loader: Loader, clips: int, progress: Callable[[float, float], None]
) -> Iterator[tuple[Pixels, Tensor]]:
    """Batches of clips (B, T, H, W, C) and their labels until there are so many clips."""
    drawn, step = 0, 0
    while drawn < clips:
        batch = loader.batch(step)
        yield batch.inputs[0].numpy(), batch.labels_B
        drawn, step = drawn + len(batch.labels_B), step + 1
        progress(min(drawn, clips), clips)
