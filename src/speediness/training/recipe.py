"""A training run as one flat value; :mod:`speediness.training.recipes` has the named ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
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
