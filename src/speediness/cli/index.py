"""``speediness index``."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from speediness.analysis.options import AnalysisOptions
from speediness.cli.options import Analysis, Json, Ray, workers
from speediness.cli.terminal import print_error, print_json


def index(
    source: Path,
    /,
    *,
    db: Annotated[str, Parameter(metavar="WHERE")],
    json: Json = False,
    options: Analysis = AnalysisOptions(),
    ray: Ray = None,
) -> int:
    """Analyse all videos of a folder and remember how they move, for search.

    Videos that cannot be analysed are reported (exit code 2).

    Args:
        source: folder of videos, or a CSV with a column file
        db: library to make or bring up to date: a folder, or an object store (s3://..)
    """
    from speediness.progress import progress_bar
    from speediness.search.index import update_library

    with progress_bar(f"indexing {source.name or source}", "MB") as progress:
        changes = update_library(
            source,
            db,
            options,
            workers(ray),
            lambda done, whole: progress(done / 1e6, whole / 1e6),
        )
    for path, reason in changes.failed.items():
        print_error(reason if path in reason else f"{path}: {reason}")
    if json:
        print_json({"schema": "speediness.index/1", "db": db} | changes.to_json())
    else:
        counts = {
            "watched": len(changes.analysed),
            "known under another name or date": len(changes.known),
            "removed": len(changes.removed),
            "unchanged": changes.unchanged,
            "failed": len(changes.failed),
        }
        print(", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing to do")
    return 2 if changes.failed else 0
