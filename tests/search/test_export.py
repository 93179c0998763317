import csv
import json
from pathlib import Path

import numpy as np
import pytest

from speediness.analysis.options import AnalysisOptions
from speediness.cli.main import main
from speediness.search.index import update_library
from speediness.search.library import Library

HOW = AnalysisOptions()


def test_what_is_exported_is_what_is_there(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyarrow.parquet as parquet

    update_library(videos, tmp_path / "db", HOW)
    windows = Library(tmp_path / "db").windows
    assert windows is not None
    held = (
        windows.search().limit(None).to_arrow().sort_by([("path", "ascending"), ("start_s", "ascending")])
    )

    def exported(name: str, *options: str) -> Path:
        out = tmp_path / name
        assert main(["export", "--db", str(tmp_path / "db"), "-o", str(out), *options]) == 0
        return out

    whole = parquet.read_table(exported("whole.parquet", "--vectors"))
    assert whole.equals(held.drop_columns("picture"))
    assert parquet.read_table(exported("small.parquet")).equals(held.drop_columns(["picture", "vector"]))
    lines = list(csv.DictReader(exported("whole.csv", "--vectors").open()))
    for line, row in zip(lines, whole.to_pylist(), strict=True):
        assert line["path"] == row["path"] and float(line["start_s"]) == row["start_s"]
        assert np.array(json.loads(line["vector"]), np.float32).tolist() == row["vector"]
    named = parquet.read_table(exported("films.parquet", "--table", "films"))
    assert named["path"].to_pylist() == sorted(row.path for row in Library(tmp_path / "db").video_rows())
    capsys.readouterr()
    assert main(["export", "--db", str(tmp_path / "db"), "-o", str(tmp_path / "films.parquet")]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["export", "--db", str(tmp_path / "nowhere"), "-o", str(tmp_path / "x.parquet")]) == 2
    assert "make one with speediness index" in capsys.readouterr().err


def test_a_name_that_contradicts_the_format_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["export", "--db", str(tmp_path / "db"), "-o", str(tmp_path / "x.csv"), "--format", "parquet"]
    assert main(given) == 2
    assert "is not how a parquet file ends" in capsys.readouterr().err
