"""The command line in tests: what it refuses and writes, and the examples of the documentation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from speediness.cli.main import main

DOCS = Path(__file__).parents[1] / "docs"


def examples(page: str, verb: str = "speedup") -> list[str]:
    """Commands of a page of the documentation, from the verb on."""
    return re.findall(rf"^speediness ({verb} .*)$", (DOCS / page).read_text(), re.MULTILINE)


def written_by(words: Sequence[str]) -> Path:
    """What a command names with its first -o."""
    return Path(words[words.index("-o") + 1])


def complaints(err: str) -> list[str]:
    """Lines on stderr but for those that tell how far a slow machine is."""
    return [line for line in err.splitlines() if not line.startswith(("analysing ", "rendering "))]


def refused(arguments: Sequence[object], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command is refused with."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(complaints(err)) == 1 and "Traceback" not in err
    return err


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
