"""Stretches of a video and speeds in them, as people write them: ``12-14=0.25``, ``1:05-2:10=1``."""

import re
from typing import Literal

from speediness.errors import PlanError

Span = tuple[float, float]
"""Start and end of a stretch of the source, seconds."""

_CLOCK = r"(?:\d+:){0,2}\d+(?:\.\d+)?"
_NUMBER = r"\d+(?:\.\d+)?|\.\d+"
_STRETCH = re.compile(rf"({_CLOCK})-({_CLOCK})=({_NUMBER})")
_LIMIT = re.compile(rf"(?:(speech)=)?({_NUMBER})")


def parse_limit(text: str) -> tuple[Span | Literal["speech"] | None, float]:
    """Where nothing is played faster than the second value: in a stretch, in speech, or (None) anywhere.

    Raises:
        PlanError: neither ``R`` nor ``A-B=R`` nor ``speech=R``, or R is below 1.
    """
    if match := _LIMIT.fullmatch(text.strip()):
        where, rate = "speech" if match[1] else None, float(match[2])
    elif "-" in text and "=" in text:
        where, rate = parse_factor(text)
    else:
        raise PlanError(f"{text!r} is no limit; give a speed such as 2.5, start-end=speed, or speech=speed")
    if rate < 1:
        raise PlanError(f"a limit of {rate:g} would slow the video down; give 1 or more")
    return where, rate


def parse_factor(text: str) -> tuple[Span, float]:
    """``A-B=F``: a stretch, its ends in seconds, ``mm:ss`` or ``h:mm:ss``, and a factor above 0.

    Raises:
        PlanError: it is none.
    """
    match = _STRETCH.fullmatch(text.strip())
    if match is None or not float(match[3]) or _seconds(match[1]) >= _seconds(match[2]):
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
