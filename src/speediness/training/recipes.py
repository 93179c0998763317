"""The named recipes: small ones for two CPU cores, and the papers' own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from speediness.errors import SpeedinessError, suggest
from speediness.training.recipe import Recipe
from speediness.training.tasks.action_class import ActionClassTask
from speediness.training.tasks.colorization import ColorizationTask
from speediness.training.tasks.playback_rate import PlaybackRateTask
from speediness.training.tasks.random_walk import RandomWalkTask
from speediness.training.tasks.rspnet import RSPNetTask
from speediness.training.tasks.speed_class import SpeedClassTask
from speediness.training.tasks.tcc import TCCTask


def speednet_small() -> Recipe:
    """The default product network: MotionNet on the field of motion; minutes on two CPU cores."""
    return Recipe(
        task=PlaybackRateTask(),
        size_px=56,
        zoom=2.5,
        steps=900,
        windows=16,
        weight_decay=0.1,
        ema_decay=0.99,
        compiled=False,
        validation_share=0.16,
        evaluate_every=300,
    )


def speednet_s3dg() -> Recipe:
    """The paper's network: full width, RGB, 25 frames a second as Kinetics is counted; for a GPU."""
    return Recipe(
        backbone="s3dg",
        frame_rate=Fraction(25),
        size_px=224,
        task=SpeedClassTask(temporal="random"),
        resize=True,
        zoom=1.0,
        steps=20000,
        evaluate_every=1000,
    )


def rspnet_small() -> Recipe:
    """RSPNet on a narrow 3D ResNet-18: minutes on two CPU cores.

    The negatives are the other clips of the batch: a queue does harm in a run as short as this.
    """
    return Recipe(
        backbone="r3d18",
        width=0.25,
        compiled=False,
        recompressed=0,
        task=RSPNetTask(motion_temperature=0.07, queue=0),
        zoom=1.6,
        ema_decay=0.99,
        lr=1e-3,
        warmup_steps=10,
        weight_decay=1e-4,
        windows=48,
        steps=500,
    )


RSPNET_CODE: dict[str, Any] = {
    "frame_rate": Fraction(25),
    "recompressed": 0,
    "optimizer": "sgd",
    "weight_decay": 1e-4,
    "warmup_steps": 0,
    "clip_gradient": 0.0,
    "decay_norms": True,
    "keep": "last",
}
"""What pretraining and fine-tuning have in common in RSPNet's released code."""


def rspnet_s3dg() -> Recipe:
    """The RSPNet paper's S3D-G on Kinetics-400, 200 epochs at a batch of 256; for GPUs."""
    return dataclasses.replace(
        _rspnet_paper(), backbone="s3dg_rspnet", size_px=224, lr=0.2, windows=256, steps=183_000
    )


def rspnet_r3d18() -> Recipe:
    """The RSPNet paper's 3D ResNet-18 on Kinetics-400, 200 epochs at a batch of 256; for GPUs."""
    return dataclasses.replace(
        _rspnet_paper(), backbone="r3d18", size_px=112, lr=0.4, windows=256, steps=183_000
    )


def _rspnet_paper() -> Recipe:
    """What RSPNet's settings have in common (released configuration): SGD, momentum encoder at 0.999.

    It keeps the weights of the epoch with the lowest training loss, at the end of a cosine about the last.
    """
    return Recipe(
        task=RSPNetTask(motion_temperature=0.07),
        zoom=1.6,
        ema_decay=0.999,
        last_lr=1e-3,
        evaluate_every=5000,
        **RSPNET_CODE,
    )


def colorization_small() -> Recipe:
    """Colorization on a narrow ResNet-18 at 96 px: a quarter of an hour on a CPU core.

    No spatial augmentation, whose tints would be taken for the video's colours.
    """
    return Recipe(
        task=ColorizationTask(),
        backbone="frame_resnet18",
        width=0.25,
        n_frames=4,
        frame_rate=Fraction(6),
        size_px=96,
        spatial=False,
        recompressed=0,
        compiled=False,
        steps=1500,
        windows=16,
        lr=1e-3,
        weight_decay=1e-4,
        warmup_steps=20,
        ema_decay=0.99,
        evaluate_every=500,
    )


def random_walk_small() -> Recipe:
    """The contrastive random walk on a narrow ResNet-18, 16 patches of 32 px: as long as colorization."""
    return dataclasses.replace(
        colorization_small(),
        task=RandomWalkTask(temperature=0.07, patch_px=32, step_px=16),
        size_px=80,
        spatial=True,
        zoom=1.6,
        windows=12,
    )


def colorization() -> Recipe:
    """Colorization's published settings: Kinetics at 6 frames a second, 400 000 steps of 32; a GPU.

    Its network ends in five convolutions over space and time, which are left out here, as is its fall
    of the rate to a tenth after 60 000 steps.
    """
    return dataclasses.replace(
        colorization_small(), width=1.0, size_px=256, windows=32, steps=400_000, evaluate_every=5000
    )


def random_walk() -> Recipe:
    """The random walk's settings of its README: every 8th frame of Kinetics, 49 patches of 64 px; a GPU.

    25 epochs of 240 000 videos; the rate falls along a cosine, where theirs falls in steps.
    """
    return dataclasses.replace(
        random_walk_small(),
        task=RandomWalkTask(),
        width=1.0,
        frame_rate=Fraction(25, 8),
        size_px=256,
        zoom=1.2,
        windows=20,
        lr=1e-4,
        steps=300_000,
        evaluate_every=5000,
    )


def tcc_small() -> Recipe:
    """Temporal cycle-consistency on a fixed trunk of ImageNet, 16 moments of 8 videos: a CPU core."""
    return Recipe(
        task=TCCTask(),
        backbone="lite0",
        n_frames=32,
        size_px=96,
        zoom=1.6,
        recompressed=0,
        dropout=0.1,
        compiled=False,
        steps=400,
        windows=8,
        lr=1e-3,
        weight_decay=1e-4,
        warmup_steps=10,
        ema_decay=0.98,
        evaluate_every=200,
    )


def tcc() -> Recipe:
    """Temporal cycle-consistency's published settings but for the trunk: 20 moments, 150 000 steps; a GPU.

    Its batch is 2 videos of one action; here several, as actions may differ.
    """
    return dataclasses.replace(
        tcc_small(),
        task=TCCTask(context_s=0.5),
        n_frames=40,
        size_px=160,
        lr=1e-4,
        weight_decay=1e-5,
        steps=150_000,
        evaluate_every=5000,
    )


def finetune_small() -> Recipe:
    """Action recognition by a small network on few videos; minutes on two CPU cores."""
    return Recipe(
        steps=300,
        windows=32,
        zoom=1.6,
        dropout=0.5,
        lr=1e-3,
        recompressed=0,
        warmup_steps=30,
        ema_decay=0.98,
    )


def finetune_112() -> Recipe:
    """RSPNet's fine-tuning of 3D ResNet-18 on UCF101 split 1: 16 frames at 112 px, 30 epochs; a GPU."""
    return Recipe(
        task=ActionClassTask(average="logits"),
        backbone="r3d18",
        size_px=112,
        zoom=2.0,
        dropout=0.0,
        lr=0.1,
        windows=64,
        steps=4470,
        evaluate_every=500,
        **RSPNET_CODE,
    )


def finetune_s3dg() -> Recipe:
    """SpeedNet's fine-tuning (§5.4.1): 64 frames at 224 px; steps and rate are RSPNet's for UCF101.

    Its released configuration: 50 epochs in batches of 4 on each of two GPUs.
    """
    return dataclasses.replace(
        finetune_112(), backbone="s3dg", n_frames=64, size_px=224, lr=0.005, windows=8, steps=59_600
    )


def smoke() -> Recipe:
    """A few steps of the real code, to see that everything works."""
    return Recipe(
        width=0.2,
        frame_rate=Fraction(25),
        size_px=32,
        steps=4,
        windows=2,
        warmup_steps=1,
        evaluate_every=2,
        compiled=False,
    )


RECIPES: dict[str, Callable[[], Recipe]] = {
    "speednet_small": speednet_small,
    "speednet_s3dg": speednet_s3dg,
    "rspnet_small": rspnet_small,
    "rspnet_r3d18": rspnet_r3d18,
    "rspnet_s3dg": rspnet_s3dg,
    "colorization_small": colorization_small,
    "colorization": colorization,
    "random_walk_small": random_walk_small,
    "random_walk": random_walk,
    "tcc_small": tcc_small,
    "tcc": tcc,
    "finetune_small": finetune_small,
    "finetune_112": finetune_112,
    "finetune_s3dg": finetune_s3dg,
    "smoke": smoke,
}


def find_recipe(name: str, settings: Sequence[str]) -> Recipe:
    """A named recipe with ``key=value`` settings applied.

    Raises:
        SpeedinessError: no such recipe, or a setting that means nothing.
    """
    if name not in RECIPES:
        raise SpeedinessError(f"there is no recipe {name}; {suggest(name, RECIPES)}")
    return RECIPES[name]().with_settings(settings)
