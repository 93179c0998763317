"""Stretches of a video as people write them: ``12.5-14``, ``1:05-2:10``, ``12-14=0.25``."""

from __future__ import annotations

import re

from speediness.errors import PlanError

Span = tuple[float, float]
"""Start and end of a stretch of the source, seconds."""

_CLOCK = r"(?:\d+:){0,2}\d+(?:\.\d+)?"
_STRETCH = re.compile(rf"({_CLOCK})-({_CLOCK})(?:=(\d+(?:\.\d+)?|\.\d+))?")


def parse_span(text: str) -> Span:
    """``A-B``, each seconds, ``mm:ss`` or ``h:mm:ss``.

    Raises:
        PlanError: it is none.
    """
    match = _STRETCH.fullmatch(text.strip())
    if match is None or match[3] is not None or _seconds(match[1]) >= _seconds(match[2]):
        raise PlanError(f"{text!r} is no stretch; give start-end such as 12.5-14 or 1:05-2:10")
    return _seconds(match[1]), _seconds(match[2])


def parse_factor(text: str) -> tuple[Span, float]:
    """``A-B=F``: a stretch and a factor above 0.

    Raises:
        PlanError: it is none.
    """
    match = _STRETCH.fullmatch(text.strip())
    if match is None or match[3] is None or not float(match[3]) or _seconds(match[1]) >= _seconds(match[2]):
        raise PlanError(f"{text!r} is no stretch with a factor; give start-end=factor such as 12.5-14=0.25")
    return (_seconds(match[1]), _seconds(match[2])), float(match[3])


def parse_moment(text: str) -> float:
    """Seconds, ``mm:ss`` or ``h:mm:ss``.

    Raises:
        PlanError: it is none of them.
    """
    if re.fullmatch(_CLOCK, text.strip()) is None:
        raise PlanError(f"{text!r} is no moment; give seconds such as 12.5 or a time such as 1:05")
    return _seconds(text.strip())


def _seconds(clock: str) -> float:
    seconds = 0.0
    for part in clock.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds
