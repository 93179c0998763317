"""What was taken for what, as a plot."""

# K classes

from pathlib import Path
from typing import Any

import numpy as np

from speediness.plots import INK, new_figure, save_figure

NAMED = 60  # classes at most whose names are written, and
COUNTED = 15  # whose counts


def plot_confusion(document: dict[str, Any], out_png: Path) -> None:
    """Draw the confusion matrix as shares of each class shown.

    Args:
        document: of :func:`speediness.training.finetune.finetune`.
        out_png: where to write; replaced if it exists, and only once the plot is whole.

    Raises:
        OutputError: the plot cannot be written.
    """
    classes, counts_KK = document["classes"], np.array(document["confusion"])
    share_KK = counts_KK / np.maximum(counts_KK.sum(1, keepdims=True), 1)
    side = 3.2 + 0.16 * min(len(classes), 101)
    figure = new_figure(side + 1.2, side, dpi=120)
    axes = figure.subplots()
    image = axes.imshow(share_KK, vmin=0, vmax=1, cmap="cividis_r")
    figure.colorbar(image, ax=axes, shrink=0.7, format=lambda share, _: f"{share:.0%}")
    if len(classes) <= NAMED:
        axes.set_xticks(range(len(classes)), classes, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(classes)), classes)
    if len(classes) <= COUNTED:
        for (row, column), count in np.ndenumerate(counts_KK):
            dark = share_KK[row, column] > 0.5
            axes.text(column, row, str(count), ha="center", va="center", color="white" if dark else INK)
    axes.set(xlabel="said", ylabel="shown")
    axes.set_title(f"{document['accuracy']:.1%} of {counts_KK.sum()} videos right", loc="left", fontsize=11)
    axes.tick_params(colors=INK, labelsize=7, length=0)
    save_figure(figure, out_png)
