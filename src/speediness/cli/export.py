"""speediness export: write what a library holds as Parquet or CSV."""

from __future__ import annotations

import argparse
from pathlib import Path

from speediness.cli.outputs import check_folder, check_new
from speediness.errors import OutputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument("--db", metavar="WHERE", required=True, help="library that speediness index made")
    parser.add_argument("-o", dest="out", metavar="OUT", type=Path, required=True, help="file to write")
    parser.add_argument(
        "--format", choices=["parquet", "csv"], help="kind of file (default: as OUT ends, else parquet)"
    )
    parser.add_argument(
        "--table",
        choices=["windows", "films"],
        default="windows",
        help="a row a window or a row a video (default: windows)",
    )
    parser.add_argument("--vectors", action="store_true", help="with the vectors of the windows")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")


def run(arguments: argparse.Namespace) -> int:
    """Write the file and say how many rows it has."""
    from speediness.search.export import export
    from speediness.search.library import Library

    ending = arguments.out.suffix.lower().removeprefix(".")
    kind = arguments.format or (ending if ending in ("parquet", "csv") else "parquet")
    if ending in ("parquet", "csv") and ending != kind:
        raise OutputError(f"{arguments.out} is not how a {kind} file ends; change -o or --format")
    check_folder(arguments.out.parent, "choose another with -o")
    check_new(arguments.out, arguments.force)
    library = Library(arguments.db)
    count = export(library, arguments.table, kind, arguments.out, arguments.vectors)
    print(f"{count:,} rows in {arguments.out}")
    return 0
