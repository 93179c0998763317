"""speediness data: list the data sets that can be read, and check a copy of one."""

from __future__ import annotations

import argparse
import csv
import os
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from speediness.cli.analyse import print_outputs
from speediness.cli.outputs import check_folder
from speediness.cli.terminal import console, print_json
from speediness.errors import OutputError

if TYPE_CHECKING:
    from speediness.datasets.verification import ListCount, Verification

SHOWN = 5  # problems of a kind in the printed report; the CSV holds all
PROBLEMS_FOUND = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two actions of this verb and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    summary = "name the data sets and say where to get them"
    actions.add_parser("list", help=summary, description=f"{summary.capitalize()}.", allow_abbrev=False)
    summary = "hold a copy to what was published and decode a frame of every video"
    verify = actions.add_parser(
        "verify", help=summary, description=f"{summary.capitalize()}.", allow_abbrev=False
    )
    verify.add_argument("name", metavar="NAME", help="a data set of speediness data list")
    verify.add_argument(
        "root", metavar="ROOT", type=Path, help="folder of the copy; of your own, or their CSV"
    )
    verify.add_argument("--report", metavar="FILE.csv", type=Path, help="write every finding, one a line")
    verify.add_argument(
        "--jobs", metavar="N", type=_positive, help="videos to open at a time (default: one for each core)"
    )
    verify.add_argument("--json", action="store_true", help="print one JSON document instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """List, or verify: exit code 0 all well, 1 problems found, 2 nothing that can be verified."""
    if arguments.action == "list":
        from speediness.datasets import DATASETS

        for name, data_set in DATASETS.items():
            print(f"{name:12} {data_set.origin}")
        return 0
    return _verify(arguments)


def _verify(arguments: argparse.Namespace) -> int:
    from speediness.datasets import data_set
    from speediness.datasets.verification import verify
    from speediness.progress import progress_bar

    wanted = data_set(arguments.name)
    if arguments.report is not None:
        check_folder(arguments.report.parent, "choose another with --report")
        if arguments.report.exists():
            raise OutputError(f"{arguments.report} exists; remove it or choose another name")
    with progress_bar(f"verifying {arguments.name}", counted="videos") as progress:
        found = verify(wanted, arguments.root, arguments.jobs, progress)
    if arguments.report is not None:
        write_report(found, arguments.report)
    if arguments.json:
        heading = {"schema": "speediness.data/1", "name": arguments.name, "root": str(arguments.root)}
        print_json(heading | found.to_json())
    else:
        print_verification(found)
        if arguments.report is not None:
            print_outputs({"report": str(arguments.report)})
    return PROBLEMS_FOUND if found.problems else 0


def write_report(found: Verification, path: Path) -> None:
    """One row per finding, videos that are missing as a matter of course included.

    Raises:
        OSError: the file cannot be written; nothing is left of it.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = csv.writer(file)
            rows.writerow(["kind", "what", "detail"])
            rows.writerows([finding.kind, finding.what, finding.detail] for finding in found.findings)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def print_verification(found: Verification) -> None:
    """Print the lists and the first problems of each kind."""
    from rich.table import Table

    out = console()
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for column in ("list", "videos", "published", "on disk", "missing"):
        table.add_column(column, justify="left" if column == "list" else "right")
    for name, count in found.lists.items():
        table.add_row(name, *_cells(count))
    out.print(table)
    if found.published_classes is not None:
        print(f"\n{found.classes} of {found.published_classes} published classes", end="")
    print(f"\na frame was decoded of {found.decoded:,} videos")
    if found.missing and found.missing_is_normal:
        print(f"{len(found.missing):,} listed videos are missing, as in every copy; --report names them")
    if found.shared_sources:
        print(
            f"{found.shared_sources:,} sources serve both sides of a split, in different classes or in none"
        )
    for kind, findings in groupby(sorted(found.problems, key=lambda f: f.kind), key=lambda f: f.kind):
        alike = list(findings)
        print(f"\n{kind}: {len(alike):,}")
        for finding in alike[:SHOWN]:
            print(f"  {finding.what}: {finding.detail}")
        if len(alike) > SHOWN:
            print(f"  and {len(alike) - SHOWN:,} more; --report names all")
    print(f"\nproblems: {len(found.problems):,}" if found.problems else "\nall well")


def _cells(count: ListCount) -> tuple[str, str, str, str]:
    published = " or ".join(f"{number:,}" for number in count.published) or "-"
    missing = count.listed - count.present
    share = f"{missing:,} ({missing / count.listed:.1%})" if missing else "0"
    return f"{count.listed:,}", published, f"{count.present:,}", share


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give 1 or more")
    return number
