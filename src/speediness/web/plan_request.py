"""What a viewer wishes of a video."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from speediness.speedup.solver import DEFAULT_OPTIONS

MOST_LOCKS = 50
MOST_OUTLINED, MOST_CORNERS = 8, 200

Rate = Annotated[float, Field(ge=DEFAULT_OPTIONS.slowest, le=DEFAULT_OPTIONS.fastest, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Outline = Annotated[list[tuple[Share, Share]], Field(min_length=3, max_length=MOST_CORNERS)]
"""Corners as shares of the frame's width and height."""
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Request(BaseModel):
    """What a page sends; a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class PlanRequest(Request):
    """How fast a video is to be, and which stretches keep their speed."""

    rate: Rate
    locks: Annotated[list[tuple[Seconds, Seconds]], Field(max_length=MOST_LOCKS)] = []


class MaskRequest(Request):
    """What of the first frame is to be followed."""

    objects: Annotated[list[Outline], Field(min_length=1, max_length=MOST_OUTLINED)]
