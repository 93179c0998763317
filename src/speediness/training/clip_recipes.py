"""Named recipes of tasks on clips, which train 3D networks; those of all tasks: recipes.py."""

import dataclasses
from fractions import Fraction
from typing import Any

from speediness.training.recipe import Recipe
from speediness.training.tasks.arrow_of_time import ArrowOfTimeTask
from speediness.training.tasks.odd_one_out import OddOneOutTask
from speediness.training.tasks.rspnet import RSPNetTask


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


def odd_one_out_small() -> Recipe:
    """Odd-one-out on the network of ``rspnet_small``: six clips of six frames a window.

    The paper's schedule is not known here, so there is no recipe of its settings.
    """
    return dataclasses.replace(rspnet_small(), task=OddOneOutTask(), windows=8, steps=1000)


def arrow_of_time_small() -> Recipe:
    """The arrow of time on the network of ``rspnet_small``, which sees the whole clip in RGB."""
    return dataclasses.replace(rspnet_small(), task=ArrowOfTimeTask(), windows=16, steps=1000)


def arrow_of_time() -> Recipe:
    """T-CAM's settings for UCF101: two stacks of ten fields of flow, 20 epochs of 5 000 steps of 32; a GPU.

    The temporal stream of two-stream networks stands for VGG-16, and the project's flow for theirs. Their
    rate is 1e-2 for an epoch and 1e-3 for the rest, here it warms up to 1e-3 and falls.
    """
    return dataclasses.replace(
        arrow_of_time_small(),
        task=ArrowOfTimeTask(parts=2),
        backbone="temporal_stream",
        width=1.0,
        n_frames=22,
        frame_rate=Fraction(25),
        size_px=224,
        windows=32,
        dropout=0.5,
        optimizer="sgd",
        lr=1e-3,
        weight_decay=5e-4,
        steps=100_000,
        evaluate_every=5000,
    )
