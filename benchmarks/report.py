"""What every benchmark does with its results: a JSON file, Markdown tables, a plot."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from platform import machine, processor, python_version
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from speediness.plots import save_figure
from speediness.runtime import ENGINES, Engine
from speediness.runtime.onnx import cores

Results = dict[str, Any]


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options that all benchmarks share.

    Args:
        description: the script's docstring.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "-o",
        dest="folder",
        metavar="DIR",
        type=Path,
        default=Path("benchmark-results"),
        help="where results and plots go, made if missing (default: benchmark-results)",
    )
    parser.add_argument(
        "--redraw", action="store_true", help="measure nothing: print and draw the results in DIR again"
    )
    return parser


def report(
    name: str,
    given: argparse.Namespace,
    measure: Callable[[], Results],
    tables: Callable[[Results], str],
    draw: Callable[[Figure, Results], None],
) -> None:
    """Measure, or take earlier results; keep them as ``NAME.json``, print tables, draw ``NAME.png``.

    Args:
        name: of the benchmark.
        given: the parsed options of :func:`arguments`.
        measure: gives plain JSON values; called unless earlier results are wanted.
        tables: Markdown of results.
        draw: fills an empty figure with results.
    """
    kept = given.folder / f"benchmark-{name}.json"
    if given.redraw:
        results = json.loads(kept.read_text())
    else:
        results = {"machine": this_machine()} | measure()
        given.folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(results, indent=1) + "\n")
    print(f"{results['machine']}\n\n{tables(results)}")
    figure = Figure(dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure, results)
    save_figure(figure, kept.with_suffix(".png"))


def installed_engines() -> list[Engine]:
    """The engines that can run here."""
    return [engine for engine, (_, package, _) in ENGINES.items() if find_spec(package)]


def this_machine() -> str:
    """Processor, cores and versions, in a line."""
    packages = ["av", *(ENGINES[engine][1] for engine in installed_engines())]
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{cpu_model()}, {cores()} cores, {memory_gb:.0f} GB; Python {python_version()}, {versions}"


def cpu_model() -> str:
    """What the processor calls itself."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else processor() or machine()


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column is text, the others are numbers."""
    rules = [":---", *("---:" for _ in columns[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, rules, *rows]) + "\n"
