import numpy as np
import pytest

from speediness.simulation.capture import HEAD_M, interpolated, recorded
from speediness.simulation.walk import NAMES, PARENTS, walk


def test_samples_are_met_and_a_smooth_motion_is_followed_between_them() -> None:
    def motion(times_s: np.ndarray) -> np.ndarray:
        return np.stack([np.sin(5 * times_s), times_s**2, np.cos(3 * times_s)], -1)

    times_s = np.arange(91) / 30
    at = interpolated(motion(times_s), 30)
    np.testing.assert_allclose(at(times_s), motion(times_s), atol=1e-12)
    between_s = np.random.default_rng(0).uniform(0.05, 2.9, 200)
    np.testing.assert_allclose(at(between_s), motion(between_s), atol=1e-3)
    np.testing.assert_allclose(at(np.array([-1.0, 9.0])), motion(times_s)[[0, -1]])


def test_a_recorded_body_stands_on_the_floor_in_the_middle_and_has_a_head() -> None:
    made = walk(0, 4.0)
    samples = made.at(np.arange(241) / 60)[:, : len(NAMES)] + (3.0, -7.0, 2.0)
    capture = recorded(samples, 60, NAMES, PARENTS)
    joints = capture.at(np.linspace(0, capture.duration_s, 50))
    assert capture.duration_s == 4.0
    assert abs(joints[..., 1].min()) < 0.05
    assert np.abs(joints[..., [0, 2]].mean((0, 1))).max() < 0.02
    head = NAMES.index("head")
    tip = joints[:, -1] - joints[:, head]
    np.testing.assert_allclose(
        np.linalg.norm(tip, axis=-1) + capture.radius_J[-1], HEAD_M + 0.005, atol=1e-3
    )
    assert 1.55 < capture.height_m < 1.95


def test_bones_are_as_thick_and_show_what_their_names_say() -> None:
    names = [
        "Hips",
        "Spine",
        "Head",
        "LeftArm",
        "LeftForeArm",
        "LeftHand",
        "LeftUpLeg",
        "LeftLeg",
        "LeftFoot",
    ]
    parents = [-1, 0, 1, 1, 3, 4, 0, 6, 7]
    capture = recorded(np.random.default_rng(0).normal(size=(4, 9, 3)), 30, names, parents)
    of_bone = {
        (names[a], names[b] if b < 9 else "tip"): part
        for (a, b), part in zip(capture.bones_B2, capture.parts_B, strict=True)
    }
    assert of_bone["LeftArm", "LeftForeArm"] == of_bone["LeftForeArm", "LeftHand"] == "arm"
    assert of_bone["LeftUpLeg", "LeftLeg"] == of_bone["LeftLeg", "LeftFoot"] == "leg"
    assert of_bone["Hips", "Spine"] == "torso" and of_bone["Head", "tip"] == "skin"
    radius = dict(zip(names, capture.radius_J, strict=False))
    assert (
        radius["Spine"] > radius["LeftUpLeg"] > radius["LeftLeg"] > radius["LeftFoot"] > radius["LeftHand"]
    )


def test_points_without_a_body_are_balls() -> None:
    capture = recorded(np.random.default_rng(0).normal(size=(4, 2, 3)), 30, ["ball0", "ball1"], [-1, -1])
    assert capture.bones_B2.tolist() == [[0, 0], [1, 1]] and set(capture.parts_B) == {"ball"}
    with pytest.raises(IndexError):
        recorded(np.zeros((1, 1, 3)), 30, ["ball"], [-1])
