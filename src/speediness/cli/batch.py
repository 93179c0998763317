"""``analyse --batch``: all videos of a folder to one table and one page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from speediness.cli.corpus import analysis_options, workers
from speediness.cli.outputs import check_new, make_folder
from speediness.cli.terminal import print_error, print_json
from speediness.errors import OutputError


def run_batch(arguments: argparse.Namespace) -> int:
    """Analyse every video; write ``segments.parquet`` and ``report.html`` (exit code 2 if some failed)."""
    from speediness.corpus.analysed_video import AnalysedVideo, Failed
    from speediness.corpus.listing import list_videos
    from speediness.corpus.report import write_report
    from speediness.corpus.segment_table import write_segments
    from speediness.progress import progress_bar
    from speediness.search.packages import load

    if len(arguments.videos) != 1 or arguments.folder is None:
        raise OutputError("--batch takes one folder or manifest, and a folder for the results: -o DIR")
    (source,) = arguments.videos
    outputs: dict[str, Path] = {
        "table": arguments.folder / "segments.parquet",
        "page": arguments.folder / "report.html",
    }
    load("pyarrow")
    listing = list_videos(source)
    make_folder(arguments.folder)
    for output in outputs.values():
        check_new(output, arguments.force)
    seen: dict[str, AnalysedVideo] = {}
    failed = dict(listing.skipped)
    with progress_bar(f"analysing {source.name or source}", "MB") as progress:

        def megabytes(done: float, whole: float) -> None:
            progress(done / 1e6, whole / 1e6)

        how = analysis_options(arguments, windows=False)
        for video, outcome in workers(arguments)(listing.videos, how, megabytes):
            if isinstance(outcome, Failed):
                failed[video.path] = outcome.reason
            else:
                seen[video.path] = outcome
    for path, reason in failed.items():
        print_error(reason if path in reason else f"{path}: {reason}")
    write_segments(seen, outputs["table"])
    write_report(seen, failed, listing.root, outputs["page"])
    if arguments.json:
        document: dict[str, Any] = {"schema": "speediness.batch/1", "films": len(seen), "failed": failed}
        print_json(document | {"outputs": {kind: str(path) for kind, path in outputs.items()}})
    else:
        for kind, path in outputs.items():
            print(f"{kind:5} {path}")
    return 2 if failed else 0
