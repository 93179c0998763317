"""``speediness data``."""

from __future__ import annotations

import csv
import io
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.types import PositiveInt

from speediness.cli.options import Json
from speediness.cli.outputs import check_folder
from speediness.cli.terminal import print_json, print_outputs, print_table
from speediness.errors import OutputError

if TYPE_CHECKING:
    from speediness.datasets.verification import ListCount, Verification

SHOWN = 5  # problems of a kind in the printed report; the CSV holds all
PROBLEMS_FOUND = 1

data = App(name="data", help="List the data sets that can be read, and check a copy of one.")


@data.command(name="list")
def list_data_sets() -> None:
    """Name the data sets and say where to get them."""
    from speediness.datasets import DATASETS

    for name, data_set in DATASETS.items():
        print(f"{name:12} {data_set.origin}")


@data.command
def verify(
    name: str,
    root: Path,
    /,
    *,
    report: Annotated[Path | None, Parameter(metavar="FILE.csv")] = None,
    jobs: PositiveInt | None = None,
    json: Json = False,
) -> int:
    """Hold a copy to what was published and decode a frame of every video (exit code 1: problems found).

    Args:
        name: a data set of speediness data list
        root: folder of the copy; of your own, or their CSV
        report: write every finding, one a line
        jobs: videos to open at a time (default: one for each core)
    """
    from speediness.datasets import data_set
    from speediness.datasets.verification import verify
    from speediness.progress import progress_bar

    wanted = data_set(name)
    if report is not None:
        check_folder(report.parent, "choose another with --report")
        if report.exists():
            raise OutputError(f"{report} exists; remove it or choose another name")
    with progress_bar(f"verifying {name}", counted="videos") as progress:
        found = verify(wanted, root, jobs, progress)
    if report is not None:
        write_report(found, report)
    if json:
        print_json({"schema": "speediness.data/1", "name": name, "root": str(root)} | found.to_json())
    else:
        print_verification(found)
        if report is not None:
            print_outputs({"report": report})
    return PROBLEMS_FOUND if found.problems else 0


def write_report(found: Verification, path: Path) -> None:
    """One row per finding, videos that are missing as a matter of course included.

    Raises:
        OutputError: the file cannot be written; nothing is left of it.
    """
    from speediness.results.documents import write_text

    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["kind", "what", "detail"])
    rows.writerows([finding.kind, finding.what, finding.detail] for finding in found.findings)
    write_text(path, text.getvalue())


def print_verification(found: Verification) -> None:
    """Print the lists and the first problems of each kind."""
    rows = [[name, *_cells(count)] for name, count in found.lists.items()]
    print_table(("list", "videos", "published", "on disk", "missing"), rows)
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
