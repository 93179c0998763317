"""Words for how a stretch of video plays; no numpy, so that the command line knows them at once."""

from typing import Literal, get_args

Label = Literal["natural", "sped_up", "slow_motion", "not_sure"]
NATURAL_RANGE = (0.75, 1.35)
"""Factors called natural."""
LABELS: tuple[Label, ...] = get_args(Label)
