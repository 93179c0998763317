import json
from pathlib import Path

import numpy as np
import pytest

from command_line import refused
from speediness.cli.main import main
from speediness.results.store import ResultStore


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of two entries and something else."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SPEEDINESS_CACHE", str(folder))
    for name in "ab":
        ResultStore().keep_checkpoint(name * 64, {"done": np.zeros(100_000)})
    (folder / "mine.txt").touch()
    return folder


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_it_says_where_and_how_much(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"folder  {folder}",
        "entries 2",
        "size    1.6 MB of at most 1,000.0 MB",
    ]


def test_clear_empties_it_and_says_what_that_freed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cache", "clear"]) == 0
    assert capsys.readouterr().out == f"freed 1.6 MB in {folder}, entries removed: 2\n"
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_one_document_says_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = {
        "schema": "speediness.cache/1",
        "folder": str(folder),
        "entries": 2,
        "bytes": size_of(folder),
        "limit_bytes": 1_000_000_000,
    }
    assert main(["cache", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == whole
    assert main(["cache", "clear", "--json"]) == 0
    removed = {"removed": {"entries": 2, "bytes": whole["bytes"]}}
    assert json.loads(capsys.readouterr().out) == whole | {"entries": 0, "bytes": 0} | removed


@pytest.mark.parametrize("arguments", [[], ["clear"], ["clear", "--json"]])
def test_a_cache_that_cannot_be_read_is_one_line_and_exit_code_2(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPEEDINESS_CACHE", str(tmp_path / "file"))
    assert "set SPEEDINESS_CACHE" in refused(["cache", *arguments], capsys)
