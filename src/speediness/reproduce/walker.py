"""A simulated person who walks back and forth before a fixed camera, as in SpeedNet Fig. 2.

The person is an articulated figure of textured limbs, drawn at whatever moments are asked for,
so that a video of any frame rate shows exactly the same motion. Lengths are in metres, x to the
right, y up from the floor; angles in radians from the vertical, forwards positive.
"""

# F frames of H x W

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Point = NDArray[np.float64]
Image = NDArray[np.float32]

STEPS_HZ = 1.8  # usual walking cadence, 100 to 120 steps a minute
SPEED_MPS = 1.25
STRETCH_S = 0.8  # walked straight on before each turn, so that even a near person stays in view
TURN_S = 0.7
FLOOR_SOFTNESS = 60.0  # 1/m; how smoothly the weight passes from one foot to the other


class Limb(NamedTuple):
    """A rounded stick with a pattern that moves with it."""

    start: Point
    end: Point
    radius_m: float
    luma: float
    pattern: int


@dataclass(frozen=True)
class Walker:
    """One person: build, gait and clothes follow from the seed, all within the natural range."""

    seed: int = 0

    def video(
        self, times_s: ArrayLike, width_px: int, height_px: int, person_share: float
    ) -> NDArray[np.uint8]:
        """Images of the walk at given moments.

        Args:
            times_s: (F,) moments in seconds.
            width_px: of the image.
            height_px: of the image.
            person_share: standing height over image height, the smaller the farther away.

        Returns:
            Luma (F, H, W, 1), edges anti-aliased.
        """
        wall = self._wall(width_px, height_px)
        scale = person_share * height_px / self._height_m
        floor_px = height_px * (1 + person_share) / 2  # the person's middle is the image's
        frames = []
        for time_s in np.asarray(times_s, np.float64):
            image = wall.copy()
            for limb in self._limbs(float(time_s)):
                _draw(image, limb, scale, width_px / 2, floor_px)
            frames.append((np.clip(image, 0, 255) + 0.5).astype(np.uint8))
        return np.stack(frames)[..., None]

    @property
    def _height_m(self) -> float:
        return float(np.random.default_rng(self.seed).uniform(1.6, 1.85))

    def _wall(self, width_px: int, height_px: int) -> Image:
        """What stands still behind the person: blotches of several sizes, and a floor."""
        rng = np.random.default_rng((self.seed, 1))
        wall = np.full((height_px, width_px), rng.uniform(100, 140), np.float32)
        for cells in (4, 9, 20, 45):
            grid = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
            wall += 55 / cells**0.4 * _enlarge(grid, height_px, width_px)
        wall[round(height_px * 0.58) :] *= 0.75
        return wall

    def _limbs(self, time_s: float) -> list[Limb]:
        """The figure at a moment, from the back to the front."""
        rng = np.random.default_rng((self.seed, 2))
        cadence_hz = STEPS_HZ * rng.uniform(0.94, 1.06)
        body_m = self._height_m
        # One light and one dark, so that the person stands out from any wall.
        shirt, trousers = rng.permutation([rng.uniform(25, 60), rng.uniform(190, 235)])
        skin = rng.uniform(150, 210)
        # Two steps make a cycle; a person starts anywhere in it, and anywhere on the way.
        phase = np.pi * cadence_hz * time_s + rng.uniform(0, 2 * np.pi)
        x_m, facing = _path(time_s + rng.uniform(0, 2 * (STRETCH_S + TURN_S)))

        thigh_m, shank_m = 0.245 * body_m, 0.25 * body_m
        legs = [_leg(phase), _leg(phase + np.pi)]
        reach = np.array([thigh_m * np.cos(hip) + shank_m * np.cos(hip - knee) for hip, knee in legs])
        hip_m = 0.045 * body_m + float(np.log(np.exp(FLOOR_SOFTNESS * reach).sum()) / FLOOR_SOFTNESS)
        hip_point = np.array([x_m, hip_m])

        def towards(start: Point, angle: float, length_m: float) -> Point:
            """Down from ``start``; seen from the front, forwards is foreshortened."""
            return start + length_m * np.array([facing * np.sin(angle), -np.cos(angle)])

        shoulder = towards(hip_point, np.pi - 0.05, 0.29 * body_m)
        head = towards(shoulder, np.pi - 0.05, 0.115 * body_m)
        limbs: list[Limb] = []
        # The far leg goes with the near arm: opposite limbs swing together.
        for side, (hip, knee) in enumerate(legs):
            dim = (0.75, 1.0)[side]
            knee_point = towards(hip_point, hip, thigh_m)
            ankle = towards(knee_point, hip - knee, shank_m)
            toe = towards(ankle, hip - knee + 1.45, 0.11 * body_m)
            swing = 0.4 * np.sin(phase + np.pi * (1 - side))
            elbow = towards(shoulder, swing, 0.17 * body_m)
            hand = towards(elbow, swing + 0.3 + 0.25 * max(np.sin(swing), 0), 0.16 * body_m)
            leg = [
                Limb(hip_point, knee_point, 0.044 * body_m, dim * trousers, 0),
                Limb(knee_point, ankle, 0.031 * body_m, dim * trousers, 1),
                Limb(ankle, toe, 0.022 * body_m, 25, 2),
            ]
            arm = [
                Limb(shoulder, elbow, 0.027 * body_m, dim * shirt, 1),
                Limb(elbow, hand, 0.022 * body_m, dim * skin, 2),
            ]
            trunk = [
                Limb(hip_point, shoulder, 0.07 * body_m, shirt, 0),
                Limb(head, head, 0.062 * body_m, skin, 2),
            ]
            limbs += [*arm, *leg, *trunk] if side == 0 else [*leg, *arm]
        return limbs


def _leg(phase: float) -> tuple[float, float]:
    """Angles of hip and knee; the knee bends while the leg swings forwards."""
    hip = 0.05 + 0.4 * np.sin(phase)
    knee = 0.12 + 0.8 * max(np.cos(phase + 0.4), 0) ** 2
    return float(hip), float(knee)


def _path(time_s: float) -> tuple[float, float]:
    """Where on the path (m, 0 its middle) and how far turned: 1 faces right, 0 the camera, -1 left."""
    half_s = STRETCH_S + TURN_S
    halves, into_s = divmod(time_s, half_s)
    way = 1.0 if halves % 2 == 0 else -1.0
    walked_m = SPEED_MPS * min(into_s, STRETCH_S)
    turned = max(into_s - STRETCH_S, 0) / TURN_S * np.pi
    # The integral of the cosine by which the person turns: past the end of the path and back.
    past_m = SPEED_MPS * TURN_S / np.pi * np.sin(turned)
    return way * (walked_m + past_m - SPEED_MPS * STRETCH_S / 2), way * float(np.cos(turned))


def _draw(image_HW: Image, limb: Limb, scale: float, middle_px: float, floor_px: float) -> None:
    """Paint a limb over an image; ``scale`` in pixels per metre."""
    start, end = (
        np.array([middle_px + scale * p[0], floor_px - scale * p[1]]) for p in (limb.start, limb.end)
    )
    radius_px = scale * limb.radius_m
    low = np.floor(np.minimum(start, end) - radius_px - 1).astype(int)
    high = np.ceil(np.maximum(start, end) + radius_px + 2).astype(int)
    (left, top), (right, bottom) = np.maximum(low, 0), np.minimum(high, image_HW.shape[::-1])
    if left >= right or top >= bottom:
        return
    rows, columns = np.mgrid[top:bottom, left:right] + 0.5  # centres of the pixels
    along, x, y = end - start, columns - start[0], rows - start[1]
    length_px = float(np.hypot(*along))
    direction = along / length_px if length_px else np.array([0.0, 1.0])
    lengthwise = x * direction[0] + y * direction[1]
    across = y * direction[0] - x * direction[1]
    distance = np.hypot(lengthwise - np.clip(lengthwise, 0, length_px), across) - radius_px
    cover = np.clip(0.5 - distance, 0, 1)  # of each pixel, to first order
    # Stripes and checks of 8 to 16 cm, which even a person far away shows without aliasing.
    u, v = 2 * np.pi / scale * lengthwise, 2 * np.pi / scale * across
    pattern = (np.sin(u / 0.09), np.sin(u / 0.16) * np.cos(v / 0.11), np.cos(v / 0.08 + u / 0.2))
    luma = limb.luma + 32 * pattern[limb.pattern]
    region = image_HW[top:bottom, left:right]
    region += (cover * (luma - region)).astype(np.float32)


def _enlarge(grid: Image, height_px: int, width_px: int) -> Image:
    """Bilinear interpolation of a coarse grid over a whole image."""
    rows = np.linspace(0, grid.shape[0] - 1, height_px)
    columns = np.linspace(0, grid.shape[1] - 1, width_px)
    top, left = (
        np.minimum(rows.astype(int), grid.shape[0] - 2),
        np.minimum(columns.astype(int), grid.shape[1] - 2),
    )
    down, right = (rows - top)[:, None], (columns - left)[None]
    a, b = grid[top][:, left], grid[top][:, left + 1]
    c, d = grid[top + 1][:, left], grid[top + 1][:, left + 1]
    return ((a * (1 - right) + b * right) * (1 - down) + (c * (1 - right) + d * right) * down).astype(
        np.float32
    )
