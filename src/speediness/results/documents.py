"""Files that are written as a whole or not at all; JSON documents (docs/formats.md)."""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

import numpy as np
from numpy.typing import NDArray

from speediness.errors import DataError, OutputError

NUMBERS = 4096  # of an array turned into text at a time


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write beside, then rename, so that a reader never meets half a document.

    A field may also be an array of one dimension, or an iterator of such documents: they are
    turned into text bit by bit, so that a long video takes no more memory than a short one.

    Raises:
        OutputError: the folder is missing, not writable or full.
        ValueError: the document holds NaN or infinity, which JSON has no words for.
    """
    with written_whole(path) as partial, _text_file(partial) as file:
        file.writelines(_text(document))
        file.write("\n")


def write_text(path: Path, text: str) -> None:
    """Write beside, then rename.

    Raises:
        OutputError: the folder is missing, not writable or full.
    """
    with written_whole(path) as partial, _text_file(partial) as file:
        file.write(text)


def write_bytes(path: Path, data: bytes) -> None:
    """Write beside, then rename.

    Raises:
        OutputError: the folder is missing, not writable or full.
    """
    with written_whole(path) as partial:
        partial.write_bytes(data)


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table, the first the head."""
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body, ""])


@contextlib.contextmanager
def written_whole(
    path: Path, remedy: str = "write elsewhere", mark: str = "", also: type[Exception] = OSError
) -> Iterator[Path]:
    """A file that is there whole or not at all: written under the name it gives, then renamed.

    Args:
        path: the final name.
        remedy: what to do where it cannot be written.
        mark: in the name meanwhile, where several may write the same file at once.
        also: an error that means the same as OSError.

    Raises:
        OutputError: it cannot be written; nothing is left of it.
    """
    partial = path.with_name(f"{path.name}{mark}.partial")
    try:
        yield partial
        os.replace(partial, path)
    except (OSError, also) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot write {path}: {reason}; {remedy}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def _text_file(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", errors="surrogateescape", newline="")


def _text(document: dict[str, Any]) -> Iterator[str]:
    """The very text that ``json.dumps`` gives, piece by piece."""
    yield "{"
    for n, (name, value) in enumerate(document.items()):
        yield f"{', ' * (n > 0)}{json.dumps(name)}: "
        if isinstance(value, np.ndarray):
            yield "["
            for start in range(0, len(value), NUMBERS):
                numbers = json.dumps(value[start : start + NUMBERS].tolist(), allow_nan=False)
                yield ", " * (start > 0) + numbers[1:-1]
            yield "]"
        elif isinstance(value, Iterator):
            yield "["
            for m, item in enumerate(value):
                yield ", " * (m > 0)
                yield from _text(item)
            yield "]"
        else:
            yield json.dumps(value, allow_nan=False)
    yield "}"


def rounded(values: NDArray[np.floating], digits: int) -> NDArray[np.float64]:
    """Values as a document gives them, to so many decimals."""
    return np.round(values.astype(np.float64), digits)


def read_json(path: Path, schema: str) -> dict[str, Any]:
    """Read a document and check its schema.

    Raises:
        DataError: missing, not JSON, or another schema.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check the name") from error
    except ValueError as error:
        raise DataError(f"{path} is not a JSON document ({error}); make it again") from error
    found = document.get("schema") if isinstance(document, dict) else None
    if found != schema:
        raise DataError(f"{path} has schema {found!r}, wanted {schema!r}; make it again")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
