"""Cameras as people hold them: near and far, at rest, by hand, panning, following; drawn at random."""

# F moments

import numpy as np

from speediness.simulation.capture import Capture, Floats, interpolated
from speediness.simulation.stage import Body, Camera, Route, Stage

SHARES = 0.25, 1.8  # of the frame's height that a standing person takes
FOCALS = 0.8, 3.0
HEIGHTS_M = 0.5, 2.4
KINDS = ("rest", "held", "panning", "turning after", "walking along")
CHANCES = (0.3, 0.3, 0.1, 0.2, 0.1)
FOLLOW_RATE, FOLLOW_S = 10, 0.8  # a camera that follows sees the body's mean over so long
TREMOR_HZ = 0.3, 5.0


def draw_stage(capture: Capture, start_s: float, length_s: float, rng: np.random.Generator) -> Stage:
    """A capture from ``start_s`` on, perhaps with others of it around, before a camera of some kind."""
    people = int(rng.choice(3, p=(0.65, 0.25, 0.1))) + 1
    bodies = [Body(capture, start_s=start_s)]
    middle = _middle(bodies[0], np.linspace(0, length_s, 20)).mean(0)
    bodies[0] = Body(capture, -middle[0], -middle[2], 0.0, start_s)
    for _ in range(people - 1):
        other_s = rng.uniform(0, max(capture.duration_s - length_s, 0))
        x, z = rng.uniform(-2.5, 2.5, 2)
        bodies.append(Body(capture, x, z, rng.uniform(0, 2 * np.pi), other_s))
    focal, share = np.exp(rng.uniform(*np.log(FOCALS))), np.exp(rng.uniform(*np.log(SHARES)))
    away_m = max(focal * capture.height_m / share, 0.8)
    azimuth = rng.uniform(0, 2 * np.pi)
    kind = str(rng.choice(KINDS, p=CHANCES))
    place = np.array([away_m * np.sin(azimuth), rng.uniform(*HEIGHTS_M), away_m * np.cos(azimuth)])
    target = np.array([0.0, capture.height_m * rng.uniform(0.35, 0.8), 0.0])
    followed = _followed(bodies[0], length_s)
    if kind in ("turning after", "walking along"):
        target = target + followed - followed.mean(0)
    if kind == "walking along":
        place = place + followed - followed.mean(0)
    if kind == "panning":
        aside = np.array([np.cos(azimuth), 0, -np.sin(azimuth)]) * away_m * rng.uniform(0.05, 0.3)
        seconds = np.arange(len(followed)) / FOLLOW_RATE
        target = target + aside * np.sin(2 * np.pi * (seconds / rng.uniform(4, 12) + rng.random()))[:, None]
    tremor_rad = 0.0 if kind == "rest" else float(np.exp(rng.normal(np.log(0.004), 0.7)))
    camera = Camera(
        _path(place, len(followed)), _path(target, len(followed)), focal, tremor(tremor_rad, rng)
    )
    reach_m = away_m + float(np.abs(followed).max())
    return Stage(tuple(bodies), camera, reach_m + rng.uniform(1, 25), int(rng.integers(2**31)))


def tremor(deviation_rad: float, rng: np.random.Generator) -> Route:
    """Turns of a camera in a hand: waves of many frequencies, the slower the larger."""
    hz = np.exp(rng.uniform(*np.log(TREMOR_HZ), size=(12, 3)))
    size = 1 / hz
    size *= deviation_rad * np.array([1, 1, 0.5]) / np.sqrt((size**2).sum(0) / 2)
    phase = rng.uniform(0, 2 * np.pi, hz.shape)
    return lambda times_s: (size * np.sin(2 * np.pi * hz * times_s[:, None, None] + phase)).sum(1)


def _middle(body: Body, times_s: Floats) -> Floats:
    return body.joints(times_s).mean(1)


def _followed(body: Body, length_s: float) -> Floats:
    """(S, 3) where the body is along the ground, smoothly, at FOLLOW_RATE."""
    seconds = np.arange(int(length_s * FOLLOW_RATE) + 2) / FOLLOW_RATE
    apart = (seconds[:, None] - seconds) / FOLLOW_S
    weight = np.exp(-(apart**2) / 2)
    return weight / weight.sum(1, keepdims=True) @ _middle(body, seconds) * (1, 0, 1)


def _path(points: Floats, count: int) -> Route:
    """One point, or one after another at FOLLOW_RATE."""
    return interpolated(np.broadcast_to(points, (count, 3)), FOLLOW_RATE)
