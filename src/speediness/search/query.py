"""Asking a library where videos move like a query (SpeedNet §5.4.2)."""

# Q windows of the query, D features

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speediness.errors import DataError
from speediness.results.curve import Label
from speediness.search.hits import Hit, non_max_suppression
from speediness.search.library import Library, VideoRow, nearest, quoted
from speediness.search.likeness import ALIKE, MEASURED, Likeness, spread

NEAR = 2000  # neighbours of each window of a query by the plain cosine, of which the most alike are chosen
FURTHER = 4  # times as many when there were too few


@dataclass(frozen=True)
class Where:
    """Which windows of which videos count."""

    label: Label | None = None
    """Only those that play so."""
    folder: str | None = None
    """Only of videos below it; relative to the root that was indexed, or absolute."""

    def sql(self) -> str | None:
        """The condition on rows of the table ``windows``; None: all."""
        conditions = []
        if self.label is not None:
            conditions.append(f"label = {quoted(self.label)}")
        if self.folder is not None:
            folder = os.path.normpath(self.folder).replace(os.sep, "/").rstrip("/") + "/"
            path = "concat(root, '/', path)" if os.path.isabs(self.folder) else "path"
            if folder != "./":
                conditions.append(f"starts_with({path}, {quoted(folder)})")
        return " AND ".join(conditions) or None


def search_library(
    db: str | os.PathLike[str] | Library,
    vectors_QD: NDArray[np.float32],
    top: int = 10,
    where: Where | None = None,
    least: float = ALIKE,
) -> list[Hit]:
    """Find the windows of videos that move most like any window of a query, ``top`` at most.

    Vectors (Q, D) are of length 1, made by the library's network; a find is at least as similar as
    ``least``.

    Returns:
        The best first; of one video none that overlaps another. None at all: nothing moves like this.

    Raises:
        DataError: no such library, or the vectors are not of its network.
    """
    library = db if isinstance(db, Library) else Library(db)
    vectors_QD = vectors_QD[vectors_QD.any(1)]
    if library.windows is None or not len(vectors_QD) or top < 1:
        return []
    n_features = library.windows.schema.field("vector").type.list_size
    if vectors_QD.shape[1] != n_features:
        raise DataError(
            f"{library.uri} holds vectors of {n_features} features, the query has "
            f"{vectors_QD.shape[1]}; analyse it with the network {library.network}"
        )
    likeness, vectors_QD = _likeness(library.windows), spread(vectors_QD)
    condition = where.sql() if where else None
    most = NEAR
    while True:
        near = [_near(library, vector_D, most, condition) for vector_D in vectors_QD]
        rows = list({(row["film"], row["start_s"]): row for found in near for row in found}.values())
        vectors_ND = np.array([row["vector"] for row in rows], np.float32).reshape(-1, n_features)
        alike = likeness.to(vectors_QD, vectors_ND)
        hits = _hits(library, [rows[n] | {"alike": alike[n]} for n in np.flatnonzero(alike >= least)], top)
        if len(hits) >= top or all(len(found) < most for found in near):
            return hits
        most *= FURTHER


def _likeness(windows: Any) -> Likeness:
    rows = windows.search().select(["vector"]).limit(MEASURED).to_arrow()["vector"].combine_chunks()
    return Likeness.of(rows.flatten().to_numpy().reshape(len(rows), -1))


def _near(
    library: Library, vector_D: NDArray[np.float32], most: int, condition: str | None
) -> list[dict[str, Any]]:
    """Rows of the windows near one by the plain cosine, which an index can find."""
    columns = ["film", "start_s", "end_s", "label", "vector", "_distance"]
    query = nearest(library.windows, vector_D, most).select(columns)
    return (query.where(condition, prefilter=True) if condition else query).to_list()


def _hits(library: Library, near: list[dict[str, Any]], top: int) -> list[Hit]:
    videos = _videos(library, {row["film"] for row in near})
    near = [row for row in near if row["film"] in videos]
    kept = non_max_suppression(
        [row["film"] for row in near],
        [(row["start_s"], row["end_s"]) for row in near],
        [row["alike"] for row in near],
        top,
    )
    return [
        Hit(videos[row["film"]].file, row["start_s"], row["end_s"], float(row["alike"]), row["label"])
        for row in (near[n] for n in kept)
    ]


def _videos(library: Library, named: set[str]) -> dict[str, VideoRow]:
    """Those of some videos that are in the library."""
    if not named:
        return {}
    rows = library.video_rows(f"film IN ({', '.join(map(quoted, sorted(named)))})")
    return {row.video: row for row in rows}
