"""A training run as one flat value, and the named ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, Literal

from speediness.clip import ClipSpec
from speediness.errors import SpeedinessError
from speediness.models.speednet import SpeedNetConfig, Stem


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a run besides the data."""

    task: str = "speed_class"
    stem: Stem = "motion"
    width: float = 0.25
    n_frames: int = 16
    frame_rate: Fraction = Fraction(16)
    size_px: int = 64
    skipping: Literal["even", "random"] = "even"
    rank_weight: float = 0.5
    magnified_weight: float = 0.0
    dropout: float = 0.2
    steps: int = 3000
    windows: int = 8
    """Windows of film a step; each gives four clips (two speeds, two zooms)."""
    lr: float = 2e-3
    weight_decay: float = 0.05
    warmup_steps: int = 100
    clip_gradient: float = 1.0
    ema_decay: float = 0.998
    """Weights are averaged with this decay a step; the average is what is evaluated and kept."""
    bf16: bool = True
    validation_share: float = 0.12
    """Share of the sources held out of training (never of the test set)."""
    evaluate_every: int = 250
    checkpoint_every: int = 100
    seed: int = 0

    @property
    def config(self) -> SpeedNetConfig:
        """The network this recipe trains."""
        clip = ClipSpec(self.n_frames, self.frame_rate, self.size_px, 1 if self.stem == "motion" else 3)
        return SpeedNetConfig(clip, self.width, self.stem, self.dropout)

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
    """The default product network: quarter width, motion stem; an hour on two CPU cores."""
    return Recipe()


def speednet_s3dg() -> Recipe:
    """The paper's network: full width, RGB, 25 frames a second as Kinetics is counted; for a GPU."""
    return Recipe(
        stem="rgb",
        width=1.0,
        frame_rate=Fraction(25),
        size_px=224,
        skipping="random",
        rank_weight=0.0,
        magnified_weight=1.0,
        steps=20000,
    )


def smoke() -> Recipe:
    """A few steps of the real code, to see that everything works."""
    return Recipe(
        width=0.0625, size_px=32, steps=4, windows=2, warmup_steps=1, evaluate_every=2, checkpoint_every=2
    )


RECIPES: dict[str, Callable[[], Recipe]] = {
    "speednet_small": speednet_small,
    "speednet_s3dg": speednet_s3dg,
    "smoke": smoke,
}
