"""What a run writes down as it goes: JSON lines, TensorBoard events and a frame."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch.utils.tensorboard import SummaryWriter

from speediness.errors import OutputError
from speediness.results.documents import written_whole
from speediness.training.training_curve import plot_training

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
