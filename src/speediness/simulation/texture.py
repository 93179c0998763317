"""Random textures with grain of every size, which stays where it is on its surface."""

from functools import lru_cache

import numpy as np

from speediness.simulation.capture import Floats

KNOTS = 64  # of a grain before it repeats; a power of two


def texture(
    u_m: Floats, v_m: Floats, pixel_m: Floats | float, grains_m: tuple[float, ...], seed: int
) -> Floats:
    """Value of a texture, of variance about 1, at places of a surface.

    Args:
        u_m: places along one direction, in metres; any shape.
        v_m: along the other.
        pixel_m: how much of the surface a pixel shows there; finer grain is left out, so that nothing
            shimmers.
        grains_m: sizes of the grain.
        seed: of the texture.
    """
    total = np.zeros(np.broadcast(u_m, v_m).shape)
    for number, grain_m in enumerate(grains_m):
        shown = np.clip(grain_m / pixel_m - 1, 0, 1)
        if np.any(shown):
            total += shown * _smooth(_knots(seed, number), u_m / grain_m, v_m / grain_m)
    return total * (2.4 / len(grains_m) ** 0.5)


@lru_cache(512)
def _knots(seed: int, number: int) -> Floats:
    return np.random.default_rng((seed, number)).uniform(-1, 1, (KNOTS, KNOTS))


def _smooth(grid: Floats, u: Floats, v: Floats) -> Floats:
    """A periodic grid between its knots."""
    column, row = np.floor(u), np.floor(v)
    x, y = u - column, v - row
    x, y = x * x * (3 - 2 * x), y * y * (3 - 2 * y)
    columns = [column.astype(np.int64) + n & KNOTS - 1 for n in (0, 1)]
    rows = [(row.astype(np.int64) + n & KNOTS - 1) * KNOTS for n in (0, 1)]

    def knot(right: int, down: int) -> Floats:
        return np.take(grid, rows[down] + columns[right])

    top = knot(0, 0) * (1 - x) + knot(1, 0) * x
    return top * (1 - y) + (knot(0, 1) * (1 - x) + knot(1, 1) * x) * y
