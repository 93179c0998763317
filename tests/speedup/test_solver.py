from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, minimize, root_scalar

from speediness.errors import PlanError
from speediness.results.curve import Float64s, SpeedinessCurve
from speediness.results.plan import SpeedPlan
from speediness.sampling import playback_factors
from speediness.speedup.solver import (
    DEFAULT_OPTIONS,
    DOUBT,
    PlanOptions,
    check_target,
    compare_with_uniform,
    plan_speedup,
)

FACTORS = playback_factors()


def moving(frames: int) -> NDArray[np.float32]:
    return np.ones(frames, np.float32)


def curve_of_limits(
    limits: Float64s, duration_s: float, times_s: Float64s | None = None
) -> SpeedinessCurve:
    """A network that is certain: natural up to the limit (rounded down to a factor), not beyond."""
    normal = np.array(FACTORS)[:, None] <= np.asarray(limits) * (1 + 1e-9)
    even_s = np.arange(len(limits), dtype=np.float64) * (duration_s / len(limits))
    times_s = even_s if times_s is None else times_s
    return SpeedinessCurve(times_s, duration_s, FACTORS, normal.astype(np.float32), moving(len(limits)))


def random_curve(seed: int, duration_s: float = 20.0) -> SpeedinessCurve:
    """Rough, doubtful scores of frames at uneven times."""
    rng = np.random.default_rng(seed)
    ends_s = np.cumsum(rng.uniform(1 / 60, 1 / 12, int(duration_s * 25)))
    ends_s *= duration_s / ends_s[-1]
    times_s = np.concatenate([[0.0], ends_s[:-1]])
    turns_s = np.arange(0, duration_s + 4, 3.0)
    calm = np.interp(times_s, turns_s, rng.uniform(-1, 5, len(turns_s))) + rng.normal(0, 0.7, len(times_s))
    normal = 1 / (1 + np.exp(0.7 * np.arange(len(FACTORS))[:, None] - calm))
    return SpeedinessCurve(times_s, duration_s, FACTORS, normal.astype(np.float32), moving(len(times_s)))


def half_calm(duration_s: float = 20.0, calm: float = 4.0) -> SpeedinessCurve:
    """First half action (limit 1), second half calm."""
    frames = round(duration_s * 25)
    return curve_of_limits(np.where(np.arange(frames) < frames // 2, 1.0, calm), duration_s)


# The optimum, against a general solver that is given every constraint


def odd_by_hand(curve: SpeedinessCurve, times_s: Float64s) -> list[Float64s]:
    """1 - P around every knot, one value a factor; by sums over the frames shown meanwhile."""
    edges_s, step_s = np.append(curve.times_s, curve.duration_s), times_s[1]
    odd = np.maximum.accumulate(1 - curve.normal.astype(np.float64), axis=0)
    found = []
    for start_s, end_s in pairwise([0.0, *(times_s[:-1] + step_s / 2), curve.duration_s]):
        overlap_s = np.clip(np.minimum(edges_s[1:], end_s) - np.maximum(edges_s[:-1], start_s), 0, None)
        found.append(DOUBT + (odd * overlap_s).sum(axis=1) / (end_s - start_s))
    return found


def goal_by_hand(curve: SpeedinessCurve, plan: SpeedPlan, options: PlanOptions) -> Float64s:
    """Slowness at which S (1 - P) is one number, clipped, of the right length; by root finders alone."""
    odd = odd_by_hand(curve, plan.times_s)

    def slowness(level: float, values: Float64s) -> float:
        def cost(s: float) -> float:
            return s * float(np.interp(s, curve.factors, values)) - level

        return 1 / root_scalar(cost, bracket=(1e-6, 1e6), xtol=1e-15, rtol=1e-15).root

    def goal(level: float) -> Float64s:
        wanted = [slowness(level, values) for values in odd]
        return np.clip(wanted, 1 / options.fastest, 1 / options.slowest)

    def too_long_s(level: float) -> float:
        return float(np.trapezoid(goal(level), plan.times_s)) - curve.duration_s / plan.rate

    return goal(root_scalar(too_long_s, bracket=(1e-3, 1e2), xtol=1e-14).root)


@pytest.mark.parametrize("seed", range(3))
def test_no_plan_of_this_length_is_expected_to_look_less_too_fast(seed: int):
    """Moment by moment, against a general solver and an integral by small steps."""
    curve, options = random_curve(seed, 1.2), PlanOptions()
    rate = (1.3, 2.0, 5.0)[seed]
    plan = plan_speedup(curve, rate, options)
    odd, mass = odd_by_hand(curve, plan.times_s), np.full(len(plan.times_s), plan.times_s[1])
    mass[[0, -1]] /= 2

    def expected(u: Float64s) -> float:
        total = 0.0
        for weight, values, slowness in zip(mass, odd, u, strict=True):
            steps = np.linspace(0, -np.log(slowness), 2001)
            total += weight * np.trapezoid(np.interp(np.exp(steps), curve.factors, values), steps)
        return total

    slow = minimize(
        expected,
        np.full(len(mass), 1 / rate),
        method="SLSQP",
        bounds=[(1 / options.fastest, 1 / options.slowest)] * len(mass),
        constraints=[LinearConstraint(mass[None], 1.2 / rate, 1.2 / rate)],
        options={"maxiter": 500, "ftol": 1e-14},
    )
    goal = goal_by_hand(curve, plan, options)
    assert expected(goal) <= slow.fun + 1e-9
    np.testing.assert_allclose(goal, slow.x, atol=2e-3)


@pytest.mark.parametrize("seed", range(6))
def test_plan_is_the_optimum_of_the_constrained_programme(seed: int):
    rng = np.random.default_rng(seed)
    duration_s = float(rng.uniform(0.6, 1.6))
    edges_s = np.sort(rng.uniform(0, duration_s, 20))
    normal = np.sort(rng.random((len(FACTORS), 21), np.float32), axis=0)[::-1]
    curve = SpeedinessCurve(np.append(0.0, edges_s), duration_s, FACTORS, normal, moving(21))
    options = PlanOptions(slowest=1.0, fastest=8.0, smooth_s=float(rng.uniform(0.1, 0.5)))
    rate = float(rng.uniform(1.1, 7))
    plan = plan_speedup(curve, rate, options)
    goal = goal_by_hand(curve, plan, options)

    count, step_s = len(goal), float(plan.times_s[1])
    mass = np.full(count, step_s)
    mass[[0, -1]] /= 2

    def energy(u: Float64s) -> float:
        return float(
            np.sum(mass * (u - goal) ** 2) + options.smooth_s**2 * np.sum(np.diff(u) ** 2) / step_s
        )

    # A change of log u by at most h / smooth_s is linear in u: neighbours within that ratio.
    ratio = np.exp(step_s / options.smooth_s)
    later, earlier = np.eye(count)[1:], np.eye(count)[:-1]
    slow = minimize(
        energy,
        np.full(count, 1 / rate),
        method="SLSQP",
        bounds=[(1 / options.fastest, 1 / options.slowest)] * count,
        constraints=[
            LinearConstraint(mass[None], duration_s / rate, duration_s / rate),
            LinearConstraint(np.vstack([ratio * earlier - later, ratio * later - earlier]), 0, np.inf),
        ],
        options={"maxiter": 1000, "ftol": 1e-15},
    )
    assert energy(plan.slowness) <= slow.fun * (1 + 1e-6) + 1e-12
    np.testing.assert_allclose(plan.slowness, slow.x, atol=2e-5)


def test_a_step_is_smoothed_with_the_documented_time_constant():
    """Far from the ends, u has the closed form of an exponentially smoothed step."""
    smooth_s = 1.5
    plan = plan_speedup(half_calm(40, calm=FACTORS[6]), 3, PlanOptions(smooth_s=smooth_s))
    # Beyond its limit a moment costs S, up to it next to nothing: so calm goes to its limit.
    action, calm = plan.slowness[[0, -1]]
    assert 1 / FACTORS[7] < calm < 1 / FACTORS[6]
    from_step_s = plan.times_s - 20
    decay = np.exp(-np.abs(from_step_s) / smooth_s) / 2
    smoothed = np.where(from_step_s < 0, action + (calm - action) * decay, calm + (action - calm) * decay)
    np.testing.assert_allclose(plan.slowness, smoothed, atol=3e-3)  # the knot at the step is of both


# Properties of every plan


@pytest.mark.parametrize("rate", [1.0, 1.01, 1.5, 2.0, 3.7, 9.0, 10.0])
@pytest.mark.parametrize("seed", range(3))
def test_length_bounds_and_change_hold(seed: int, rate: float):
    curve = random_curve(seed)
    options = PlanOptions(smooth_s=(0.2, 1.5, 30.0)[seed])
    plan = plan_speedup(curve, rate, options)
    assert plan.rate == rate
    assert plan.source_duration_s == curve.duration_s
    assert plan.output_duration_s == pytest.approx(curve.duration_s / rate, rel=1e-12)
    assert plan.factor.min() >= options.slowest * (1 - 1e-15)
    assert plan.factor.max() <= options.fastest * (1 + 1e-15)
    change = np.abs(np.diff(np.log(plan.slowness)))
    assert np.all(change <= np.diff(plan.times_s) / options.smooth_s + 1e-12)
    assert np.all(np.diff(plan.output_time(np.linspace(0, curve.duration_s, 5000))) > 0)


def test_the_bound_on_change_is_reached_but_not_passed():
    """One action frame in an endless calm: the steepest wish there is."""
    limits = np.full(1000, FACTORS[-1])
    limits[500:520] = 1
    plan = plan_speedup(curve_of_limits(limits, 40), 8.0, PlanOptions(fastest=1e3, smooth_s=1.5))
    change_per_s = np.abs(np.diff(np.log(plan.slowness))) / np.diff(plan.times_s)
    assert 0.3 / 1.5 < change_per_s.max() <= 1 / 1.5


@pytest.mark.parametrize("rate", [1.0, 1.3, 3.0, 10.0])
@pytest.mark.parametrize("limit", [FACTORS[0], FACTORS[3], FACTORS[-1]])
def test_flat_limit_gives_a_flat_plan_at_any_rate(limit: float, rate: float):
    plan = plan_speedup(curve_of_limits(np.full(250, limit), 10), rate)
    np.testing.assert_allclose(plan.factor, rate, rtol=1e-12)


def test_video_without_motion_plays_at_one_speed():
    curve = random_curve(1)
    curve = replace(curve, motion=np.full(500, 0.01), normal=0.5 + curve.normal / 2)
    plan = plan_speedup(curve, 2.5)
    np.testing.assert_allclose(plan.slowness, 0.4, rtol=1e-14)
    assert plan.output_duration_s == pytest.approx(curve.duration_s / 2.5, rel=1e-14)


def test_a_video_run_backwards_gets_the_plan_backwards():
    curve = random_curve(2)
    ends_s = np.append(curve.times_s, curve.duration_s)
    mirrored = replace(
        curve,
        times_s=(curve.duration_s - ends_s[::-1])[:-1],
        normal=curve.normal[:, ::-1],
        motion=curve.motion[::-1],
    )
    forward, backward = plan_speedup(curve, 2), plan_speedup(mirrored, 2)
    np.testing.assert_allclose(forward.slowness, backward.slowness[::-1], rtol=1e-9)


def test_frame_rate_does_not_matter():
    coarse = half_calm(20)
    fine = curve_of_limits(np.repeat(coarse.limit(), 3), 20)
    np.testing.assert_allclose(plan_speedup(coarse, 2).slowness, plan_speedup(fine, 2).slowness, rtol=1e-9)


def test_calm_is_played_faster_than_action():
    plan = plan_speedup(half_calm(20), 1.5)
    action, calm = plan.factor[plan.times_s < 6], plan.factor[plan.times_s > 14]
    assert action.max() < 1.3 < 2.5 < calm.min()


def test_the_lower_bound_keeps_action_at_its_own_speed():
    """Calm can give all the time that a low rate asks for."""
    plan = plan_speedup(half_calm(40, calm=9.0), 1.1)
    assert plan.factor.min() == pytest.approx(1, abs=5e-3)
    assert plan.output_duration_s == pytest.approx(40 / 1.1, rel=1e-12)


def test_a_higher_rate_gives_a_shorter_video():
    curve = random_curve(3)
    lengths_s = [plan_speedup(curve, rate).output_duration_s for rate in np.linspace(1, 10, 40)]
    assert np.all(np.diff(lengths_s) < 0)


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("duration_s", [0.001, 0.04, 0.3])
def test_very_short_videos(frames: int, duration_s: float):
    curve = curve_of_limits(np.array([1.0, 9.0, 2.0])[:frames], duration_s)
    plan = plan_speedup(curve, 2)
    assert plan.output_duration_s == pytest.approx(duration_s / 2, rel=1e-12)
    np.testing.assert_allclose(plan.factor, 2, rtol=0.5)


def test_plan_from_the_file_is_the_same_plan(tmp_path: Path):
    curve = random_curve(4)
    curve.save(tmp_path / "c.json")
    again = plan_speedup(SpeedinessCurve.load(tmp_path / "c.json"), 2.2)
    assert np.array_equal(plan_speedup(curve, 2.2).slowness, again.slowness)


def test_plan_says_what_made_it():
    curve = replace(half_calm(), made_by={"video": "film.mp4"})
    made_by = plan_speedup(curve, 2, PlanOptions(smooth_s=2.0)).made_by
    assert made_by["settings"] == {"slowest": 1.0, "fastest": 10.0, "smooth_s": 2.0}
    assert made_by["curve"] == {"video": "film.mp4"}
    assert made_by["program"].startswith("speediness ")


def test_rough_scores_do_not_shake_the_video():
    """A limit that flips between 1 and 9 with every frame is no reason to change speed."""
    limits = np.where(np.arange(500) % 2, 1.0, FACTORS[-1])
    plan = plan_speedup(curve_of_limits(limits, 20), 2)
    assert plan.factor.max() / plan.factor.min() < 1.05


# What a plan cannot reach


@pytest.mark.parametrize("rate", [0.999, 0.0, -1.0, 10.001, float("inf"), float("nan")])
def test_rates_out_of_reach_are_refused_with_the_range(rate: float):
    with pytest.raises(PlanError, match="from 1 to 10"):
        plan_speedup(half_calm(), rate)
    with pytest.raises(PlanError, match="from 1 to 10"):
        plan_speedup(replace(half_calm(), motion=np.zeros(500), normal=np.ones((11, 500))), rate)


@pytest.mark.parametrize(
    "values",
    [
        {"slowest": 0.0},
        {"slowest": 3.0, "fastest": 2.0},
        {"fastest": float("inf")},
        {"fastest": float("nan")},
        {"smooth_s": 0.0},
        {"smooth_s": float("nan")},
    ],
)
def test_impossible_options_are_refused(values: dict[str, float]):
    with pytest.raises(PlanError):
        PlanOptions(**values)


# Figures


def too_fast_by_hand(curve: SpeedinessCurve, shown_s: list[float]) -> float:
    total = 0.0
    for frame, shown in enumerate(shown_s):
        odd = np.maximum.accumulate(1 - curve.normal[:, frame].astype(np.float64))
        steps = np.linspace(0, np.log(float(curve.frame_lengths_s[frame]) / shown), 2001)
        expected = np.trapezoid(np.interp(np.exp(steps), curve.factors, odd), steps)
        total += max(0.0, float(expected)) * float(curve.frame_lengths_s[frame])
    return float(np.exp(total / curve.duration_s))


@pytest.mark.parametrize("rate", [1.0, 2.0, 9.9])
def test_excess_equals_frame_by_frame_sums(rate: float):
    curve = random_curve(6)
    plan = plan_speedup(curve, rate)
    planned, uniform = compare_with_uniform(curve, plan)
    ends_s = [*curve.times_s[1:], curve.duration_s]
    shown_s = [
        float(plan.output_time(np.array(b)) - plan.output_time(np.array(a)))
        for a, b in zip(curve.times_s, ends_s, strict=True)
    ]
    assert planned == pytest.approx(too_fast_by_hand(curve, shown_s), rel=1e-5)
    assert uniform == pytest.approx(too_fast_by_hand(curve, list(curve.frame_lengths_s / rate)), rel=1e-5)


@pytest.mark.parametrize("rate", [1.2, 2.0, 3.0, 6.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_plan_is_not_worse_than_uniform(seed: int, rate: float):
    """Smoothing keeps it so wherever scores last longer than a moment."""
    curve = random_curve(seed, 60)
    planned, uniform = compare_with_uniform(curve, plan_speedup(curve, rate))
    assert planned < uniform


def test_adaptive_beats_uniform_where_there_is_something_to_gain():
    curve = half_calm(60)
    planned, uniform = compare_with_uniform(curve, plan_speedup(curve, 1.5))
    assert 1 <= planned < 1.03 < 1.15 < uniform


def test_nothing_to_gain_is_uniform():
    """What looks too fast at any speed, or is equally doubtful all the time, is all alike."""
    for normal in (0.0, 0.3, 1.0):
        curve = replace(half_calm(), normal=np.full((len(FACTORS), 500), normal))
        np.testing.assert_allclose(plan_speedup(curve, 2.5).factor, 2.5, rtol=1e-9)


def test_one_factor_alone_can_be_scored():
    curve = random_curve(7)
    curve = replace(curve, factors=(1.0,), normal=curve.normal[:1])
    plan = plan_speedup(curve, 2)
    assert plan.output_duration_s == pytest.approx(curve.duration_s / 2, rel=1e-12)
    assert compare_with_uniform(curve, plan)[0] > 1


def test_hours_keep_their_length():
    plan = plan_speedup(random_curve(8, 3 * 3600.0), 2)
    assert plan.output_duration_s == pytest.approx(3 * 1800.0, rel=1e-9)


# Locks


@pytest.mark.parametrize("seed", range(4))
def test_locks_play_at_natural_speed_and_the_length_stays_exact(seed: int):
    curve = random_curve(seed, 30.0)
    options = PlanOptions(smooth_s=(0.3, 1.0, 1.5, 2.0)[seed])
    locks_s = [(3.03, 6.0), (20.0, 21.77), (5.0, 7.5)]
    plan = plan_speedup(curve, 2, options, locks_s)
    assert plan.output_duration_s == pytest.approx(curve.duration_s / 2, rel=1e-12)
    for start_s, end_s in locks_s:
        shown_s = plan.output_time(np.linspace(start_s, end_s, 50))
        np.testing.assert_allclose(np.diff(shown_s), (end_s - start_s) / 49, rtol=1e-12)
    assert plan.factor.min() >= 1 and plan.factor.max() <= options.fastest * (1 + 1e-15)
    change = np.abs(np.diff(np.log(plan.slowness)))
    assert np.all(change <= np.diff(plan.times_s) / options.smooth_s + 1e-12)
    assert plan.made_by["settings"]["locks_s"] == [list(lock) for lock in locks_s]


def test_far_from_a_lock_the_plan_follows_the_curve_as_before():
    """Where nothing binds, S is the unlocked plan's, faster by one common factor."""
    curve = half_calm(60)
    free, locked = plan_speedup(curve, 1.5), plan_speedup(curve, 1.5, locks_s=[(29.0, 31.0)])
    ratio = (locked.factor / free.factor)[free.times_s > 45]
    np.testing.assert_allclose(ratio, ratio[0], rtol=2e-3)
    assert 1 < ratio[0] < 1.2


def test_a_still_video_keeps_its_locks():
    curve = random_curve(1)
    curve = replace(curve, motion=np.full(500, 0.01), normal=0.5 + curve.normal / 2)
    plan = plan_speedup(curve, 2, locks_s=[(5.0, 8.0)])
    assert plan.output_time(np.array([5.0, 8.0])) @ [-1, 1] == pytest.approx(3)
    assert plan.output_duration_s == pytest.approx(curve.duration_s / 2, rel=1e-12)


@pytest.mark.parametrize(
    ("rate", "lock_s", "message"),
    [
        (2.0, (0.0, 20.0), "cannot be reached with what must stay slow; choose one from 1 to 1"),
        (5.0, (2.0, 12.0), r"cannot be reached with what must stay slow; choose one from 1 to 1\.\d+"),
        (2.0, (-1.0, 3.0), "no stretch of this video"),
        (2.0, (3.0, 3.0), "no stretch of this video"),
        (2.0, (15.0, 21.0), "between 0 and 20 s"),
        (2.0, (float("nan"), 3.0), "no stretch of this video"),
    ],
)
def test_locks_that_cannot_be_kept_are_refused(rate: float, lock_s: tuple[float, float], message: str):
    with pytest.raises(PlanError, match=message):
        plan_speedup(half_calm(20), rate, locks_s=[lock_s])


def test_a_lock_outside_the_bounds_is_refused():
    with pytest.raises(PlanError, match="widen the bounds"):
        plan_speedup(half_calm(20), 3, PlanOptions(slowest=1.5), [(1.0, 2.0)])


def test_rates_up_to_the_named_reach_can_be_had():
    curve = half_calm(20)
    with pytest.raises(PlanError) as refused:
        plan_speedup(curve, 9, locks_s=[(2.0, 12.0)])
    reach = float(str(refused.value).partition(" to ")[2].partition(",")[0])
    plan = plan_speedup(curve, reach, locks_s=[(2.0, 12.0)])
    assert plan.output_duration_s == pytest.approx(20 / reach, rel=1e-12)


@pytest.mark.parametrize("limit", [1.0, 1.3, 4.0])
def test_limits_bound_the_speed_and_the_length_stays_exact(limit: float):
    curve = half_calm(60)
    limits_s = [((10.0, 14.05), limit), ((40.0, 45.0), limit)]
    plan = plan_speedup(curve, 2.5, limits_s=limits_s)
    assert plan.output_duration_s == pytest.approx(60 / 2.5, rel=1e-9)
    for (start_s, end_s), _ in limits_s:
        inside = (plan.times_s >= start_s) & (plan.times_s <= end_s)
        assert plan.factor[inside].max() <= limit * (1 + 1e-9)
    steps = np.abs(np.diff(np.log(plan.slowness)))
    assert steps.max() <= np.diff(plan.times_s).max() / DEFAULT_OPTIONS.smooth_s * (1 + 1e-9)
    assert plan.made_by["settings"]["limits_s"] == [[*span, limit] for span, _ in limits_s]


def test_limits_that_cannot_be_kept_are_refused_without_a_curve():
    with pytest.raises(PlanError, match="cannot be reached"):
        check_target(20, 3, limits_s=[((0.0, 20.0), 1.5)])
    with pytest.raises(PlanError, match="below the slowest speed"):
        check_target(20, 2, limits_s=[((0.0, 1.0), 0.5)])
    with pytest.raises(PlanError, match="no stretch of this video"):
        check_target(20, 2, locks_s=[(19.0, 21.0)])
    check_target(20, 2, locks_s=[(1.0, 2.0)], limits_s=[((3.0, 4.0), 1.5)])
