"""The named recipes: small ones for two CPU cores, and the papers' own."""

import dataclasses
from collections.abc import Callable, Sequence
from fractions import Fraction

from speediness.errors import SpeedinessError, suggest
from speediness.training.clip_recipes import (
    RSPNET_CODE,
    arrow_of_time,
    arrow_of_time_small,
    odd_one_out_small,
    rspnet_r3d18,
    rspnet_s3dg,
    rspnet_small,
)
from speediness.training.recipe import Recipe
from speediness.training.tasks.action_class import ActionClassTask
from speediness.training.tasks.colorization import ColorizationTask
from speediness.training.tasks.playback_rate import PlaybackRateTask
from speediness.training.tasks.random_walk import RandomWalkTask
from speediness.training.tasks.shuffle_and_learn import ShuffleAndLearnTask
from speediness.training.tasks.speed_class import SpeedClassTask
from speediness.training.tasks.tcc import TCCTask
from speediness.training.tasks.time_cycle import TimeCycleTask


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


def time_cycle_small() -> Recipe:
    """TimeCycle on a narrow ResNet-18 at 96 px, its localiser first: longer than colorization."""
    return dataclasses.replace(
        colorization_small(),
        task=TimeCycleTask(cycle_weight=0.2, localiser_first=200),
        spatial=True,
        zoom=1.6,
    )


def shuffle_and_learn_small() -> Recipe:
    """Shuffle and learn on a narrow ResNet-18 at 96 px: minutes on a CPU core."""
    return dataclasses.replace(
        colorization_small(),
        task=ShuffleAndLearnTask(),
        spatial=True,
        zoom=1.6,
        dropout=0.5,
        windows=32,
    )


def shuffle_and_learn() -> Recipe:
    """Shuffle and learn's settings for UCF101: 100 000 steps of 128 tuples, SGD; a GPU.

    AlexNet as in Karpathy et al. stands for CaffeNet; 224 px for 227. The rate falls along a cosine,
    where theirs falls to a tenth after 80 000 steps.
    """
    return dataclasses.replace(
        shuffle_and_learn_small(),
        backbone="single_frame",
        width=1.0,
        size_px=224,
        windows=128,
        steps=100_000,
        optimizer="sgd",
        lr=1e-3,
        weight_decay=5e-4,
        evaluate_every=5000,
    )


def time_cycle() -> Recipe:
    """TimeCycle's settings for VLOG: every second of 12 frames a second, 240 px, batches of 36; a GPU.

    ResNet-18 stands for ResNet-50. 30 epochs are as many steps if the data set has 114 000 videos.
    """
    return dataclasses.replace(
        time_cycle_small(),
        task=TimeCycleTask(localiser_first=20_000),
        width=1.0,
        size_px=240,
        windows=36,
        lr=2e-4,
        clip_gradient=10.0,
        steps=95_000,
        evaluate_every=5000,
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
    "time_cycle_small": time_cycle_small,
    "time_cycle": time_cycle,
    "shuffle_and_learn_small": shuffle_and_learn_small,
    "shuffle_and_learn": shuffle_and_learn,
    "odd_one_out_small": odd_one_out_small,
    "arrow_of_time_small": arrow_of_time_small,
    "arrow_of_time": arrow_of_time,
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
