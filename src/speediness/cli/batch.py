"""``analyse --batch``: all videos of a folder to one table and one page."""

from collections.abc import Sequence
from pathlib import Path

from speediness.analysis.options import AnalysisOptions
from speediness.cli.options import workers
from speediness.cli.outputs import check_new, make_folder
from speediness.cli.terminal import print_error, print_json, print_outputs
from speediness.errors import OutputError


def run_batch(
    sources: Sequence[Path],
    out: Path | None,
    options: AnalysisOptions,
    ray: str | bool | None,
    *,
    json: bool,
    force: bool,
) -> int:
    """Analyse every video; write ``segments.parquet`` and ``report.html`` (exit code 2 if some failed)."""
    from speediness.corpus.analysed_video import AnalysedVideo, Failed
    from speediness.corpus.report import write_report
    from speediness.corpus.segment_table import write_segments
    from speediness.packages import load
    from speediness.progress import progress_bar
    from speediness.video.listing import list_videos

    if len(sources) != 1 or out is None:
        raise OutputError("--batch takes one folder or manifest, and a folder for the results: -o DIR")
    (source,) = sources
    outputs = {"table": out / "segments.parquet", "page": out / "report.html"}
    load("pyarrow")
    listing = list_videos(source)
    make_folder(out)
    for output in outputs.values():
        check_new(output, force)
    seen: dict[str, AnalysedVideo] = {}
    failed = dict(listing.skipped)
    with progress_bar(f"analysing {source.name or source}", "MB") as progress:

        def megabytes(done: float, whole: float) -> None:
            progress(done / 1e6, whole / 1e6)

        for video, outcome in workers(ray)(listing.videos, options, False, megabytes):
            if isinstance(outcome, Failed):
                failed[video.path] = outcome.reason
            else:
                seen[video.path] = outcome
    for path, reason in failed.items():
        print_error(reason if path in reason else f"{path}: {reason}")
    write_segments(seen, outputs["table"])
    write_report(seen, failed, listing.root, outputs["page"])
    if json:
        document = {"schema": "speediness.batch/1", "films": len(seen), "failed": failed}
        print_json(document | {"outputs": {kind: str(path) for kind, path in outputs.items()}})
    else:
        print_outputs(outputs)
    return 2 if failed else 0
