"""A training run as one flat value, and the named ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from speediness.clip import ClipSpec
from speediness.errors import SpeedinessError
from speediness.models.backbones import find_backbone
from speediness.models.speednet import SpeedNetConfig
from speediness.tasks import TASKS
from speediness.tasks.speed_class import SpeedClassTask, Temporal


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a run besides the data.

    Raises:
        SpeedinessError: an unknown task or backbone, or an option that the task does not know.
    """

    task: str = "speed_class"
    same_batch: bool = SpeedClassTask.same_batch
    temporal: Temporal = SpeedClassTask.temporal
    spatial: bool = True
    """Random square, zoom, flip, tone, blur and noise; off (a row of Table 1): the centre square."""
    backbone: str = "motion"
    """A name in :data:`speediness.models.backbones.BACKBONES`."""
    width: float = 1.0
    n_frames: int = 16
    frame_rate: Fraction = Fraction(8)
    size_px: int = 64
    dropout: float = 0.2
    steps: int = 1000
    recompressed: int = 1
    """Copies of every film stored anew at a random quality; each window is cut from the film or
    from one of them."""
    in_context: bool = False
    """Windows are drawn with what lies around them and judged with and without it, and the difference
    is a loss (:mod:`speediness.training.in_context`): for the last steps of a run, at twice the time."""
    windows: int = 32
    """Windows of film a step, each seen at two speeds; without ``same_batch`` as many clips are
    drawn from windows of their own."""
    lr: float = 2e-3
    weight_decay: float = 0.05
    warmup_steps: int = 100
    clip_gradient: float = 1.0
    ema_decay: float = 0.998
    """Weights are averaged with this decay a step; the average is what is evaluated and kept."""
    bf16: bool = True
    """In bfloat16 where the processor has it."""
    compiled: bool = True
    """The network is compiled before the first step: a minute, worth it from some 300 steps on."""
    validation_share: float = 0.12
    """Share of the sources held out of training (never of the test set)."""
    evaluate_every: int = 250
    checkpoint_minutes: float = 2.0
    """What a crash can cost."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, before any film is read."""
        if self.task not in TASKS:
            raise SpeedinessError(f"there is no task {self.task}; known: {', '.join(TASKS)}")
        find_backbone(self.backbone)
        if self.in_context and self.backbone != "motion":
            raise SpeedinessError("in_context=true needs backbone=motion: another's context has no bounds")
        self.build_task()

    def build_task(self) -> SpeedClassTask:
        """The task, its options taken from the fields of the same names."""
        kind = TASKS[self.task]
        return kind(**{option.name: getattr(self, option.name) for option in dataclasses.fields(kind)})

    @property
    def clips(self) -> int:
        """Clips a step."""
        return self.windows * 2

    @property
    def config(self) -> SpeedNetConfig:
        """The network this recipe trains."""
        stem, _ = find_backbone(self.backbone)
        clip = ClipSpec(self.n_frames, self.frame_rate, self.size_px, 3 if stem.sees_pictures else 1)
        return SpeedNetConfig(clip, self.backbone, self.width, self.dropout)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        return {**dataclasses.asdict(self), "frame_rate": str(self.frame_rate)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Recipe:
        """Inverse of :meth:`to_json`."""
        return cls(**{**document, "frame_rate": Fraction(document["frame_rate"])})

    def with_settings(self, settings: list[str]) -> Recipe:
        """The recipe with ``key=value`` settings applied, typed by the fields they replace.

        Raises:
            SpeedinessError: unknown key (the nearest is named) or a value of the wrong type.
        """
        changes: dict[str, Any] = {}
        names = [f.name for f in dataclasses.fields(self)]
        for setting in settings:
            key, equals, value = setting.partition("=")
            if not equals or key not in names:
                near = get_close_matches(key, names, 1)
                hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(names)}"
                raise SpeedinessError(f"--set {setting}: not a setting of a recipe (key=value){hint}")
            kind = type(getattr(self, key))
            try:
                changes[key] = (
                    {"true": True, "false": False}[value.lower()] if kind is bool else kind(value)
                )
            except (ValueError, KeyError) as error:
                raise SpeedinessError(f"--set {setting}: {key} takes a {kind.__name__}") from error
        return dataclasses.replace(self, **changes)


def speednet_small() -> Recipe:
    """The default product network: MotionNet on velocities; minutes on two CPU cores."""
    return Recipe()


def speednet_s3dg() -> Recipe:
    """The paper's network: full width, RGB, 25 frames a second as Kinetics is counted; for a GPU."""
    return Recipe(
        backbone="s3dg",
        frame_rate=Fraction(25),
        size_px=224,
        temporal="random",
        steps=20000,
        evaluate_every=1000,
    )


def smoke() -> Recipe:
    """A few steps of the real code, to see that everything works."""
    return Recipe(
        width=0.2, size_px=32, steps=4, windows=2, warmup_steps=1, evaluate_every=2, compiled=False
    )


RECIPES: dict[str, Callable[[], Recipe]] = {
    "speednet_small": speednet_small,
    "speednet_s3dg": speednet_s3dg,
    "smoke": smoke,
}


def find_recipe(name: str, settings: list[str]) -> Recipe:
    """A named recipe with ``key=value`` settings applied.

    Raises:
        SpeedinessError: no such recipe, or a setting that means nothing.
    """
    if name not in RECIPES:
        near = get_close_matches(name, RECIPES, 1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(RECIPES)}"
        raise SpeedinessError(f"there is no recipe {name}; {hint}")
    return RECIPES[name]().with_settings(settings)
