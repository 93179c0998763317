"""Draws docs/images/field.png and heatmap.png by running examples/network.ipynb.

python scripts/draw_concepts.py
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import matplotlib
from matplotlib import pyplot as plt
from PIL import Image

ROOT = Path(__file__).parent.parent
EXAMPLES, IMAGES = ROOT / "examples", ROOT / "docs" / "images"
WIDTH_PX = 1430


def main() -> None:
    """Run the cells in a folder of their own and keep two of the images."""
    matplotlib.use("agg")
    names: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("bikes.mp4").symlink_to(EXAMPLES / "bikes.mp4")
        for cell in json.loads((EXAMPLES / "network.ipynb").read_text())["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
        plt.figure(1).savefig("field.png", dpi=130)
        for drawn, name in (("field.png", "field.png"), ("strip.png", "heatmap.png")):
            image = Image.open(drawn).convert("RGB")
            small = image.resize((WIDTH_PX, round(image.height * WIDTH_PX / image.width)))
            small.quantize(128).save(IMAGES / name, optimize=True)


if __name__ == "__main__":
    main()
