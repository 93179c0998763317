"""A training run as one flat value, and the named ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from speediness.clip import ClipSpec
from speediness.datasets.augment import MAX_ZOOM
from speediness.errors import SpeedinessError, suggest
from speediness.models.backbones import find_backbone
from speediness.models.checkpoint import load_checkpoint
from speediness.models.encoder import Encoder, EncoderConfig
from speediness.training.tasks import find_task
from speediness.training.tasks.action_class import ActionClassTask
from speediness.training.tasks.colorization import ColorizationTask
from speediness.training.tasks.playback_rate import PlaybackRateTask
from speediness.training.tasks.random_walk import RandomWalkTask
from speediness.training.tasks.rspnet import RSPNetTask
from speediness.training.tasks.speed_class import SpeedClassTask
from speediness.training.tasks.task import Task

OPTIMIZERS = ("adamw", "sgd")


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a run besides the data.

    Raises:
        SpeedinessError: an unknown backbone or optimizer.
    """

    task: Task = field(default_factory=SpeedClassTask)
    """With its own settings."""
    spatial: bool = True
    """Random square, zoom, flip, tone, blur and noise; off (a row of Table 1): the centre square."""
    zoom: float = MAX_ZOOM
    """How many times a square is enlarged at most."""
    resize: bool = False
    """Every batch at a size of its own, 64 to 336 pixels (SpeedNet §3.1); else all at ``size_px``."""
    backbone: str = "motion"
    """A name in :data:`speediness.models.backbones.BACKBONES`."""
    width: float = 1.0
    init: str = ""
    """Weights (.safetensors) whose backbone is started from; empty: a random start."""
    n_frames: int = 16
    frame_rate: Fraction = Fraction(8)
    size_px: int = 64
    dropout: float = 0.2
    steps: int = 1000
    recompressed: int = 1
    """Copies of every video stored anew at a random quality; each window is cut from the video or
    from one of them."""
    windows: int = 32
    """Windows of video a step, each seen as many times as the task has views."""
    optimizer: str = "adamw"
    """adamw, or sgd with momentum 0.9."""
    lr: float = 2e-3
    weight_decay: float = 0.05
    warmup_steps: int = 100
    decay_norms: bool = False
    """Weight decay on batch norm and biases too, as in RSPNet's code."""
    clip_gradient: float = 1.0
    """Longest gradient; 0: any."""
    last_lr: float = 0.0
    """Share of ``lr`` at the end of the cosine."""
    ema_decay: float = 0.998
    """Weights are averaged with this decay a step; the average is what is evaluated."""
    keep: Literal["average", "last"] = "average"
    """Which weights are published: their average, or those of the last step."""
    bf16: bool = True
    """In bfloat16 where that is to be trusted (:func:`speediness.training.run.has_bf16`)."""
    compiled: bool = True
    """The network is compiled before the first step: a minute, worth it from some 300 steps on."""
    validation_share: float = 0.12
    """Share of the sources held out of training (never of the test set)."""
    evaluate_every: int = 250
    checkpoint_minutes: float = 2.0
    """What a crash can cost."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, before any video is read."""
        find_backbone(self.backbone)
        if self.optimizer not in OPTIMIZERS:
            raise SpeedinessError(f"optimizer={self.optimizer}: choose one of {', '.join(OPTIMIZERS)}")

    @property
    def clips(self) -> int:
        """Clips a step."""
        return self.windows * self.task.views_per_window

    @property
    def config(self) -> EncoderConfig:
        """The network this recipe trains."""
        stem, _ = find_backbone(self.backbone)
        clip = ClipSpec(self.n_frames, self.frame_rate, self.size_px, 3 if stem.sees_frames else 1)
        return EncoderConfig(clip, self.backbone, self.width, self.dropout)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document; ``task`` holds its name and its settings."""
        task = {"name": self.task.name, **dataclasses.asdict(self.task)}
        return {**dataclasses.asdict(self), "task": task, "frame_rate": str(self.frame_rate)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Recipe:
        """Inverse of :meth:`to_json`."""
        options = {k: tuple(v) if isinstance(v, list) else v for k, v in document["task"].items()}
        name = str(options.pop("name"))
        task = find_task(name)(**options)
        return cls(**{**document, "task": task, "frame_rate": Fraction(document["frame_rate"])})

    def with_settings(self, settings: Sequence[str]) -> Recipe:
        """The recipe with ``key=value`` settings of its own or of its task, typed by what they replace.

        ``task=NAME`` takes another task, with the settings it has by default.

        Raises:
            SpeedinessError: unknown key (the nearest is named) or a value of the wrong type.
        """
        recipe = self
        for setting in settings:
            key, equals, value = setting.partition("=")
            if equals and key == "task":
                recipe = dataclasses.replace(recipe, task=find_task(value)())
                continue
            own = [f.name for f in dataclasses.fields(recipe)]
            names = own + [f.name for f in dataclasses.fields(recipe.task)]
            if not equals or key not in names:
                raise SpeedinessError(
                    f"--set {setting}: not a setting of a recipe (key=value); {suggest(key, names)}"
                )
            if key in own:
                recipe = dataclasses.replace(recipe, **{key: _typed(setting, getattr(recipe, key))})
            else:
                options = {key: _typed(setting, getattr(recipe.task, key))}
                recipe = dataclasses.replace(recipe, task=dataclasses.replace(recipe.task, **options))
        return recipe


def _typed(setting: str, before: Any) -> Any:
    """The value of ``key=value``, of the type of the one it replaces."""
    key, _, value = setting.partition("=")
    kind = type(before)
    try:
        if kind is tuple:
            return tuple(filter(None, value.split(",")))
        return {"true": True, "false": False}[value.lower()] if kind is bool else kind(value)
    except (ValueError, KeyError) as error:
        raise SpeedinessError(f"--set {setting}: {key} takes a {kind.__name__}") from error


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
    "finetune_small": finetune_small,
    "finetune_112": finetune_112,
    "finetune_s3dg": finetune_s3dg,
    "smoke": smoke,
}


def like_weights(recipe: Recipe, weights: Path) -> Recipe:
    """The recipe, starting from weights: their backbone, width and frame rate; its own size of clips.

    Raises:
        WeightsError: they cannot be read.
    """
    config = load_checkpoint(weights, Encoder).config
    return dataclasses.replace(
        recipe,
        init=str(weights),
        backbone=config.backbone,
        width=config.width,
        frame_rate=config.clip.frame_rate,
    )


def find_recipe(name: str, settings: Sequence[str]) -> Recipe:
    """A named recipe with ``key=value`` settings applied.

    Raises:
        SpeedinessError: no such recipe, or a setting that means nothing.
    """
    if name not in RECIPES:
        raise SpeedinessError(f"there is no recipe {name}; {suggest(name, RECIPES)}")
    return RECIPES[name]().with_settings(settings)
