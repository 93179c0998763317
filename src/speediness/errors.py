"""What can go wrong at the edges. Every message says what is wrong and what to do about it."""

from collections.abc import Iterable


class SpeedinessError(Exception):
    """Base of every error a user can cause or mend; the command line prints it as one line."""


class VideoError(SpeedinessError):
    """The input cannot be read as a video, or holds nothing to work on."""


class OutputError(SpeedinessError):
    """The result cannot be written where it was asked for."""


class PlanError(SpeedinessError):
    """The requested speed-up cannot be reached within the bounds."""


class WeightsError(SpeedinessError):
    """Network weights are missing, unreadable, or do not fit the network."""


class DataError(SpeedinessError):
    """A data set on disk is not laid out as expected, or a document has the wrong schema."""


def suggest(name: str, known: Iterable[str]) -> str:
    """What to say after a name that is none: the nearest that is, or all."""
    from difflib import get_close_matches  # only when something went wrong

    names = list(known)
    near = get_close_matches(name, names, 1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
