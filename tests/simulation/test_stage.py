import dataclasses

import numpy as np
import pytest

from speediness.simulation.cameras import draw_stage, tremor
from speediness.simulation.capture import interpolated
from speediness.simulation.stage import Body, Camera, Stage, side_view, still
from speediness.simulation.walk import walk

NOW = np.zeros(1)


def test_a_camera_sees_what_a_pinhole_shows() -> None:
    camera = Camera(still(0, 1, -4), still(0, 1, 0), focal=2.0)
    points = np.array([[[0, 1, 0], [1, 1, 0], [0, 2, 0], [1, 1, 4]]], float)
    xy, depth = camera.project(points, NOW)
    np.testing.assert_allclose(xy[0], [[0, 0], [0.5, 0], [0, -0.5], [0.25, 0]], atol=1e-12)
    np.testing.assert_allclose(depth[0], [4, 4, 4, 8])


def test_the_background_is_where_its_rays_meet_ground_or_wall() -> None:
    rng = np.random.default_rng(0)
    moments = np.array([0.3, 1.7])
    camera = Camera(
        interpolated(rng.normal(size=(30, 3)) * 0.2 + (1, 1.5, -6), 10),
        still(0, 1, 0),
        1.2,
        tremor(0.05, rng),
    )
    stage = Stage((Body(walk(0, 1.0)),), camera, wall_m=12.0)
    xy = rng.uniform(-0.5, 0.5, (200, 2))
    points, far = stage.background(xy, moments)
    seen, depth = camera.project(points, moments)
    np.testing.assert_allclose(seen, np.broadcast_to(xy, seen.shape), atol=1e-9)
    np.testing.assert_allclose(depth, far, atol=1e-9)
    on_ground = stage.surface(points)[2]
    assert on_ground.any() and not on_ground.all()
    np.testing.assert_allclose(np.hypot(points[..., 0], points[..., 2])[~on_ground], 12.0)
    assert (points[..., 1][~on_ground] > 0).all()
    assert (np.hypot(points[..., 0], points[..., 2])[on_ground] <= 12.0 + 1e-9).all()


def test_a_turn_of_the_camera_moves_far_and_near_alike_and_a_step_does_not() -> None:
    points = np.array([[[0, 1, 0], [0, 1, 20]]] * 2, float)
    moments = np.array([0.0, 1.0])
    still_camera = Camera(still(0, 1, -4), still(0, 1, 0), 1.5)
    turned = dataclasses.replace(still_camera, shake=lambda t: np.outer(t, [0.05, 0, 0]))
    stepped = dataclasses.replace(
        still_camera,
        place=lambda t: np.array([0, 1, -4]) + np.outer(t, [0.5, 0, 0]),
        target=lambda t: np.array([0, 1, 0]) + np.outer(t, [0.5, 0, 0]),
    )
    moved = [np.diff(camera.project(points, moments)[0], axis=0)[0, :, 0] for camera in (turned, stepped)]
    np.testing.assert_allclose(moved[0], -1.5 * np.tan(0.05), rtol=1e-6)
    np.testing.assert_allclose(moved[1], [-1.5 * 0.5 / 4, -1.5 * 0.5 / 24])
    assert not still_camera.moves and turned.moves and stepped.moves


def test_a_side_view_shows_the_body_as_tall_as_asked_for() -> None:
    for share in (0.2, 0.75):
        stage = side_view(walk(1, 3.0), share)
        body = stage.bodies[0]
        times_s = np.linspace(0, 3, 40)
        xy, depth = stage.camera.project(body.joints(times_s), times_s)
        reach = body.capture.radius_J * stage.camera.focal / depth
        assert (xy[..., 1] + reach).max() - (xy[..., 1] - reach).min() == pytest.approx(share, rel=0.1)


def test_drawn_stages_are_of_every_kind_and_each_seed_is_always_the_same() -> None:
    capture = walk(0, 9.0)
    stages = [draw_stage(capture, 0.5, 8.0, np.random.default_rng(seed)) for seed in range(60)]
    assert {len(stage.bodies) for stage in stages} == {1, 2, 3}
    at_rest = sum(not stage.camera.moves for stage in stages)
    assert 5 < at_rest < 35
    moments = np.linspace(0, 8, 20)
    heights, inside = [], []
    for stage in stages:
        xy, depth = stage.camera.project(stage.bodies[0].joints(moments), moments)
        heights.append(float(np.ptp(xy[..., 1], 1).mean()))
        inside.append(float((np.abs(xy[depth > 0]) < 0.9).all(-1).mean()))
        assert np.linalg.norm(stage.camera.place(moments)[:, [0, 2]], axis=-1).max() < stage.wall_m
    assert min(heights) < 0.35 and max(heights) > 1.2 and np.mean(inside) > 0.8
    again = draw_stage(capture, 0.5, 8.0, np.random.default_rng(7))
    np.testing.assert_array_equal(again.camera.place(moments), stages[7].camera.place(moments))
    np.testing.assert_array_equal(again.camera.shake(moments), stages[7].camera.shake(moments))


def test_tremor_has_the_deviation_asked_for() -> None:
    turns = tremor(0.01, np.random.default_rng(3))(np.arange(0, 60, 0.01))
    np.testing.assert_allclose(turns.std(0), [0.01, 0.01, 0.005], rtol=0.2)
