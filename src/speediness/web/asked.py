"""What may be asked for; TypeError and ValueError say what of a request makes no sense."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from speediness.speedup.solver import DEFAULT_OPTIONS

MOST_LOCKS = 50
MOST_OUTLINED, MOST_CORNERS = 8, 200
LONGEST_S = 1e9


def plan_wish(rate: Any, locks: Any = ()) -> dict[str, Any]:
    """How fast a video is to be, and which stretches keep their speed."""
    return {
        "rate": number("rate", rate, DEFAULT_OPTIONS.slowest, DEFAULT_OPTIONS.fastest),
        "locks": [list(stretch(*lock)) for lock in listed("locks", locks, 0, MOST_LOCKS)],
    }


def outlined(objects: Any) -> dict[str, Any]:
    """What of the first frame is to be followed: corners, as shares of its width and height."""
    outlines = listed("objects", objects, 1, MOST_OUTLINED)
    corners = [listed("corners", outline, 3, MOST_CORNERS) for outline in outlines]
    return {
        "objects": [[[number("x", x, 0, 1), number("y", y, 0, 1)] for x, y in each] for each in corners]
    }


def stretch(start_s: Any, end_s: Any) -> tuple[float, float]:
    """A part of a video; start and end in seconds."""
    return number("start_s", start_s, 0, LONGEST_S), number("end_s", end_s, 0, LONGEST_S)


def number(name: str, value: Any, low: float, high: float) -> float:
    """A finite number within bounds, which a query holds as text."""
    with suppress(TypeError, ValueError, OverflowError):
        if low <= float(value) <= high:
            return float(value)
    raise ValueError(f"{name} {value!r:.40} is no number from {low:g} to {high:g}")


def listed(name: str, value: Any, fewest: int, most: int) -> Sequence[Any]:
    """A list of bounded length."""
    if not isinstance(value, list | tuple) or not fewest <= len(value) <= most:
        raise ValueError(f"{name} is no list of {fewest} to {most}")
    return value


def one_of(value: Any, words: Sequence[str]) -> Any:
    """One of some words."""
    if value not in words:
        raise ValueError(f"{value!r:.40} is none of {', '.join(words)}")
    return value
