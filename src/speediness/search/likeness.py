"""How alike two windows move, in a library and on the page: one meaning of similarity.

Vectors of windows lie near each other whatever moves: all video has much in common. So what a collection
has in common is taken out first: its mean, and the directions in which all of it varies (whitening).
"""

# Q windows of a query, N of a collection, D features

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

ALIKE = 0.6
"""Similarity from which a window counts as a find: benchmarks/likeness.py."""
MOST_ASKED = 8  # windows of the query, spread over it: neighbours overlap, and more say little new
MEASURED = 20_000
"""Windows from which what a collection has in common is told."""
FEW = 20  # windows that say as little of the mean as knowing nothing


def spread(query_QD: Vectors) -> Vectors:
    """At most MOST_ASKED windows of a query, evenly."""
    return query_QD[np.linspace(0, len(query_QD) - 1, min(len(query_QD), MOST_ASKED)).round().astype(int)]


@dataclass(frozen=True)
class Likeness:
    """Similarity of windows in one collection."""

    mean_D: Vectors
    whitening_DD: Vectors

    @classmethod
    def of(cls, vectors_ND: Vectors) -> Likeness:
        """What a collection has in common.

        Of few windows little is known, so mean and directions are drawn towards none at all.

        Args:
            vectors_ND: unit vectors of its windows.
        """
        n, d = vectors_ND.shape
        mean_D = vectors_ND.sum(0, dtype=np.float64) / (n + FEW)
        apart_ND = vectors_ND - mean_D
        spread_DD = apart_ND.T @ apart_ND / max(n, 1)
        alike = d / (n + d)
        even = max(float(np.trace(spread_DD)) / d, 1e-9)
        strength_D, axes_DD = np.linalg.eigh((1 - alike) * spread_DD + alike * even * np.eye(d))
        return cls(mean_D.astype(np.float32), (axes_DD / np.sqrt(strength_D)).astype(np.float32))

    def to(self, query_QD: Vectors, vectors_ND: Vectors) -> Vectors:
        """(N,) similarity of windows to the nearest of a query's, -1..1.

        Not to the mean over windows in a row: where clips are looked for that were cropped and encoded
        again, the best single window finds more of them (docs/search.md).
        """
        return (self._peculiar(vectors_ND) @ self._peculiar(spread(query_QD)).T).max(1, initial=-1)

    def _peculiar(self, vectors_ND: Vectors) -> Vectors:
        """Unit vectors of what is left."""
        left_ND = (vectors_ND - self.mean_D) @ self.whitening_DD
        return left_ND / np.maximum(np.linalg.norm(left_ND, axis=1, keepdims=True), 1e-9)
