"""A stage as frames: rounded limbs in patterned clothes on a textured ground, at any moments."""

# F moments, H W frame size, B bones

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from speediness.simulation.capture import Floats, Part
from speediness.simulation.stage import NEAREST_M, Stage
from speediness.simulation.texture import texture

Image = NDArray[np.float64]

GROUND_GRAINS_M = (6.4, 3.2, 1.6, 0.8, 0.4, 0.2, 0.1, 0.05)
CLOTH_GRAINS_M = (0.16, 0.08, 0.04, 0.02)
CONTRAST = {"torso": 26.0, "arm": 26.0, "leg": 22.0, "skin": 12.0, "shoe": 10.0, "ball": 40.0}
SHADOW_M = 0.35


class _Limb(NamedTuple):
    """A bone in a frame: ends in pixels, radii in pixels."""

    start: Floats
    end: Floats
    radii: tuple[float, float]
    length_m: float
    radius_m: float
    luma: float
    contrast: float
    seed: int


def render(stage: Stage, times_s: ArrayLike, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Luma (F, H, W, 1) of the stage at moments in seconds; edges are anti-aliased."""
    moments_s = np.asarray(times_s, np.float64)
    moves, lit = stage.camera.moves, None
    frames = []
    for n in range(len(moments_s)):
        moment = moments_s[n : n + 1]
        if lit is None or moves:
            lit = _background(stage, moment, width_px, height_px)
        wall, ground = lit
        image = wall * _shadows(stage, moment, ground)
        for limb in _limbs(stage, moment, width_px, height_px):
            _draw(image, limb)
        frames.append((np.clip(image, 0, 255) + 0.5).astype(np.uint8))
    return np.stack(frames)[..., None]


def _background(stage: Stage, moment: Floats, width_px: int, height_px: int) -> tuple[Image, Floats]:
    """Ground and wall (H, W), and where on the ground every pixel is (H, W, 2), NaN on the wall."""
    rows, columns = np.mgrid[:height_px, :width_px] + 0.5
    xy = np.stack([columns - width_px / 2, rows - height_px / 2], -1).reshape(-1, 2) / height_px
    points, far = (found[0] for found in stage.background(xy, moment))
    u_m, v_m, on_ground = stage.surface(points)
    pixel_m = far / (stage.camera.focal * height_px)
    # Seen at a low angle the ground passes faster than a wall would.
    slope = np.where(on_ground, far / max(float(stage.camera.place(moment)[0, 1]), 0.1), 1.0)
    rng = np.random.default_rng((stage.seed, 1))
    bright, contrast = rng.uniform(85, 120, 2), rng.uniform(12, 24, 2)
    grain = texture(u_m, v_m, pixel_m * np.maximum(slope, 1), GROUND_GRAINS_M, stage.seed)
    which = on_ground.astype(int)
    luma = bright[which] + contrast[which] * grain
    where = np.where(on_ground[:, None], points[:, [0, 2]], np.nan)
    return luma.reshape(height_px, width_px), where.reshape(height_px, width_px, 2)


def _shadows(stage: Stage, moment: Floats, ground_HW2: Floats) -> Image:
    """(H, W) how much light is left below the bodies."""
    light = np.ones(ground_HW2.shape[:2])
    for body in stage.bodies:
        middle = body.joints(moment)[0].mean(0)
        apart = ((ground_HW2 - middle[[0, 2]]) ** 2).sum(-1)
        light -= 0.35 * np.nan_to_num(np.exp(-apart / (2 * SHADOW_M**2)))
    return np.maximum(light, 0.4)


def _limbs(stage: Stage, moment: Floats, width_px: int, height_px: int) -> list[_Limb]:
    """All that is before the camera, from the back to the front."""
    found: list[tuple[float, _Limb]] = []
    for number, body in enumerate(stage.bodies):
        capture, joints = body.capture, body.joints(moment)
        xy, depth = (of_frame[0] for of_frame in stage.camera.project(joints, moment))
        xy = xy * height_px + (width_px / 2, height_px / 2)
        scale = stage.camera.focal * height_px / np.maximum(depth, NEAREST_M)  # pixels per metre
        radii = capture.radius_J * scale
        lumas = _clothes(stage.seed, number)
        for bone, ((a, b), part) in enumerate(zip(capture.bones_B2, capture.parts_B, strict=True)):
            if min(depth[a], depth[b]) < NEAREST_M:
                continue
            radius_m = float(capture.radius_J[[a, b]].mean())
            limb = _Limb(
                xy[a],
                xy[b],
                (float(radii[a]), float(radii[b])),
                float(np.linalg.norm(joints[0, a] - joints[0, b])),
                radius_m,
                lumas[part],
                CONTRAST[part],
                97 * number + bone,
            )
            found.append((float(depth[a] + depth[b]) / 2 - radius_m, limb))
    return [limb for _, limb in sorted(found, key=lambda pair: -pair[0])]


def _clothes(seed: int, number: int) -> dict[Part, float]:
    """Mean luma of the parts of a body: one garment light and one dark, so that it stands out anywhere."""
    rng = np.random.default_rng((seed, 2, number))
    shirt, trousers = rng.permutation([rng.uniform(35, 70), rng.uniform(180, 225)])
    skin = rng.choice([rng.uniform(55, 80), rng.uniform(180, 215)])
    return {"torso": shirt, "arm": shirt, "leg": trousers, "skin": skin, "shoe": 30.0, "ball": 220.0}


def _draw(image_HW: Image, limb: _Limb) -> None:
    """Paint a limb over an image."""
    start, end, (first_px, last_px) = limb.start, limb.end, limb.radii
    reach = max(first_px, last_px) + 1
    low = np.floor(np.minimum(start, end) - reach)
    high = np.ceil(np.maximum(start, end) + reach)
    size = np.array(image_HW.shape[::-1])
    (left, top), (right, bottom) = (np.clip(edge, 0, size).astype(int) for edge in (low, high))
    if left >= right or top >= bottom:
        return
    rows, columns = np.mgrid[top:bottom, left:right] + 0.5  # centres of the pixels
    along, x, y = end - start, columns - start[0], rows - start[1]
    length_px = float(np.hypot(*along))
    direction = along / length_px if length_px > 1e-6 else np.array([0.0, 1.0])
    lengthwise = x * direction[0] + y * direction[1]
    across = y * direction[0] - x * direction[1]
    share = np.clip(lengthwise / max(length_px, 1e-6), 0, 1)
    radius = first_px + share * (last_px - first_px)
    beyond = lengthwise - share * length_px
    apart = np.hypot(beyond, across)
    cover = np.clip(radius - apart + 0.5, 0, 1)  # of each pixel, to first order
    # Across alone: the round ends of two limbs that meet do not show.
    round_off = np.sqrt(np.clip(1 - (across / radius) ** 2, 0, 1))
    # The pattern is fixed to the limb: metres along it, and around it.
    px_per_m = max(first_px, last_px) / limb.radius_m
    u = share * limb.length_m + beyond / px_per_m
    v = np.arcsin(np.clip(across / radius, -1, 1)) * limb.radius_m
    luma = (limb.luma + limb.contrast * texture(u, v, 1 / px_per_m, CLOTH_GRAINS_M, limb.seed)) * (
        0.62 + 0.38 * round_off
    )
    region = image_HW[top:bottom, left:right]
    region += cover * (luma - region)
