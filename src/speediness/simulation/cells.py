"""What the flow layer would measure of a stage, from the motion of limbs and wall: no frame is drawn.

:class:`speediness.models.motion.MotionCells` goes from coarse to fine, takes the motion of a window of
pixels for that of its middle, moves by so much a step at most, and lets plain surfaces follow the texture
around them. Here the true motion is put on a grid of GRID_PX and goes through the same windows.
"""

# F moments, P pairs of neighbours, N points, g the grid, h w cells

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from speediness.models.motion import CELL_PX, LEAST_CONFIDENCE, window_mean
from speediness.simulation.capture import Floats
from speediness.simulation.stage import NEAREST_M, Body, Stage
from speediness.simulation.texture import texture

GRID_PX = 2
APART_M = 0.05  # of the points along a limb
ACROSS = np.array([-0.75, -0.25, 0.25, 0.75])  # places across a limb, in radii
HIDES_M = 0.25  # a limb this much nearer hides another but for 1/e
# Per level of the pyramid: pooling of the grid, most pixels a step, radii of window and of smoothing.
LEVELS = ((2, 4.0, 2, 3), (1, 2.0, 2, 3), (1, 1.0, 1, 1))
STEPS = 2
BACKGROUND_GRAINS_M = (3.0, 0.9)


@dataclass(frozen=True)
class Sight:
    """How well motion is seen.

    Attributes:
        bodies: power of the gradients of bodies and of their outline, in units of the layer's noise.
        background: that of ground and wall, in the middle.
        uneven: deviation of its logarithm from place to place.
        noise_px: deviation of the error of a pair of frames, on the grid.
    """

    bodies: float = 10.0
    background: float = 0.3
    uneven: float = 0.0
    noise_px: float = 0.0


def motion_cells(
    stage: Stage,
    times_s: Floats,
    cells_hw: tuple[int, int],
    sight: Sight = Sight(),
    rng: np.random.Generator | None = None,
) -> NDArray[np.float32]:
    """Motion between neighbouring moments (F,), in cells of CELL_PX, as well as it is seen.

    ``rng`` draws the errors, and is needed where there is noise.

    Returns:
        (F - 1, 4, h, w) as of :class:`speediness.models.motion.MotionCells`.
    """
    fine = CELL_PX // GRID_PX
    rows, columns = cells_hw[0] * fine, cells_hw[1] * fine
    height_px = cells_hw[0] * CELL_PX
    motion_P2gg, power_P1gg = _background(stage, times_s, (rows, columns), height_px, sight)
    for body in stage.from_the_back(times_s[:1]):
        moved, cover = _splat(stage, body, times_s, (rows, columns), height_px)
        seen, behind = cover * sight.bodies, (1 - cover) * power_P1gg
        power_P1gg = seen + behind
        motion_P2gg = (seen * moved + behind * motion_P2gg) / power_P1gg
    if sight.noise_px and rng is not None:
        motion_P2gg = motion_P2gg + rng.normal(0, sight.noise_px, motion_P2gg.shape)
    motion, power = (
        torch.from_numpy(np.ascontiguousarray(x, np.float32)) for x in (motion_P2gg, power_P1gg)
    )
    flow = _as_measured(motion, power)
    length = flow.square().sum(1, keepdim=True).sqrt()
    return F.avg_pool2d(torch.cat([flow, length, _confidence(power)], 1), fine).numpy()


def _confidence(power_P1gg: Tensor) -> Tensor:
    return power_P1gg / (power_P1gg + 1) + LEAST_CONFIDENCE


def _as_measured(motion_P2gg: Tensor, power_P1gg: Tensor) -> Tensor:
    """The motion after the windows, steps and limits of the flow layer."""
    flow: Tensor | None = None
    for pooling, most_px, window, smoothing in LEVELS:
        power = F.avg_pool2d(power_P1gg, pooling)
        local = F.avg_pool2d(motion_P2gg * power_P1gg, pooling)
        local = window_mean(local, window) / window_mean(power, window)
        weight = _confidence(power)
        if flow is None:
            flow = torch.zeros_like(local)
        elif flow.shape != local.shape:
            flow = F.interpolate(flow, size=local.shape[-2:], mode="bilinear", align_corners=False)
        for _ in range(STEPS):
            flow = flow + (local - flow).clamp(-most_px, most_px)
            flow = window_mean(flow * weight, smoothing) / window_mean(weight, smoothing)
    assert flow is not None
    return flow


def _background(
    stage: Stage, times_s: Floats, grid: tuple[int, int], height_px: int, sight: Sight
) -> tuple[Floats, Floats]:
    """Motion (P, 2, g, g) in pixels of ground and wall, and (P, 1, g, g) the power of their gradients."""
    rows, columns = grid
    y, x = (np.mgrid[:rows, :columns] + 0.5) * GRID_PX
    xy = np.stack([x - columns * GRID_PX / 2, y - height_px / 2], -1).reshape(-1, 2) / height_px
    moves = stage.camera.moves
    moments = times_s[:-1] if moves else times_s[:1]
    points, _ = stage.background(xy, moments)
    moved = np.zeros((len(moments), len(xy), 2))
    if moves:
        moved = (stage.camera.project(points, times_s[1:])[0] - xy) * height_px
    seen = np.full(moved.shape[:2], sight.background)
    if sight.uneven:
        u_m, v_m, _ = stage.surface(points)
        grain = texture(u_m, v_m, 1e-3, BACKGROUND_GRAINS_M, stage.seed)
        seen = sight.background * np.exp(sight.uneven * grain)
    pairs = len(times_s) - 1
    motion = np.broadcast_to(moved.transpose(0, 2, 1), (pairs, 2, len(xy)))
    weight = np.broadcast_to(seen[:, None], (pairs, 1, len(xy)))
    return motion.reshape(pairs, 2, *grid), weight.reshape(pairs, 1, *grid)


def _splat(
    stage: Stage, body: Body, times_s: Floats, grid: tuple[int, int], height_px: int
) -> tuple[Floats, Floats]:
    """Mean motion (P, 2, g, g) of a body in pixels, and the share (P, 1, g, g) it covers."""
    bone_N, share_N, count_N, radius_N = _points(body)
    first_N, last_N = body.capture.bones_B2[bone_N].T
    joints = body.joints(times_s)
    xy, depth = stage.camera.project(
        (1 - share_N)[:, None] * joints[:, first_N] + share_N[:, None] * joints[:, last_N], times_s
    )
    places, moved = xy[:-1] * height_px, np.diff(xy, axis=0) * height_px
    scale = stage.camera.focal * height_px / np.maximum(depth[:-1], NEAREST_M)
    ends = stage.camera.project(joints[:-1], times_s[:-1])[0] * height_px
    along = ends[:, last_N] - ends[:, first_N]
    length_px = np.linalg.norm(along, axis=-1)
    across = np.stack([-along[..., 1], along[..., 0]], -1) / np.maximum(length_px, 1e-6)[..., None]
    radius_px = radius_N * scale
    # Round ends of limbs lie half within the next; a ball has nothing but its ends.
    ends_px = np.where(first_N == last_N, np.pi / 2, 0.8) * radius_px
    area = (length_px + ends_px) / count_N * 2 * radius_px / len(ACROSS)
    visible = np.minimum(depth[:-1], depth[1:]) > NEAREST_M
    nearest = np.where(visible, depth[:-1], np.inf).min(1, keepdims=True)
    behind = np.where(visible, depth[:-1] - nearest, 0) / HIDES_M
    columns, rows = (
        np.floor(
            (places[..., axis, None] + ACROSS * (across[..., axis] * radius_px)[..., None] + middle)
            / GRID_PX
        )
        for axis, middle in ((0, grid[1] * GRID_PX / 2), (1, height_px / 2))
    )
    inside = (columns >= 0) & (columns < grid[1]) & (rows >= 0) & (rows < grid[0]) & visible[..., None]
    frame = np.arange(len(places))[:, None, None]
    number = ((frame * grid[0] + rows) * grid[1] + columns)[inside].astype(np.int64)

    def gathered(values: Floats) -> Floats:
        values = np.broadcast_to(values[..., None], inside.shape)[inside]
        found = np.bincount(number, values, len(places) * grid[0] * grid[1])
        return found.astype(np.float64).reshape(len(places), 1, *grid)

    weight = area * np.exp(-np.minimum(behind, 30))
    motion = np.concatenate([gathered(weight * moved[..., axis]) for axis in range(2)], 1)
    motion, weights, areas = (_spread(found) for found in (motion, gathered(weight), gathered(area)))
    return motion / np.maximum(weights, 1e-12), np.clip(areas / GRID_PX**2, 0, 1)


def _spread(maps_PCgg: Floats) -> Floats:
    """Every point over its neighbours too: a quarter, a half, a quarter both ways."""
    padded = np.pad(maps_PCgg, ((0, 0), (0, 0), (1, 1), (1, 1)))
    rows = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    return (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 16


def _points(body: Body) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64], Floats]:
    """Points along the bones, (N,) each: their bone, share of the way along it, how many it has, radius."""
    capture = body.capture
    joints = capture.at(np.zeros(1))[0]
    lengths = np.linalg.norm(np.diff(joints[capture.bones_B2], axis=1)[:, 0], axis=-1)
    counts = np.maximum(np.ceil(lengths / APART_M), 2).astype(np.int64)
    bone = np.repeat(np.arange(len(counts)), counts)
    share = np.concatenate([(np.arange(count) + 0.5) / count for count in counts])
    first, last = capture.radius_J[capture.bones_B2[bone]].T
    return bone, share, counts[bone], first + share * (last - first)
