from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speediness.errors import DataError, OutputError
from speediness.results.documents import read_json, write_json


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"schema": 1}', '{"schema": "x/1", "rate": NaN}'])
def test_what_is_no_document_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"x\.json"):
        read_json(path, "x/1")


def test_bytes_that_are_no_text_and_missing_files_are_refused(tmp_path: Path):
    path = tmp_path / "x.json"
    with pytest.raises(DataError, match="cannot read"):
        read_json(path, "x/1")
    path.write_bytes(b"\xff\xfe\x00ftypmp42")
    with pytest.raises(DataError, match="not a JSON document"):
        read_json(path, "x/1")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_is_never_written(tmp_path: Path, value: float):
    path = tmp_path / "x.json"
    path.write_text("old")
    with pytest.raises(ValueError):
        write_json(path, {"made_by": {"score": value}})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_failed_writing_leaves_nothing(tmp_path: Path):
    with pytest.raises(OutputError, match="cannot write"):
        write_json(tmp_path / "missing" / "x.json", {})
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        write_json(tmp_path / "folder", {})
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


def test_arrays_of_any_length_and_documents_one_by_one_are_plain_json(tmp_path: Path):
    path = tmp_path / "x.json"
    items = ({"n": n, "values": np.arange(n)} for n in range(3))
    write_json(path, {"schema": "x/1", "none": np.zeros(0), "items": items, "more": iter(())})
    assert read_json(path, "x/1") == {
        "schema": "x/1",
        "none": [],
        "items": [{"n": 0, "values": []}, {"n": 1, "values": [0]}, {"n": 2, "values": [0, 1]}],
        "more": [],
    }


def test_nan_late_in_an_array_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "x.json"
    path.write_text("old")
    values = np.zeros(100_000)
    values[-1] = np.nan
    with pytest.raises(ValueError):
        write_json(path, {"values": values})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
