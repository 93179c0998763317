"""Labels carried from frame to frame by affinity (Jabri et al. 2020, arXiv 2006.14613, section 4.1).

Each place takes the labels of the places most like it: in the first frame, which is known, and in the
last few, whose labels were carried there before. It looks no further than a radius, of what it sees it
takes the k best, and weighs them by a softmax of their cosines.
"""

# h w cells of a frame, D features, L labels, C frames of context, Q places of a tile, K places they see

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from speediness.errors import SpeedinessError
from speediness.runtime.onnx import cores

Floats = NDArray[np.float32]

TILE = 8  # cells; what the places of a tile see overlaps, and a larger tile compares more in vain
UNSEEN = np.float32(-1e4)  # added to cosines of what lies outside the radius or the frame


@dataclass(frozen=True)
class AffinitySettings:
    """Which places a place is compared with.

    Raises:
        SpeedinessError: no place would be, or the temperature is not above 0.
    """

    recent: int = 4
    """Frames of context before the current one, besides the first. CRW takes 20; here 7 were no better than
    4, and slower."""
    top_k: int = 10
    radius: float = 12.0
    """In cells of the features, around the place itself."""
    temperature: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.recent < 0 or self.top_k < 1 or self.radius < 0 or self.temperature <= 0:
            raise SpeedinessError("propagation needs recent >= 0, top_k >= 1, radius >= 0, temperature > 0")

    @cached_property
    def reach(self) -> int:
        """Whole cells within the radius."""
        return int(self.radius)


class LabelCarrier:
    """Carries labels through the frames of one video; holds the context and nothing else of it.

    Of the first frame it is given features of length 1, and labels 0..1 that sum to 1.
    """

    def __init__(self, first_hwD: Floats, labels_hwL: Floats, settings: AffinitySettings) -> None:
        self._settings = settings
        self._size = first_hwD.shape[:2]
        self._first = self._padded(first_hwD), self._padded(labels_hwL)
        self._recent: deque[tuple[Floats, Floats]] = deque(maxlen=settings.recent)
        self._pool = ThreadPoolExecutor(cores(), "affinity")
        inside = np.ones((*self._size, 1), np.float32)
        self._outside = (1 - self._padded(inside)[..., 0]) * UNSEEN
        self._beyond_QK = _beyond(settings)

    def carry(self, features_hwD: Floats) -> Floats:
        """The labels (h, w, L) of the next frame, from its features of length 1."""
        known = [self._first, *self._recent]
        height, width = self._size
        labels_hwL = np.empty((height, width, self._first[1].shape[-1]), np.float32)
        padded = self._padded(features_hwD)

        def fill(corner: tuple[int, int]) -> None:
            top, left = corner
            carried = self._tile(padded, known, top, left)
            labels_hwL[top : top + TILE, left : left + TILE] = carried[: height - top, : width - left]

        corners = product(range(0, height, TILE), range(0, width, TILE))
        # A thread a tile; threads inside a product of matrices would wait for one another.
        with threadpool_limits(1, "blas"):
            list(self._pool.map(fill, corners))
        self._recent.append((padded, self._padded(labels_hwL)))
        return labels_hwL

    def _padded(self, maps_hwX: Floats) -> Floats:
        """Zeros around: what the places at the edges would see, and whole tiles."""
        reach = self._settings.reach
        after = [(reach, reach + -side % TILE) for side in self._size]
        return np.pad(maps_hwX, (*after, (0, 0)))

    def _tile(self, padded: Floats, known: list[tuple[Floats, Floats]], top: int, left: int) -> Floats:
        reach = self._settings.reach
        rows, columns = (slice(at, at + TILE + 2 * reach) for at in (top, left))
        own = padded[top + reach : top + reach + TILE, left + reach : left + reach + TILE]
        keys_CKD, labels_CKL = (
            np.stack([frame[part][rows, columns].reshape(-1, frame[part].shape[-1]) for frame in known])
            for part in (0, 1)
        )
        unseen_QK = self._beyond_QK + self._outside[rows, columns].reshape(-1)
        cosines_QX = own.reshape(TILE * TILE, -1) @ keys_CKD.reshape(-1, own.shape[-1]).T
        cosines_QCK = cosines_QX.reshape(TILE * TILE, *keys_CKD.shape[:2])
        cosines_QCK += unseen_QK[:, None]
        carried_QL = weighted_best(
            cosines_QCK, labels_CKL.reshape(-1, labels_CKL.shape[-1]), self._settings
        )
        return carried_QL.reshape(TILE, TILE, -1)


def weighted_best(cosines_QCK: Floats, labels_XL: Floats, settings: AffinitySettings) -> Floats:
    """(Q, L) labels of the ``top_k`` most alike, weighted by a softmax of their cosines; ties all count.

    Args:
        cosines_QCK: with places, by frames of context and cells; far below -1 where nothing is seen.
        labels_XL: of the C times K places.
        settings: see there.
    """
    places = len(cosines_QCK)
    # The best of each cell over the frames: the k-th of those is a bound for the k-th of all, found in
    # a fraction of the time that sorting all takes.
    best_QK = cosines_QCK.max(1)
    k = min(settings.top_k, best_QK.shape[1])
    bound_Q1 = np.partition(best_QK, -k, 1)[:, -k, None]
    cosines_QX = cosines_QCK.reshape(places, -1)
    seen_QX = cosines_QX >= np.maximum(bound_Q1, UNSEEN / 2)
    rows, columns = np.divmod(np.flatnonzero(seen_QX), cosines_QX.shape[1])
    counts = np.bincount(rows, minlength=places)
    nth = np.arange(len(rows)) - np.repeat(counts.cumsum() - counts, counts)
    kept_QN = np.full((places, max(counts.max(), k)), UNSEEN)
    kept_QN[rows, nth] = cosines_QX[rows, columns]
    labels_QNL = np.zeros((*kept_QN.shape, labels_XL.shape[-1]), np.float32)
    labels_QNL[rows, nth] = labels_XL[columns]
    least_Q1 = np.partition(kept_QN, -k, 1)[:, -k, None]
    weights_QN = np.exp((kept_QN - kept_QN.max(1, keepdims=True)) / np.float32(settings.temperature))
    weights_QN *= kept_QN >= least_Q1
    weights_QN /= weights_QN.sum(1, keepdims=True)
    return np.einsum("QN,QNL->QL", weights_QN, labels_QNL)


def _beyond(settings: AffinitySettings) -> Floats:
    """(Q, K) UNSEEN where a cell of the window around a tile lies outside a place's radius."""
    side = TILE + 2 * settings.reach
    own = np.arange(TILE) + settings.reach
    apart = (own[:, None] - np.arange(side)) ** 2
    squared = apart[:, None, :, None] + apart[None, :, None, :]
    return np.where(squared > settings.radius**2, UNSEEN, np.float32(0)).reshape(TILE * TILE, side * side)
