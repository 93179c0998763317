import math

import numpy as np
import pytest

from speediness.evaluation.mask_accuracy import contour, contour_accuracy, mask_accuracy, region_similarity
from speediness.evaluation.moving_shapes import moving_shapes


def blobs(seed: int, height: int = 30, width: int = 41) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    mask = np.zeros((height, width), bool)
    for _ in range(3):
        y, x, r = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(3, 9)
        mask |= np.hypot(rows - y, columns - x) < r
    return mask


def contour_by_hand(mask: np.ndarray) -> set[tuple[int, int]]:
    height, width = mask.shape
    found = set()
    for y in range(height):
        for x in range(width):
            others = [(y, min(x + 1, width - 1)), (min(y + 1, height - 1), x)]
            others.append((min(y + 1, height - 1), min(x + 1, width - 1)))
            if any(mask[y, x] != mask[other] for other in others):
                found.add((y, x))
    return found


def f_by_hand(found: np.ndarray, true: np.ndarray, reach: int) -> float:
    ours, theirs = contour_by_hand(found), contour_by_hand(true)

    def met(one: set, other: set) -> float:
        near = [any(math.dist(a, b) <= reach for b in other) for a in one]
        return sum(near) / len(near)

    precision, recall = met(ours, theirs), met(theirs, ours)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@pytest.mark.parametrize("seed", range(6))
def test_j_and_f_equal_the_obvious_loops(seed: int) -> None:
    found, true = blobs(seed), blobs(seed + (seed % 2) * 50)
    if seed % 2 == 0:
        found = np.roll(found, (1, seed), (0, 1))
    pixels = list(zip(found.flat, true.flat, strict=True))
    both, either = sum(a and b for a, b in pixels), sum(a or b for a, b in pixels)
    assert region_similarity(found, true) == both / either
    assert set(zip(*np.nonzero(contour(true)), strict=True)) == contour_by_hand(true)
    reach = math.ceil(0.008 * math.hypot(30, 41))
    assert contour_accuracy(found, true) == pytest.approx(f_by_hand(found, true, reach), abs=1e-12)


def test_the_tolerance_grows_with_the_frame() -> None:
    """At 432 x 240 it is 4 pixels: a contour 4 pixels off is right, one 5 off is wrong."""
    true = np.zeros((240, 432), bool)
    true[:, 200:] = True
    assert contour_accuracy(np.roll(true, 4, 1) & true, true) == 1
    off = np.zeros_like(true)
    off[:, 205:] = True
    assert contour_accuracy(off, true) == 0


def test_empty_masks() -> None:
    nothing, something = np.zeros((20, 20), bool), blobs(0, 20, 20)
    assert region_similarity(nothing, nothing) == contour_accuracy(nothing, nothing) == 1
    assert region_similarity(nothing, something) == contour_accuracy(nothing, something) == 0
    assert contour_accuracy(something, nothing) == 0


def test_first_and_last_frame_do_not_count_and_objects_do_alike() -> None:
    true = np.zeros((4, 20, 20), np.uint8)
    true[:, 2:12, 2:12] = 1
    true[:, 14:18, 14:18] = 2
    found = true.copy()
    found[0] = found[3] = 0
    assert mask_accuracy(list(found), list(true)) == (1, 1)
    found[1][found[1] == 2] = 0
    j, f = mask_accuracy(list(found), list(true))
    assert j == f == 0.75


def test_drawn_masks_cover_what_was_drawn() -> None:
    for sequence in moving_shapes():
        assert len(sequence.frames) == len(sequence.masks)
        for label in np.unique(sequence.masks[0])[1:]:
            first, last = (mask == label for mask in (sequence.masks[0], sequence.masks[-1]))
            assert first.sum() > 300 and last.sum() > 300
            # It moves: where it ends is not where it began.
            assert region_similarity(first, last) < 0.5
