"""``speediness audit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from speediness.cli.options import Json
from speediness.cli.outputs import check_file
from speediness.cli.terminal import console, print_json, print_outputs
from speediness.errors import OutputError, SpeedinessError

if TYPE_CHECKING:
    from speediness.evaluation.audit.report import Audit, Measure

MARKS = {True: "pass", False: "FAIL", None: "n/a"}
FAILED = 1


def audit(
    model: str,
    /,
    *,
    data: Annotated[str | None, Parameter(metavar="WHERE")] = None,
    videos: Annotated[int | None, Parameter(name="--films")] = None,
    out: Annotated[Path | None, Parameter(name="-o", metavar="OUT.png")] = None,
    json: Json = False,
) -> int:
    """See whether a network reads artefacts of videos instead of their motion (exit code 1 if a row fails).

    Args:
        model: shipped network or a .onnx file
        data: videos at natural speed: a folder, a manifest CSV or NAME:ROOT (default: simulated walkers)
        videos: at most so many of them, always the same (default: 12)
        out: also draw the rows
    """
    if videos is not None and (videos < 1 or data is None):
        raise SpeedinessError("--films says how many videos of --data to use, at least 1; give both")
    if out is not None:
        if out.suffix.lower() != ".png":
            raise OutputError(f"{out}: the plot is a PNG; give a name that ends in .png")
        check_file(out, force=True)

    from speediness.datasets import find_videos
    from speediness.evaluation.audit.audit import DEFAULT_VIDEOS, audit
    from speediness.progress import progress_bar
    from speediness.runtime.network import load_network

    network = load_network(model)
    items = find_videos(data, "test") if data else ()
    with progress_bar(f"auditing {network.name}") as progress:
        report = audit(network, items, videos=videos or DEFAULT_VIDEOS, progress=progress)
    if out is not None:
        from speediness.evaluation.audit.plot import plot_audit

        plot_audit(report, out)
    if json:
        print_json(report.to_json())
    else:
        _print_report(report)
        if out is not None:
            print_outputs({"plot": out})
    return 0 if report.passed else FAILED


def _print_report(report: Audit) -> None:
    from rich.table import Table
    from rich.text import Text

    out = console()
    out.print(
        f"{report.network}: {len(report.videos)} videos, {report.windows} windows; playing twice as fast"
        f" moves P(sped up) by {report.speed_effect:+.2f} and ranks {report.pairs_ranked:.0%} of the videos"
        " right\n"
    )
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("")
    table.add_column("what is changed, and why it must not matter", overflow="fold")
    table.add_column("measured, tolerated", no_wrap=True)
    for row in report.rows:
        measured = "\n".join(map(_compared, row.measures)) or row.not_applicable
        table.add_row(MARKS[row.passed], Text.assemble(row.name, "\n", (row.why, "dim")), measured)
    out.print(table)
    for name, reason in report.unreadable.items():
        out.print(f"left out: {name}: {reason}")
    failed = sum(row.passed is False for row in report.rows)
    out.print(f"\n{failed} of {len(report.rows)} rows fail" if failed else "\nevery row passes")


def _compared(measure: Measure) -> str:
    sign = "≥" if measure.at_least else "≤"
    value, limit = measure.write(measure.value), measure.write(measure.limit)
    return f"{'' if measure.passed else '! '}{measure.name} {value} {sign} {limit}"
