from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from speediness.results.plan import SpeedPlan
from speediness.timeline.time_map import TimeMap
from speeds import random_plan

RATES = (Fraction(24000, 1001), Fraction(25), Fraction(60))


def slow_output_s(plan: SpeedPlan, source_s: float) -> float:
    """When a moment is shown: slowness summed knot by knot, in plain Python."""
    output_s = 0.0
    for (start_s, first), (end_s, last) in pairwise(zip(plan.times_s, plan.slowness, strict=True)):
        if source_s <= start_s:
            break
        into_s = min(source_s, end_s) - start_s
        there = first + (last - first) * into_s / (end_s - start_s)
        output_s += into_s * (first + there) / 2
    return output_s


def slow_source_s(pairs: tuple[tuple[Fraction, Fraction], ...], output_s: Fraction) -> Fraction:
    """What a map shows, in exact fractions."""
    for (start_s, source_s), (end_s, source_end_s) in pairwise(pairs):
        if start_s <= output_s <= end_s:
            return source_s + (source_end_s - source_s) * (output_s - start_s) / (end_s - start_s)
    raise AssertionError("beyond the map")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("error", "whole"), [(0.05, False), (0.25, False), (0.5, True), (3.0, False)])
def test_no_frame_is_further_from_the_plan_than_stated(
    seed: int, rate: Fraction, error: float, whole: bool
) -> None:
    plan = random_plan(seed, duration_s=12.3)
    step_s = 1 / rate if whole else Fraction(1, 1000 * rate.numerator)
    time_map = TimeMap.of_plan(plan, rate, error, step_s)
    for frame in range(time_map.n_frames):
        shown_s = slow_source_s(time_map.pairs, frame / rate)
        late_s = slow_output_s(plan, float(shown_s)) - float(frame / rate)
        assert abs(late_s) * float(rate) <= error + 1e-6
    assert all(source_s % step_s == 0 for _, source_s in time_map.pairs)


@pytest.mark.parametrize("seed", range(3))
def test_every_piece_is_as_long_as_the_error_allows(seed: int) -> None:
    """Slow greedy search: a longer piece from the same knot would miss the plan somewhere."""
    rate, error = Fraction(25), 0.25
    plan = random_plan(seed, duration_s=12.3)
    time_map = TimeMap.of_plan(plan, rate, error, Fraction(1, 25_000))
    for piece in list(time_map.pieces())[:-1]:
        for end in range(piece.end_frame + 1, time_map.n_frames + 1):
            target_s = plan.source_time(np.array(end / 25)) if end < time_map.n_frames else 12.3
            frames = np.arange(piece.start_frame, end + (end < time_map.n_frames))
            share = (frames - piece.start_frame) / (end - piece.start_frame)
            line_s = float(piece.source_start_s) + share * (target_s - float(piece.source_start_s))
            assert np.abs(plan.output_time(line_s) * 25 - frames).max() > error - 0.01


@pytest.mark.parametrize("rate", RATES)
def test_the_length_is_that_of_a_render_and_the_end_is_the_sources(rate: Fraction) -> None:
    for seed in range(20):
        plan = random_plan(seed, duration_s=7.77 + seed)
        time_map = TimeMap.of_plan(plan, rate, 0.25, Fraction(1, 1000 * rate.numerator))
        assert time_map.n_frames == round(plan.output_duration_s * rate)
        assert float(time_map.source_duration_s) == pytest.approx(plan.source_duration_s, abs=1e-6)
        assert sum(piece.frames for piece in time_map.pieces()) == time_map.n_frames


def test_a_flat_plan_is_one_piece() -> None:
    plan = SpeedPlan(np.array([0.0, 100.0]), np.full(2, 1 / 2.5), 2.5)
    time_map = TimeMap.of_plan(plan, Fraction(25), 0.25, Fraction(1, 25_000))
    assert time_map.pairs == ((0, 0), (40, 100))
    assert [piece.factor for piece in time_map.pieces()] == [Fraction(5, 2)]


def test_a_plan_shorter_than_a_frame_is_one_frame() -> None:
    plan = SpeedPlan(np.array([0.0, 0.04]), np.full(2, 0.1), 10)
    assert TimeMap.of_plan(plan, Fraction(25), 0.5, Fraction(1, 25)).n_frames == 1


def test_slow_motion_on_whole_source_frames_ascends() -> None:
    plan = SpeedPlan(np.array([0.0, 10.0]), np.array([3.0, 7.0]), 0.2)
    time_map = TimeMap.of_plan(plan, Fraction(25), 0.5, Fraction(1, 25))
    assert time_map.n_frames == round(plan.output_duration_s * 25)
    for frame in range(time_map.n_frames):
        shown_s = slow_source_s(time_map.pairs, Fraction(frame, 25))
        assert abs(float(shown_s) - plan.source_time(np.array(frame / 25))) <= 0.5 / 25 + 1e-9


@pytest.mark.parametrize("pairs", [((0, 0),), ((1, 0), (2, 1)), ((0, 0), (0, 1)), ((0, 0), (1, 2), (2, 2))])
def test_what_does_not_ascend_from_0_is_no_map(pairs: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError):
        TimeMap(Fraction(25), tuple((Fraction(a), Fraction(b)) for a, b in pairs))
