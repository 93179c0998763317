"""Options of every verb that draws a curve, and the drawing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speediness.curves import SpeedinessCurve
    from speediness.speed_plan import SpeedPlan


def add_plotting_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how the plot looks."""
    parser.add_argument(
        "--svg", action="store_true", help="the plot as SVG, sharp at any size (default: PNG)"
    )
    parser.add_argument("--dark", action="store_true", help="the plot in light ink on dark paper")


def plot_suffix(arguments: argparse.Namespace) -> str:
    """How the name of the plot ends."""
    return ".svg" if arguments.svg else ".png"


def draw_plot(
    curve: SpeedinessCurve,
    out: Path,
    arguments: argparse.Namespace,
    video: Path,
    plan: SpeedPlan | None = None,
) -> None:
    """Draw a curve, its plan and plots of its video as the arguments say.

    Raises:
        OutputError: the plot cannot be written.
    """
    from speediness.plots import plot_curve

    plot_curve(curve, out, plan, video=video, theme="dark" if arguments.dark else "light")
