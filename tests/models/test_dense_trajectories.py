"""Dense trajectories against a slow, obvious program, and their histograms against OpenCV's."""

import math
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from speediness.models import dense_trajectories as dense
from speediness.models.dense_trajectories import dense_trajectories, directions
from speediness.models.trajectory_classifier import TrajectoryClassifier

Frames = NDArray[np.uint8]


def texture(height: int, width: int, seed: int) -> NDArray[np.float32]:
    coarse = np.random.default_rng(seed).uniform(20, 235, (height // 6, width // 6)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)).clip(0, 255)


def sliding(
    n_frames: int, dx: float, dy: float, height: int = 48, width: int = 64, seed: int = 0
) -> Frames:
    """A square that slides over a wall that stands still."""
    wall, square = texture(height, width, seed), texture(36, 36, seed + 1)
    frames = []
    for t in range(n_frames):
        frame = wall.copy()
        y, x = 4 + round(t * dy), 4 + round(t * dx)
        part = square[: min(30, height - y), : min(30, width - x)]
        frame[y : y + part.shape[0], x : x + part.shape[1]] = part
        frames.append(frame)
    return np.stack(frames).round().astype(np.uint8)


def slow_histogram(x: NDArray, y: NDArray, corner: tuple[int, int], ninth: float | None) -> list[float]:
    """One patch, pixel by pixel."""
    bins = 8 if ninth is None else 9
    cells = []
    for column in (0, 1):
        for row in (0, 1):
            cell = [0.0] * bins
            for i in range(16):
                for j in range(16):
                    vx = float(x[corner[1] + 16 * row + i, corner[0] + 16 * column + j])
                    vy = float(y[corner[1] + 16 * row + i, corner[0] + 16 * column + j])
                    length = math.hypot(vx, vy)
                    if ninth is not None and length <= ninth:
                        cell[8] += 1
                        continue
                    place = math.atan2(vy, vx) % (2 * math.pi) / (math.pi / 4)
                    share = place - math.floor(place)
                    cell[math.floor(place) % 8] += length * (1 - share)
                    cell[(math.floor(place) + 1) % 8] += length * share
            cells += [value + 0.05 for value in cell]
    norm = math.sqrt(sum(value * value for value in cells))
    return [value / norm for value in cells]


def slow_gradient(image: NDArray) -> tuple[NDArray, NDArray]:
    image = image.astype(np.float64)
    padded = np.pad(image, 1, mode="reflect")
    return padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1]


def slow_trajectories(video: Frames) -> list[tuple[tuple, list[float], list[float]]]:
    """One scale: (start, end and start frame), shape and the four histograms, track by track."""
    height, width = video.shape[1:]
    flows = [dense.farneback(before, after) for before, after in pairwise(video)]
    live: list[dict] = []
    done = []
    for t, flow in enumerate(flows):
        quality = cv2.cornerMinEigenVal(video[t], 3, ksize=3)
        taken = {(int(track["points"][-1][0] // 5), int(track["points"][-1][1] // 5)) for track in live}
        for row in range(height // 5):
            for column in range(width // 5):
                x, y = 5 * column + 2, 5 * row + 2
                if (column, row) not in taken and quality[y, x] > 0.001 * quality.max():
                    live.append({"start": t, "points": [(float(x), float(y))], "histograms": []})
        for track in list(live):
            x, y = track["points"][-1]
            corner = (int(min(max(x - 16, 0), width - 32)), int(min(max(y - 16, 0), height - 32)))
            fx, fy = flow[..., 0], flow[..., 1]
            track["histograms"].append(
                [
                    slow_histogram(*slow_gradient(video[t]), corner, None),
                    slow_histogram(fx, fy, corner, 0.16),
                    slow_histogram(*slow_gradient(100 * fx), corner, None),
                    slow_histogram(*slow_gradient(100 * fy), corner, None),
                ]
            )
            around = [
                (min(max(int(y) + i, 0), height - 1), min(max(int(x) + j, 0), width - 1))
                for i in (-1, 0, 1)
                for j in (-1, 0, 1)
            ]
            x += sorted(float(fx[place]) for place in around)[4]
            y += sorted(float(fy[place]) for place in around)[4]
            track["points"].append((x, y))
            if not (0 < x < width and 0 < y < height):
                live.remove(track)
            elif len(track["points"]) == 16:
                live.remove(track)
                if slow_is_wanted(track["points"]):
                    done.append(slow_description(track))
    return done


def slow_is_wanted(points: Sequence[tuple[float, float]]) -> bool:
    deviations = [
        math.sqrt(sum((p[axis] - sum(q[axis] for q in points) / 16) ** 2 for p in points) / 16)
        for axis in (0, 1)
    ]
    steps = [math.dist(a, b) for a, b in pairwise(points)]
    if max(deviations) < math.sqrt(3) or max(deviations) > 50:
        return False
    return not any(step > 20 and step > 0.7 * sum(steps) for step in steps)


def slow_description(track: dict) -> tuple[tuple, list[float], list[float]]:
    points = track["points"]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points)]
    length = sum(math.hypot(*step) for step in steps)
    shape = [value / length for step in steps for value in step]
    described = []
    for channel in range(4):
        for part in range(3):
            frames = [track["histograms"][t][channel] for t in range(5 * part, 5 * part + 5)]
            described += [sum(values) / 5 for values in zip(*frames, strict=True)]
    return (track["start"], *points[0], *points[-1]), shape, described


def test_the_whole_is_what_a_slow_program_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "SCALES", 1)
    video = sliding(18, 1.4, 0.4, height=40, width=40)
    found, expected = dense_trajectories(video), slow_trajectories(video)
    assert len(found) == len(expected) > 3
    assert len(set(found.start_N)) > 1
    for n, (ends, shape, described) in enumerate(expected):
        got = (found.start_N[n], *found.points_NL2[n, 0], *found.points_NL2[n, -1])
        assert got == pytest.approx(ends, abs=1e-3)
        assert found.descriptors["shape"][n] == pytest.approx(shape, abs=1e-5)
        channels = [found.descriptors[name][n] for name in ("hog", "hof", "mbh_x", "mbh_y")]
        np.testing.assert_allclose(np.concatenate(channels), described, atol=2e-4)


OPENCV_HOG = [
    [1951.0, 1120.0, 814.5, 384.0, 680.1, 1490.3, 195.5, 371.7],
    [1892.3, 767.7, 620.9, 647.6, 632.5, 1927.8, 293.9, 275.0],
    [1871.2, 276.6, 476.1, 908.2, 528.5, 1866.8, 599.4, 385.2],
    [1369.1, 596.3, 1137.0, 1104.3, 633.2, 1394.1, 597.0, 793.8],
]
"""Of the four quarters of the image below, rows first: cv2.HOGDescriptor.computeGradient of OpenCV 4.11
(signed gradients, 8 bins, no gamma correction), summed. OpenCV 5 has no HOG."""


def test_hog_of_a_still_image_is_opencvs() -> None:
    """OpenCV centres its bins half a bin further on; gradients turned by that much must agree."""
    y, x = np.indices((16, 16))
    image = ((7 * x * x + 13 * x * y + 5 * y * y) % 251).astype(np.uint8)
    x_HW, y_HW = slow_gradient(image)
    turned = (x_HW + 1j * y_HW) * np.exp(-1j * math.pi / dense.BINS)
    maps_HWK = directions(turned.real.astype(np.float32), turned.imag.astype(np.float32))
    found = maps_HWK.reshape(2, 8, 2, 8, dense.BINS).sum((1, 3)).reshape(4, dense.BINS)
    np.testing.assert_allclose(found, OPENCV_HOG, atol=0.3)  # of OpenCV's table of arc tangents


def test_gradients_are_those_of_neighbours_two_pixels_apart() -> None:
    image = texture(36, 42, 3).round().astype(np.uint8)
    maps = dense.frame_maps(image, np.zeros((36, 42, 2), np.float32))
    x_HW, y_HW = slow_gradient(image)
    np.testing.assert_allclose(maps["hog"].sum(2), np.hypot(x_HW, y_HW), rtol=1e-4, atol=1e-3)


def test_points_follow_what_slides() -> None:
    """Two pixels to the right and one down, in every frame; the wall behind gives no track at all."""
    found = dense_trajectories(sliding(16, 2.0, 1.0, height=72, width=96))
    within_N = ((found.points_NL2[:, 0] > 10) & (found.points_NL2[:, 0] < 28)).all(1)
    within = found.points_NL2[(found.scale_N == 0) & within_N]
    step_N2 = (within[:, -1] - within[:, 0]) / dense.LENGTH
    assert len(step_N2) > 10
    assert np.median(step_N2, 0) == pytest.approx((2, 1), abs=0.15)
    assert {name: part.shape[1] for name, part in found.descriptors.items()} == dense.SIZES
    assert sum(dense.SIZES.values()) == 426


def test_what_stands_still_gives_no_track() -> None:
    still = np.repeat(texture(48, 64, 0).round().astype(np.uint8)[None], 17, 0)
    found = dense_trajectories(still)
    assert len(found) == 0 and found.descriptors["hof"].shape == (0, 108)


def test_mbh_does_not_see_a_camera_that_pans() -> None:
    """The same vector added to every place of a field of flow."""
    flow = np.random.default_rng(0).normal(size=(40, 40, 2)).astype(np.float32)
    image = np.zeros((40, 40), np.uint8)
    one, panned = (dense.frame_maps(image, field) for field in (flow, flow + np.array([3, -2], np.float32)))
    for name in ("mbh_x", "mbh_y"):
        np.testing.assert_allclose(one[name], panned[name], atol=2e-2)  # of lengths around 200
    assert np.abs(one["hof"] - panned["hof"]).max() > 1


def test_tracks_that_stay_roam_or_jump_are_not_wanted() -> None:
    t = np.arange(16, dtype=np.float32)
    jump = np.stack([np.where(t < 8, 0, 30) + 0.5 * t, t * 0], 1)
    tracks = [np.stack([speed * t, 0 * t], 1) for speed in (0.1, 2.0, 15.0)]
    assert dense.wanted(np.stack([*tracks, jump]).astype(np.float32)).tolist() == [
        False,
        True,
        False,
        False,
    ]


def test_directions_of_motion_are_told_apart() -> None:
    """Squares that slide to the right or down, over walls of their own."""
    ways = {"right": (2.0, 0.0), "down": (0.0, 2.0)}
    videos = [
        (dense_trajectories(sliding(16, *ways[label], height=64, width=64, seed=10 * n)), label)
        for n in range(4)
        for label in ways
    ]
    train, test = videos[:6], videos[6:]
    classifier = TrajectoryClassifier(gaussians=4).fit([v for v, _ in train], [label for _, label in train])
    assert classifier.predict([v for v, _ in test]) == [label for _, label in test]
