"""A person who walks back and forth, as in SpeedNet Fig. 2: a capture from formulas.

Steps a second, speed and build are within the natural range, so how fast the walk really is is known.
"""

# F moments, J joints

import math
from collections.abc import Sequence

import numpy as np

from speediness.simulation.capture import Capture, Floats, recorded

STEPS_HZ = 1.8  # usual walking cadence, 100 to 120 steps a minute
SPEED_MPS = 1.25
STRETCH_S = 0.8  # walked straight on before each turn, so that even a near person stays in view
TURN_S = 0.7
PAUSE_S = 0.35  # from walking to standing
RATE = 240.0  # of the samples
FLOOR_SOFTNESS = 60.0  # 1/m; how smoothly the weight passes from one foot to the other
TRUNK_NAMES, TRUNK_PARENTS = ("hips", "chest", "neck", "head"), (-1, 0, 1, 2)
LIMB_NAMES = ("hip", "knee", "ankle", "toe", "shoulder", "elbow", "wrist", "hand_end")
NAMES = [*TRUNK_NAMES, *(f"{side}_{joint}" for side in ("left", "right") for joint in LIMB_NAMES)]
PARENTS = [*TRUNK_PARENTS, 0, 4, 5, 6, 1, 8, 9, 10, 0, 12, 13, 14, 1, 16, 17, 18]
# In shares of the standing height.
THIGH, SHANK, FOOT, UPPER_ARM, FOREARM, HAND = 0.245, 0.246, 0.11, 0.17, 0.145, 0.05
TRUNK, NECK, HEAD, HALF_HIPS, HALF_SHOULDERS, SOLE = 0.26, 0.05, 0.1, 0.05, 0.105, 0.045


def walk(seed: int, duration_s: float, rests_s: Sequence[tuple[float, float]] = ()) -> Capture:
    """One person: build, cadence and where on the way follow from the seed.

    Args:
        seed: of what differs from person to person.
        duration_s: at least this long.
        rests_s: stretches in which the person stands still; slows down and starts within them.
    """
    rng = np.random.default_rng(seed)
    body_m, cadence_hz = rng.uniform(1.6, 1.85), STEPS_HZ * rng.uniform(0.94, 1.06)
    times_s = np.arange(math.ceil(duration_s * RATE) + 2) / RATE
    pace = np.ones_like(times_s)
    for start_s, end_s in rests_s:
        inside_s = np.minimum(times_s - start_s, end_s - times_s)
        pace *= 1 - np.clip(inside_s / PAUSE_S, 0, 1)
    walked_s = (np.cumsum(pace) - pace[0]) / RATE
    # Two steps make a cycle; a person starts anywhere in it, and anywhere on the way.
    phase = np.pi * cadence_hz * walked_s + rng.uniform(0, 2 * np.pi)
    way_m, facing = path(walked_s + rng.uniform(0, 2 * (STRETCH_S + TURN_S)))
    return recorded(body_m * _joints(phase, way_m / body_m, facing), RATE, NAMES, PARENTS)


def path(times_s: Floats) -> tuple[Floats, Floats]:
    """Where on the path (F,), in metres from its middle, and which way (F,): 0 along x, pi back."""
    halves, into_s = np.divmod(times_s, STRETCH_S + TURN_S)
    way = np.where(halves % 2 == 0, 1.0, -1.0)
    turned = np.maximum(into_s - STRETCH_S, 0) / TURN_S * np.pi
    walked_m = SPEED_MPS * np.minimum(into_s, STRETCH_S)
    # The integral of the cosine by which the person turns: past the end of the path and back.
    past_m = SPEED_MPS * TURN_S / np.pi * np.sin(turned)
    return way * (walked_m + past_m - SPEED_MPS * STRETCH_S / 2), turned + np.where(way > 0, 0, np.pi)


def _joints(phase: Floats, way: Floats, facing: Floats) -> Floats:
    """(F, J, 3) in shares of the height."""
    ahead = np.stack([np.cos(facing), 0 * facing, np.sin(facing)], -1)
    aside = np.stack([-np.sin(facing), 0 * facing, np.cos(facing)], -1)
    up = np.array([0.0, 1.0, 0.0])

    def reach(angle: Floats, length: float) -> Floats:
        """From a joint downwards, by an angle from the vertical, forwards positive."""
        return length * (np.sin(angle)[:, None] * ahead - np.cos(angle)[:, None] * up)

    legs = [_leg(phase), _leg(phase + np.pi)]
    lengths = np.stack([THIGH * np.cos(hip) + SHANK * np.cos(hip - knee) for hip, knee in legs])
    hip_height = SOLE + np.log(np.exp(FLOOR_SOFTNESS * lengths).sum(0)) / FLOOR_SOFTNESS
    hips = np.stack([way, hip_height, 0 * way], -1)
    lean = np.full_like(phase, np.pi - 0.05)
    chest = hips + reach(lean, TRUNK)
    neck = chest + reach(lean, NECK)
    joints = [hips, chest, neck, neck + reach(lean, HEAD)]
    for side, (hip, knee) in zip((-1, 1), legs, strict=True):
        hip_joint = hips + side * HALF_HIPS * aside
        knee_joint = hip_joint + reach(hip, THIGH)
        ankle = knee_joint + reach(hip - knee, SHANK)
        toe = ankle + reach(hip - knee + 1.35, FOOT)
        # Opposite limbs swing together.
        swing = -0.4 * np.sin(phase if side < 0 else phase + np.pi)
        shoulder = chest + side * HALF_SHOULDERS * aside
        elbow = shoulder + reach(swing, UPPER_ARM)
        bent = swing + 0.3 + 0.25 * np.maximum(np.sin(swing), 0)
        wrist = elbow + reach(bent, FOREARM)
        joints += [hip_joint, knee_joint, ankle, toe, shoulder, elbow, wrist, wrist + reach(bent, HAND)]
    return np.stack(joints, 1)


def _leg(phase: Floats) -> tuple[Floats, Floats]:
    """Angles of hip and knee; the knee bends while the leg swings forwards."""
    hip = 0.05 + 0.4 * np.sin(phase)
    return hip, 0.12 + 0.8 * np.maximum(np.cos(phase + 0.4), 0) ** 2
