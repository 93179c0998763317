"""speediness evaluate: measure how well the network tells the speed of videos of known speed."""

from __future__ import annotations

import argparse
from pathlib import Path

from speediness.cli.analyse import print_outputs
from speediness.cli.outputs import check_folder, check_new
from speediness.cli.terminal import console, print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument("what", choices=["speed"], help="speed: 1x against 2x (SpeedNet Table 1)")
    parser.add_argument(
        "--data",
        metavar="DATA",
        required=True,
        help="videos at natural speed: a folder, a manifest, or NAME:ROOT of speediness data list",
    )
    parser.add_argument(
        "--model", metavar="NAME", help="shipped network or weights file (default: the shipped one)"
    )
    parser.add_argument(
        "--plot", metavar="OUT.png", type=Path, help="also draw a reliability diagram and every source"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print, draw."""
    if arguments.plot is not None:
        check_folder(arguments.plot.parent, "choose another with --plot")
        check_new(arguments.plot, force=True)

    from speediness.evaluation.speed_accuracy import evaluate_speed
    from speediness.progress import progress_bar

    with progress_bar(f"evaluating on {Path(arguments.data).name}", counted="videos") as progress:
        report = evaluate_speed(arguments.data, arguments.model, progress=progress)
    if arguments.plot is not None:
        from speediness.evaluation.reliability_plot import plot_reliability

        plot_reliability(report, arguments.plot)
    if arguments.json:
        print_json(report)
    else:
        _print_report(report)
        if arguments.plot is not None:
            print_outputs({"plot": str(arguments.plot)})
    return 0


def _print_report(report: dict) -> None:
    from rich.table import Table

    out = console()
    out.print(f"{report['films']} videos, {report['windows']} windows, 95 % intervals over sources")
    if report["too_short"]:
        out.print(f"{report['too_short']} more hold no whole window at 2x and were left out")
    out.print()
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("measure")
    table.add_column("value", justify="right")
    table.add_column("interval", justify="right")
    for name, (low, high) in report["interval_95"].items():
        style = ".3f" if name == "log_loss" else ".1%"
        interval = f"{low:{style}} to {high:{style}}"
        table.add_row(name.replace("_", " "), f"{report[name]:{style}}", interval)
    out.print(table)
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
