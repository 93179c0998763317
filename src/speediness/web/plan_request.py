"""What a viewer wishes of a video."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from speediness.speedup.solver import DEFAULT_OPTIONS

MOST_LOCKS = 50

Rate = Annotated[float, Field(ge=DEFAULT_OPTIONS.slowest, le=DEFAULT_OPTIONS.fastest, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PlanRequest(BaseModel):
    """How fast a video is to be, and which stretches keep their speed."""

    model_config = ConfigDict(extra="forbid")

    rate: Rate
    locks: Annotated[list[tuple[Seconds, Seconds]], Field(max_length=MOST_LOCKS)] = []
