"""Bodies that move: where every joint is at any moment, and what is between the joints."""

# F moments, S samples, J joints, B bones

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Part = Literal["torso", "arm", "leg", "skin", "shoe", "ball"]

HEAD_M = 0.11
"""From the last joint of the head to the top of the skull."""

# Joints by a part of their name, the first that fits: how thick the body is there, and what it shows.
KINDS: tuple[tuple[str, float, Part], ...] = (
    (r"ball", 0.04, "ball"),
    (r"eye", 0.0, "skin"),
    (r"finger|thumb|index|middle|mid\d|ring|pinky", 0.016, "skin"),
    (r"hand|wrist", 0.03, "skin"),
    (r"forearm|elbow", 0.043, "arm"),
    (r"collar|clavicle|shld|shoulder|arm", 0.06, "arm"),
    (r"toe|heel|foot_end", 0.028, "shoe"),
    (r"foot|ankle", 0.04, "shoe"),
    (r"shin|tibia|knee|(left|right)leg", 0.056, "leg"),
    (r"thigh|femur|upleg|buttock|(left|right)_hip", 0.085, "leg"),
    (r"neck", 0.055, "skin"),
    (r"head", 0.09, "skin"),
    (r"", 0.125, "torso"),
)


@dataclass(frozen=True)
class Capture:
    """Joints in metres, y up from the floor, x and z along it.

    Attributes:
        at: (F,) moments in seconds to joints (F, J, 3).
        bones_B2: the joints at both ends of every bone; twice the same: a ball.
        radius_J: of the body around every joint, in metres; between two joints it changes evenly.
        parts_B: what every bone shows.
        duration_s: how long the motion is known, from 0 on.
    """

    at: Callable[[Floats], Floats]
    bones_B2: NDArray[np.int64]
    radius_J: Floats
    parts_B: tuple[Part, ...]
    duration_s: float

    @property
    def height_m(self) -> float:
        """The highest point over the floor within the first moments; no less than half a metre."""
        top = self.at(np.linspace(0, min(self.duration_s, 4.0), 9))[..., 1] + self.radius_J
        return max(float(top.max()), 0.5)


def recorded(joints_SJ3: Floats, rate: float, names: Sequence[str], parents: Sequence[int]) -> Capture:
    """A capture of samples at an even rate; between them joints follow cubics.

    The floor is put at 0, the middle of the way at x = z = 0, and a head on the last joint of the head.

    Args:
        joints_SJ3: metres, y up; two samples or more.
        rate: samples a second.
        names: of the joints.
        parents: of the joints; -1: none.
    """
    kinds = [_kind(name) for name in names]
    joints = np.array(joints_SJ3, np.float64)
    low = joints[..., 1].min(1)
    middle = joints.mean((0, 1))
    joints -= (middle[0], float(np.percentile(low, 5)), middle[2])
    radii = [radius for radius, _ in kinds]
    # What has no name of its own between a head and its tip is the head.
    heads = [n for n, name in enumerate(names) if "head" in name.lower()]
    bones, parts = [], []
    for n, parent in enumerate(parents):
        start = parent if parent >= 0 else n
        if radii[n] and (parent >= 0 or n not in parents):
            bones.append((start, n))
            hip = kinds[start][1] == "torso" and kinds[n][1] == "leg"  # trousers reach over the hips
            parts.append("leg" if hip else kinds[start][1])
    if heads and parents[heads[-1]] >= 0:
        head = heads[-1]
        along = joints[:, head] - joints[:, parents[head]]
        along /= np.linalg.norm(along, axis=-1, keepdims=True) + 1e-9
        joints = np.concatenate([joints, (joints[:, head] + (HEAD_M - 0.09) * along)[:, None]], 1)
        bones.append((head, joints.shape[1] - 1))
        parts.append("skin")
        radii.append(0.095)
    return Capture(
        interpolated(joints, rate), np.array(bones), np.array(radii), tuple(parts), (len(joints) - 1) / rate
    )


def interpolated(samples: Floats, rate: float) -> Callable[[Floats], Floats]:
    """Catmull-Rom cubics through samples (S, ...) taken at an even rate; beyond the ends they stay."""
    first, last = 2 * samples[0] - samples[1], 2 * samples[-1] - samples[-2]
    known = np.concatenate([first[None], samples, last[None]])

    def at(times_s: Floats) -> Floats:
        place = np.clip(np.asarray(times_s, np.float64) * rate, 0, len(samples) - 1)
        before = np.minimum(place.astype(np.int64), len(samples) - 2)
        t = (place - before).reshape(-1, *[1] * (samples.ndim - 1))
        a, b, c, d = (known[before + n] for n in range(4))
        return b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))

    return at


def _kind(name: str) -> tuple[float, Part]:
    return next((radius, part) for pattern, radius, part in KINDS if re.search(pattern, name.lower()))
