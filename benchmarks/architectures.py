"""Draw every network of the lecture, for docs/lecture.md.

    python benchmarks/architectures.py docs/images/lecture

Nothing is run, only shapes; the drawings change with the networks.
"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from speediness.experiments.architecture_plot import plot_networks
from speediness.experiments.lecture_networks import NETWORKS


def main() -> None:
    """Write an SVG a network."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="made if missing")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for network in NETWORKS:
        plot_networks([network], folder / f"{network.name}.svg")


if __name__ == "__main__":
    main()
