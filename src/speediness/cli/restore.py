"""``speediness restore``."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from speediness.analysis.options import AnalysisOptions
from speediness.cli.options import Analysis, Force, Json, Quiet, RenderingOptions, analyse_video
from speediness.cli.terminal import console, print_json, print_outputs, print_table, stamp


def restore(
    video: Path,
    /,
    *,
    out: Annotated[Path, Parameter(name="-o")],
    factors: Annotated[tuple[str, ...], Parameter(name="--factor", metavar="A-B=F")] = (),
    curve: Annotated[Path | None, Parameter(name="--from")] = None,
    rendering: RenderingOptions = RenderingOptions(),
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
    options: Analysis = AnalysisOptions(),
) -> None:
    """Play every stretch of a video at its natural speed.

    Args:
        video: video to restore
        out: video to write: .mp4, .mov or .mkv
        factors: A to B (seconds or mm:ss) plays at F, 0.25 is four times slower than life; may be repeated
        curve: use this curve instead of analysing again
    """
    from speediness.progress import bar_for
    from speediness.speedup.restore import restore as restored
    from speediness.speedup.stretches import parse_factor

    bar = bar_for("none" if quiet else "bar")
    summary = restored(
        video,
        out,
        rendering.rendering(force),
        lambda path: analyse_video(path, options, bar),
        bar,
        given=[parse_factor(text) for text in factors],
        curve_file=curve,
    )
    if json:
        print_json(summary)
    elif not quiet:
        _print_summary(summary)


def _print_summary(summary: dict[str, Any]) -> None:
    from speediness.progress import clock

    out = console()
    out.print(
        f"\n{Path(summary['video']).name}: {clock(summary['source_duration_s'])} becomes"
        f" {clock(summary['output_duration_s'])}"
    )
    cells = [
        [
            stamp(stretch["start_s"]),
            stamp(stretch["end_s"]),
            stretch["why"].replace("_", " "),
            f"{stretch['factor']:.2f}×",
            f"{1 / stretch['factor']:.2f}×",
        ]
        for stretch in summary["stretches"]
    ]
    print_table(("start", "end", "why", "factor", "played at"), cells, left=(2,))
    before, after = (summary[f"share_{when}"].get("natural", 0) for when in ("before", "after"))
    out.print(f"natural to the network for {after:.0%} of the time, before: {before:.0%}")
    for note in summary["notes"]:
        out.print(f"note: {note}")
    print_outputs(summary["outputs"])
    for path in summary["subtitles"]:
        print_outputs({"subtitle": path})
