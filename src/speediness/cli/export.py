"""``speediness export``."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from speediness.cli.options import Force
from speediness.cli.outputs import check_file
from speediness.errors import OutputError


def export(
    *,
    db: Annotated[str, Parameter(metavar="WHERE")],
    out: Annotated[Path, Parameter(name="-o", metavar="OUT")],
    format: Literal["parquet", "csv"] | None = None,
    table: Literal["windows", "films"] = "windows",
    vectors: bool = False,
    force: Force = False,
) -> None:
    """Write what a library holds as Parquet or CSV.

    Args:
        db: library that speediness index made
        out: file to write
        format: kind of file (default: as OUT ends, else parquet)
        table: a row a window or a row a video
        vectors: with the vectors of the windows
    """
    from speediness.search.export import export as write_table
    from speediness.search.library import Library

    ending = out.suffix.lower().removeprefix(".")
    kind = format or (ending if ending in ("parquet", "csv") else "parquet")
    if ending in ("parquet", "csv") and ending != kind:
        raise OutputError(f"{out} is not how a {kind} file ends; change -o or --format")
    check_file(out, force)
    count = write_table(Library(db), table, kind, out, vectors)
    print(f"{count:,} rows in {out}")
