"""A library as one table in a file that other programs read."""

import csv
from pathlib import Path
from typing import Any, Literal

from speediness.packages import load
from speediness.results.documents import written_whole
from speediness.search.library import Library

Format = Literal["parquet", "csv"]
Table = Literal["windows", "films"]


def export(library: Library, table: Table, kind: Format, out: Path, vectors: bool = False) -> int:
    """Write the videos of a library, or their windows without images; beside first, then renamed.

    Rows stand by root, path and time; windows bear their ``vectors`` if asked for, in a CSV as a list in
    brackets.

    Returns:
        The number of rows.

    Raises:
        OutputError: it cannot be written.
    """
    pa, parquet = load("pyarrow"), load("pyarrow.parquet")
    videos = library.videos.search().limit(None).to_arrow()
    if table == "films" or library.windows is None:
        rows = videos if table == "films" else pa.table({})
    else:
        dropped = {"picture"} if vectors else {"picture", "vector"}
        columns = [name for name in library.windows.schema.names if name not in dropped]
        rows = library.windows.search().select(columns).limit(None).to_arrow()
        known = load("pyarrow.compute").is_in(rows["film"], videos["film"])
        rows = rows.filter(known)  # others are being put in or taken out
    names = [name for name in ("root", "path", "start_s") if name in rows.column_names]
    if names:
        rows = rows.sort_by([(name, "ascending") for name in names])
    with written_whole(out, "choose another with -o") as partial:
        if kind == "parquet":
            parquet.write_table(rows, partial)
        else:
            _write_csv(rows, partial)
    return len(rows)


def _write_csv(rows: Any, out: Path) -> None:
    with out.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(rows.column_names)
        for batch in rows.to_batches():
            lines.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
