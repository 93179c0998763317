"""``speediness evaluate``."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from speediness.cli.options import Json, Model, Videos
from speediness.cli.outputs import check_file
from speediness.cli.terminal import console, print_json, print_outputs, print_table
from speediness.errors import DataError

COMPARED = {
    "propagate": ("propagation", "sequences", ".3f", {"j": "J", "f": "F"}),
    "align": (
        *("alignment", "alignments", ".2f"),
        {
            "tau": "tau",
            "median_error": "median frames off",
            "key_moments": "key moments, mean",
            "key_moments_median": "median",
        },
    ),
}
"""What is measured beside methods that learn nothing: what the bar says and counts, format and columns."""


def evaluate(
    what: Literal["speed", "propagate", "align"],
    /,
    *,
    data: Videos | None = None,
    model: Model = None,
    plot: Annotated[Path | None, Parameter(metavar="OUT.png")] = None,
    json: Json = False,
) -> None:
    """Measure how well the network tells the speed of videos of known speed, carries masks, or aligns.

    Args:
        what: speed: 1x against 2x; propagate: masks carried (J and F); align: errors in frames
        plot: also draw a reliability diagram and every source (speed alone)
    """
    if what != "speed":
        _compare_methods(what, data, model, json)
        return
    if data is None:
        raise DataError("evaluate speed needs videos of natural speed: name them with --data")
    if plot is not None:
        check_file(plot, force=True, option="--plot")

    from speediness.evaluation.speed_accuracy import evaluate_speed
    from speediness.progress import progress_bar

    with progress_bar(f"evaluating on {Path(data).name}", counted="videos") as progress:
        report = evaluate_speed(data, model, progress=progress)
    if plot is not None:
        from speediness.evaluation.reliability import plot_reliability

        plot_reliability(report, plot)
    if json:
        print_json(report)
    else:
        _print_report(report)
        if plot is not None:
            print_outputs({"plot": plot})


def _compare_methods(what: str, data: str | None, model: str | None, json: bool) -> None:
    from speediness.progress import progress_bar

    if what == "propagate":
        from speediness.evaluation.propagation import evaluate_propagation as evaluate
    else:
        from speediness.evaluation.alignment import evaluate_alignment as evaluate
    name, counted, style, columns = COMPARED[what]
    with progress_bar(f"evaluating {name}", counted=counted) as progress:
        report = evaluate(data, model, progress=progress)
    if json:
        print_json(report)
        return
    kind = next(kind for kind in ("sequences", "planted", "marked") if kind in report)
    rows = [
        [video, method, *(f"{score[key]:{style}}" if key in score else "" for key in columns)]
        for video, scores in (report[kind] | {"mean": report["mean"]}).items()
        for method, score in scores.items()
    ]
    print_table((kind.removesuffix("s"), "method", *columns.values()), rows, left=(0, 1))


def _print_report(report: dict) -> None:
    out = console()
    out.print(f"{report['films']} videos, {report['windows']} windows, 95 % intervals over sources")
    if report["too_short"]:
        out.print(f"{report['too_short']} more hold no whole window at 2x and were left out")
    out.print()
    rows = []
    for name, (low, high) in report["interval_95"].items():
        style = ".3f" if name == "log_loss" else ".1%"
        rows.append([name.replace("_", " "), f"{report[name]:{style}}", f"{low:{style}} to {high:{style}}"])
    print_table(("measure", "value", "interval"), rows)
    out.print(
        "\n"
        + ", ".join(f"{name.replace('_', ' ')} {share:.1%}" for name, share in report["per_class"].items())
    )
    error, (low, high) = (
        report["reliability"]["expected_calibration_error"],
        report["reliability"]["error_interval_95"],
    )
    out.print(f"predicted probabilities are off by {error:.1%} on average ({low:.1%} to {high:.1%})")
    out.print("per source and per bin: see --json or --plot")
