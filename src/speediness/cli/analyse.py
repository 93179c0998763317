"""``speediness analyse``."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from speediness.analysis.options import AnalysisOptions
from speediness.cli.options import Analysis, Force, Json, Quiet, Ray, analyse_video, workers
from speediness.cli.outputs import check_folder, check_new, make_folder
from speediness.cli.terminal import (
    console,
    print_error,
    print_json,
    print_outputs,
    print_table,
    stamp,
    wants_traceback,
)
from speediness.errors import DataError, OutputError, SpeedinessError
from speediness.results.labels import LABELS

if TYPE_CHECKING:
    from speediness.progress import Bar
    from speediness.results.curve import SpeedinessCurve

ROWS_SHOWN = 20  # segments in the printed table; the files hold all


def analyse(
    videos: list[Path],
    /,
    *,
    out: Annotated[Path | None, Parameter(name="-o", metavar="DIR")] = None,
    csv: bool = False,
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
    batch: bool = False,
    svg: bool = False,
    dark: bool = False,
    options: Analysis = AnalysisOptions(),
    ray: Ray = None,
) -> int:
    """Find out where videos look natural, sped up or slowed down.

    A video that fails is reported and the others go on (exit code 2).

    Args:
        videos: videos to look at, folders of videos, patterns in quotes
        out: where results go, made if missing (default: beside each video)
        csv: also write NAME.speediness.csv, one row per frame
        svg: the plot as SVG, sharp at any size (default: PNG)
        dark: the plot in light ink on dark paper
        batch: one table and one report of a folder or manifest, in DIR; needs speediness[search]
    """
    from speediness.progress import bar_for
    from speediness.video.listing import named_videos

    if batch:
        return run_batch(videos, out, options, ray, json=json, force=force)
    if ray is not None:
        raise OutputError("--ray is for many videos; add --batch")
    results = {
        video: (out / name if out else video).with_suffix("")
        for source in videos
        for video, name in named_videos(source)
    }
    if not results:
        raise DataError(f"no video in {', '.join(map(str, videos))}; check the names")
    _refuse_clashes(results)
    if out is not None:
        make_folder(out)
    bar = bar_for("none" if quiet else "bar")
    summaries: list[dict[str, Any]] = []
    errors: list[dict[str, str]] = []
    for video, result in results.items():
        try:
            if out is not None:
                result.parent.mkdir(parents=True, exist_ok=True)
            kinds = {"curve": ".json", "plot": ".svg" if svg else ".png"} | ({"csv": ".csv"} if csv else {})
            outputs = {kind: Path(f"{result}.speediness{suffix}") for kind, suffix in kinds.items()}
            summary = _analyse_one(video, outputs, options, force, dark, bar)
        except BrokenPipeError:
            raise
        except (SpeedinessError, OSError) as error:
            if wants_traceback():
                raise
            print_error(error)
            errors.append({"video": str(video), "error": str(error)})
        else:
            summaries.append(summary)
            if not (json or quiet):
                print_summary(summary)
    if json:
        print_json({"schema": "speediness.summary/1", "films": summaries, "errors": errors})
    return 2 if errors else 0


def _refuse_clashes(results: dict[Path, Path]) -> None:
    """Two videos must never write to the same file."""
    claims: dict[Path, list[Path]] = defaultdict(list)
    for video, result in results.items():
        claims[result.resolve()].append(video)
    for result, claimants in claims.items():
        if len(claimants) > 1:
            names = " and ".join(map(str, claimants))
            raise OutputError(
                f"{names} would both be written to {result}.speediness.json; analyse them one by one"
                " with a different -o each"
            )


def _analyse_one(
    video: Path, outputs: dict[str, Path], options: AnalysisOptions, force: bool, dark: bool, bar: Bar
) -> dict[str, Any]:
    from speediness.plots import plot_curve

    if video.exists():  # a missing video is the better complaint
        check_folder(outputs["curve"].parent, "choose another with -o")
    for output in outputs.values():
        check_new(output, force)
    curve = analyse_video(video, options, bar)
    plot_curve(curve, outputs["plot"], video=video, theme="dark" if dark else "light")
    if "csv" in outputs:
        write_csv(curve, outputs["csv"])
    curve.save(outputs["curve"])
    return summarise(video, curve) | {"outputs": {kind: str(path) for kind, path in outputs.items()}}


def summarise(video: Path, curve: SpeedinessCurve) -> dict[str, Any]:
    """What ``--json`` says of a video (docs/formats.md): plain values, times in seconds."""
    document = curve.outline()
    seconds = dict.fromkeys(LABELS, 0.0)
    for segment in curve.segments:
        seconds[segment.label] += segment.end_s - segment.start_s
    total_s = sum(seconds.values()) or 1.0
    return {
        "video": str(video),
        "duration_s": document["duration_s"],
        "frames": len(curve.times_s),
        "share": {label: round(part_s / total_s, 4) for label, part_s in seconds.items()},
        "segments": document["segments"],
        "cuts_s": document["cuts_s"],
        "notes": document["notes"],
    }


def print_summary(summary: dict[str, Any]) -> None:
    """Print the same for people."""
    from speediness.progress import clock

    out = console()
    out.print(
        f"\n{Path(summary['video']).name}: {clock(summary['duration_s'])}, {summary['frames']} frames"
    )
    shares = {label: part for label, part in summary["share"].items() if part}
    out.print(", ".join(f"{label.replace('_', ' ')} {part:.0%}" for label, part in shares.items()))
    rows = []
    for segment in summary["segments"][:ROWS_SHOWN]:
        sure = segment["label"] != "not_sure"
        rows.append(
            [
                stamp(segment["start_s"]),
                stamp(segment["end_s"]),
                segment["label"].replace("_", " "),
                f"{segment['factor']:.2f}×" if sure else "-",
                f"{segment['confidence']:.2f}" if sure else "-",
            ]
        )
    print_table(("start", "end", "label", "factor", "confidence"), rows, left=(2,))
    if len(summary["segments"]) > ROWS_SHOWN:
        out.print(f" and {len(summary['segments']) - ROWS_SHOWN} more, all in the files below")
    for note in summary["notes"]:
        out.print(f"note: {note}")
    print_outputs(summary["outputs"])


def write_csv(curve: SpeedinessCurve, path: Path) -> None:
    """One row per frame: its time, score, limit and label, and P(natural) at every factor.

    Raises:
        OutputError: the file cannot be written; nothing is left of it.
    """
    import numpy as np

    from speediness.results.documents import write_text

    starts_s = np.array([segment.start_s for segment in curve.segments])
    held_by = np.maximum(np.searchsorted(starts_s, curve.times_s + 1e-9, "right") - 1, 0)
    labels = [curve.segments[i].label if curve.segments else "" for i in held_by]
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["time_s", "sped_up", "limit", "label", *(f"natural_at_{f:g}" for f in curve.factors)])
    columns = zip(curve.times_s, curve.sped_up, curve.limit(), labels, curve.normal.T, strict=True)
    for time_s, sped_up, limit, label, normal in columns:
        rows.writerow(
            [f"{time_s:.6f}", f"{sped_up:.4f}", f"{limit:.4f}", label, *(f"{p:.4f}" for p in normal)]
        )
    write_text(path, text.getvalue())


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
