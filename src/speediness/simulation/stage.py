"""What a camera sees: bodies on a ground, a wall all around, and where each is in the frame."""

# F moments, N points, J joints; x right and y down in the frame, in heights of the frame from its middle

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speediness.simulation.capture import Capture, Floats

NEAREST_M = 0.2  # before the camera; what is nearer is not seen
Route = Callable[[Floats], Floats]
"""(F,) moments to (F, 3)."""


def still(*where: float) -> Route:
    """Always the same point."""
    return lambda times_s: np.tile(np.array(where, np.float64), (len(times_s), 1))


@dataclass(frozen=True)
class Camera:
    """A camera on a path, turned towards a point that may move too.

    Attributes:
        place: where it is, metres.
        target: what is in the middle of the frame.
        focal: heights of the frame; 1.2 is the angle of a telephone, 4 a telephoto lens.
        shake: turns about the upright, the level and the forward axis, radians, on top.
    """

    place: Route
    target: Route
    focal: float
    shake: Route = still(0, 0, 0)  # noqa: RUF009 - a pure function

    @property
    def moves(self) -> bool:
        """Whether it may stand or turn differently at different moments."""
        moments_s = np.linspace(0, 7.3, 6)
        return any(
            np.ptp(path(moments_s), 0).max() > 1e-9 for path in (self.place, self.target, self.shake)
        )

    def project(self, points_FN3: Floats, times_s: Floats) -> tuple[Floats, Floats]:
        """Points in metres to places (F, N, 2) in the frame and distances (F, N) along the view."""
        seen = (points_FN3 - self.place(times_s)[:, None]) @ self._axes(times_s).transpose(0, 2, 1)
        depth = np.maximum(seen[..., 2], 1e-3)
        xy = self.focal * seen[..., :2] / depth[..., None]
        xy[..., 1] *= -1
        return xy, seen[..., 2]

    def rays(self, xy_N2: Floats, times_s: Floats) -> Floats:
        """(F, N, 3) from the camera through places in the frame, one metre along the view."""
        x, y = xy_N2[:, 0] / self.focal, -xy_N2[:, 1] / self.focal
        return np.stack([x, y, np.ones_like(x)], -1) @ self._axes(times_s)

    def _axes(self, times_s: Floats) -> Floats:
        """(F, 3, 3) to the right, up and forward."""
        to = self.target(times_s) - self.place(times_s)
        turns = self.shake(times_s)
        yaw = np.arctan2(to[:, 0], to[:, 2]) + turns[:, 0]
        pitch = np.arctan2(to[:, 1], np.hypot(to[:, 0], to[:, 2])) + turns[:, 1]
        zero = np.zeros_like(yaw)
        right = np.stack([np.cos(yaw), zero, -np.sin(yaw)], -1)
        forward = np.stack([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], -1)
        up = np.cross(forward, right)
        c, s = np.cos(turns[:, 2, None]), np.sin(turns[:, 2, None])
        return np.stack([c * right + s * up, c * up - s * right, forward], 1)


@dataclass(frozen=True)
class Body:
    """A capture somewhere on the stage.

    Attributes:
        capture: what moves.
        x_m: where its middle is.
        z_m: likewise.
        turn_rad: about the upright axis.
        start_s: moment of the capture at time 0.
    """

    capture: Capture
    x_m: float = 0.0
    z_m: float = 0.0
    turn_rad: float = 0.0
    start_s: float = 0.0

    def joints(self, times_s: Floats) -> Floats:
        """(F, J, 3) on the stage."""
        x, y, z = np.moveaxis(self.capture.at(times_s + self.start_s), -1, 0)
        c, s = np.cos(self.turn_rad), np.sin(self.turn_rad)
        return np.stack([self.x_m + c * x + s * z, y, self.z_m + c * z - s * x], -1)


@dataclass(frozen=True)
class Stage:
    """Bodies before a camera.

    Attributes:
        bodies: one or more.
        camera: sees them.
        wall_m: from the middle of the stage to the wall around it; beyond the camera.
        seed: of what ground, wall and clothes look like.
    """

    bodies: tuple[Body, ...]
    camera: Camera
    wall_m: float = 25.0
    seed: int = 0

    def background(self, xy_N2: Floats, times_s: Floats) -> tuple[Floats, Floats]:
        """The points (F, N, 3) of ground or wall at places of the frame, and how far (F, N) they are."""
        rays = self.camera.rays(xy_N2, times_s)
        place = self.camera.place(times_s)[:, None]
        down = rays[..., 1]
        with np.errstate(divide="ignore"):
            to_ground = np.where(down < -1e-9, -place[..., 1] / np.minimum(down, -1e-9), np.inf)
        a = rays[..., 0] ** 2 + rays[..., 2] ** 2 + 1e-12
        b = rays[..., 0] * place[..., 0] + rays[..., 2] * place[..., 2]
        c = place[..., 0] ** 2 + place[..., 2] ** 2 - self.wall_m**2
        to_wall = (np.sqrt(np.maximum(b * b - a * c, 0)) - b) / a
        far = np.minimum(to_ground, to_wall)
        return place + far[..., None] * rays, far

    def surface(self, points: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Where on their surface points of the background are: metres both ways; whether on the ground."""
        x, y, z = np.moveaxis(points, -1, 0)
        on_ground = y < 1e-6
        around = np.arctan2(x, z) * self.wall_m
        return np.where(on_ground, x, around), np.where(on_ground, z, y), on_ground

    def from_the_back(self, moment: Floats) -> list[Body]:
        """The bodies, the farthest from the camera first."""

        def depth(body: Body) -> float:
            return float(self.camera.project(body.joints(moment), moment)[1].mean())

        return sorted(self.bodies, key=depth, reverse=True)


def side_view(capture: Capture, share: float, seed: int = 0, focal: float = 3.0) -> Stage:
    """A body in the middle of the frame, ``share`` of its height tall, before a camera at rest."""
    height_m = capture.height_m
    camera = Camera(still(0, height_m / 2, -focal * height_m / share), still(0, height_m / 2, 0), focal)
    return Stage((Body(capture),), camera, wall_m=focal * height_m / share + 3, seed=seed)
