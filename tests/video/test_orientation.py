from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from speediness.video.orientation import Orientation

ONE = 1 << 16
QUARTERS = {
    "as stored": (1, 0, 0, 1),
    "90": (0, 1, -1, 0),
    "180": (-1, 0, 0, -1),
    "270": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "upside down": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "anti-transposed": (0, -1, -1, 0),
}


def point_by_point(stored: NDArray, a: int, b: int, c: int, d: int) -> NDArray:
    """The standard's formula for every pixel, moved so that the corner is at 0."""
    points = {
        (a * p + c * q, b * p + d * q): stored[q, p]
        for q in range(stored.shape[0])
        for p in range(stored.shape[1])
    }
    left, top = min(x for x, _ in points), min(y for _, y in points)
    right, bottom = max(x for x, _ in points), max(y for _, y in points)
    return np.array([[points[x, y] for x in range(left, right + 1)] for y in range(top, bottom + 1)])


@pytest.mark.parametrize("name", QUARTERS)
def test_upright_moves_every_pixel_where_the_matrix_says(name: str) -> None:
    stored = np.arange(15).reshape(3, 5)
    a, b, c, d = QUARTERS[name]
    orientation = Orientation.of_matrix([a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 7, 9, 1 << 30])
    np.testing.assert_array_equal(orientation.upright(stored), point_by_point(stored, a, b, c, d))
    if name.isdigit():
        assert orientation.rotation_deg == int(name)


def test_a_slanted_matrix_gives_the_nearest_quarter() -> None:
    cos, sin = round(0.9 * ONE), round(0.1 * ONE)
    assert Orientation.of_matrix([sin, cos, 0, -cos, sin, 0, 0, 0, 0]).rotation_deg == 90
