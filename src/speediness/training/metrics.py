"""What a run writes down as it goes: JSON lines, TensorBoard events and a frame."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from torch.utils.tensorboard import SummaryWriter

from speediness.errors import OutputError
from speediness.plots import new_figure, save_figure
from speediness.results.documents import written_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RESUMED = "the last checkpoint is intact: free some space, then continue with --resume"


class Metrics:
    """``metrics.jsonl``, TensorBoard events and ``training_curve.png`` in a run's folder.

    A context manager. A run that was interrupted wrote rows after its last checkpoint; they are
    dropped when it goes on from there, since it will write them again.

    Attributes:
        rows: one for every line of the file.
        validated: the last step whose validation is among them; 0 where there is none.

    Args:
        folder: of the run; exists.
        done: steps done so far; rows of later steps are dropped.
        owed: the checkpoint holds losses that no row had told; one that tells them, and what follows
            it, is dropped too.

    Raises:
        OutputError: the disk is full or the folder cannot be written; by all methods.
    """

    def __init__(self, folder: Path, done: int, owed: bool = False) -> None:
        self.folder = folder
        self._path = folder / "metrics.jsonl"
        self.rows = [row for row in read_metrics(self._path) if row["step"] <= done]
        if owed:
            self.rows = list(takewhile(lambda row: row["step"] < done or "validation" in row, self.rows))
        self.validated = max((row["step"] for row in self.rows if "validation" in row), default=0)
        try:
            with written_whole(self._path, RESUMED) as partial:
                partial.write_text("".join(json.dumps(row) + "\n" for row in self.rows))
            # TensorBoard hides what the last run logged from this step on.
            self._events = SummaryWriter(str(folder), purge_step=done + 1)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def record(self, step: int, row: dict[str, float]) -> None:
        """Write the mean losses of the steps up to ``step``."""
        self._write({"step": step, **row}, "train", row)

    def record_validation(self, step: int, row: dict[str, float]) -> None:
        """Write an evaluation after ``step`` steps, and draw the frame anew."""
        self._write({"step": step, "validation": row}, "validation", row)
        self.validated = step
        plot_training(self.rows, self.folder / "training_curve.png")

    def _write(self, line: dict[str, Any], part: str, row: dict[str, float]) -> None:
        self.rows.append(line)
        try:
            with self._path.open("a") as file:
                file.write(json.dumps(line) + "\n")
            for name, value in row.items():
                self._events.add_scalar(f"{part}/{name}", value, line["step"])
            self._events.flush()
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def __enter__(self) -> Self:
        """Nothing to do: the files are open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the TensorBoard events; every row is on disk already."""
        with suppress(OSError):
            self._events.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a ``metrics.jsonl``; a last line that broke off is left out."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {path}: {error.strerror or error}; {RESUMED}")


# Okabe and Ito's palette; every line also has a dash or a marker of its own.
SHARES = {
    "accuracy": ("#0072B2", "-o", "held out"),
    "accuracy_clip": ("#009E73", "-s", "held-out clips"),
    "matched_pairs": ("#CC79A7", "-^", "held-out matched pairs"),
    "same_film": ("#009E73", "-s", "held out: same video found"),
    "mean_flow": ("#D55E00", "--", "mean flow alone, same windows"),
}


def plot_training(rows: list[dict[str, Any]], out_png: Path) -> None:
    """Draw the rows of a ``metrics.jsonl``; replaces the plot once it is whole.

    Raises:
        OutputError: the plot cannot be written.
    """
    figure = new_figure(9.0, 6.5, dpi=110)
    above, below = figure.subplots(2, 1, sharex=True)
    trained = [row for row in rows if "validation" not in row]
    steps = [row["step"] for row in trained]
    above.plot(steps, [row["loss"] for row in trained], color="#222222", lw=1.3)
    above.set_ylabel("training loss")
    below.plot(steps, [row["accuracy"] for row in trained], color="#999999", lw=1, label="training clips")
    validated = [row for row in rows if "validation" in row]
    for name, (colour, style, label) in SHARES.items():
        points = [(row["step"], row["validation"][name]) for row in validated if name in row["validation"]]
        if points:
            below.plot(*zip(*points, strict=True), style, color=colour, ms=4, label=label)
    below.axhline(0.5, color="#999999", lw=0.8, ls=":")
    below.set_ylabel("share right")
    below.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    below.set_xlabel("step")
    for axes in (above, below):
        _finish(axes)
    save_figure(figure, out_png)


def _finish(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#DDDDDD", lw=0.5)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
