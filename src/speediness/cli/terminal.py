"""Talking to people: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


UNBROKEN = 10_000  # columns


def wants_traceback() -> bool:
    """Whether SPEEDINESS_DEBUG=1 asks to see where an error comes from."""
    return os.environ.get("SPEEDINESS_DEBUG", "") not in ("", "0")


def print_error(error: object) -> None:
    """One line on stderr, whatever the message holds."""
    if isinstance(error, OSError) and error.filename is not None:
        error = f"{error.filename}: {error.strerror}"
    print("speediness:", " ".join(str(error).split()), file=sys.stderr)


def print_json(document: dict[str, Any] | list[dict[str, Any]]) -> None:
    """The one document that ``--json`` promises."""
    print(json.dumps(document, allow_nan=False, indent=2))


def console() -> Console:
    """Where tables go. A file name is text, never markup; into a pipe, lines are never broken."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else UNBROKEN
    return Console(width=width, markup=False, highlight=False, emoji=False, soft_wrap=False)
