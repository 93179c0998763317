"""Publish the mean of several runs' weights, as ``speediness train`` publishes one run.

    python scripts/publish_average.py RUN RUN... --data DATA -o network.safetensors

The runs have one recipe and one ``init`` and differ in their seeds; the first one's cache is used.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from speediness.datasets import find_videos
from speediness.training.publish import publish


def main() -> None:
    """Average, calibrate, export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--data", required=True, help="the videos they were trained on")
    parser.add_argument("-o", dest="out", required=True, type=Path, metavar="OUT.safetensors")
    given = parser.parse_args()
    made = publish(given.runs, find_videos(given.data, "train"), given.out, given.runs[0] / "cache")
    print("  ".join(f"{name} {value:.3f}" for name, value in made["validation"].items()))


if __name__ == "__main__":
    main()
