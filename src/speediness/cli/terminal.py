"""Talking to people: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from speediness.progress import stamp as stamp

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
    log(f"speediness: {' '.join(str(error).split())}")


def log(line: str) -> None:
    """A line on stderr, at once."""
    print(line, file=sys.stderr, flush=True)


def print_json(document: dict[str, Any] | list[dict[str, Any]]) -> None:
    """The one document that ``--json`` promises."""
    print(json.dumps(document, allow_nan=False, indent=2))


def console() -> Console:
    """Where tables go. A file name is text, never markup; into a pipe, lines are never broken."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else UNBROKEN
    return Console(width=width, markup=False, highlight=False, emoji=False, soft_wrap=False)


def print_table(columns: Iterable[str], rows: Iterable[Sequence[str]], left: Container[int] = (0,)) -> None:
    """A table; the columns numbered in ``left`` begin at the left, the others end at the right."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), header_style="bold")
    for n, column in enumerate(columns):
        table.add_column(column, justify="left" if n in left else "right", no_wrap=n not in left)
    for row in rows:
        table.add_row(*row)
    console().print(table)


def print_outputs(outputs: Mapping[str, object]) -> None:
    """Say where results are, one line each, never broken, so that they can be copied."""
    for kind, path in outputs.items():
        word = "video" if kind == "film" else kind  # the key in the JSON is older than the word
        print(f"{word:5} {path}")
