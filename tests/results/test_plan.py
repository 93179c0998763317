from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from speediness.errors import DataError
from speediness.results.plan import SpeedPlan


def make_plan(n_knots: int = 30, seed: int = 0) -> SpeedPlan:
    """Knots and slowness without any pattern, some neighbours equal."""
    rng = np.random.default_rng(seed)
    slowness = np.repeat(rng.uniform(0.1, 1, n_knots), 2)[:n_knots]
    times_s = np.concatenate([[0.0], np.cumsum(rng.uniform(0.01, 0.4, n_knots - 1))])
    length_s = float(np.trapezoid(slowness, times_s))
    return SpeedPlan(times_s, slowness, float(times_s[-1]) / length_s, {"settings": {"smooth_s": 1.5}})


def edit(path: Path, **changes: Any) -> None:
    document = json.loads(path.read_text())
    document.update(changes)
    path.write_text(json.dumps(document))


def slowness_at(plan: SpeedPlan, source_s: float) -> float:
    return float(np.interp(source_s, plan.times_s, plan.slowness))


def test_output_time_is_the_integral_of_slowness():
    plan = make_plan()
    rng = np.random.default_rng(1)
    for source_s in [*rng.uniform(0, plan.source_duration_s, 12), plan.source_duration_s]:
        inside = plan.times_s[(plan.times_s > 0) & (plan.times_s < source_s)]
        pieces = np.concatenate([[0.0], inside, [source_s]])
        slow = sum(quad(lambda t: slowness_at(plan, t), a, b)[0] for a, b in pairwise(pieces))
        assert plan.output_time(np.array(source_s)) == pytest.approx(slow, rel=1e-10)
    assert plan.output_duration_s == pytest.approx(plan.source_duration_s / plan.rate, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_source_time_undoes_output_time(seed: int):
    plan = make_plan(seed=seed)
    source_s = np.sort(np.concatenate([np.linspace(0, plan.source_duration_s, 5001), plan.times_s]))
    output_s = plan.output_time(source_s)
    np.testing.assert_allclose(plan.source_time(output_s), source_s, atol=1e-12)
    output_s = np.linspace(0, plan.output_duration_s, 5001)
    np.testing.assert_allclose(plan.output_time(plan.source_time(output_s)), output_s, atol=1e-12)


def test_time_map_is_monotone_and_keeps_the_ends():
    plan = make_plan(seed=3)
    source_s = np.linspace(0, plan.source_duration_s, 20_001)
    output_s = plan.output_time(source_s)
    assert np.all(np.diff(output_s) > 0)
    assert np.all(np.diff(plan.source_time(output_s)) > 0)
    assert output_s[0] == 0
    assert output_s[-1] == pytest.approx(plan.output_duration_s, rel=1e-14)


def test_moments_outside_the_video_are_clamped():
    plan = make_plan()
    ends = plan.output_time(np.array([-1.0, plan.source_duration_s + 1]))
    np.testing.assert_allclose(ends, [0, plan.output_duration_s], rtol=1e-14)
    ends = plan.source_time(np.array([-1.0, plan.output_duration_s + 1]))
    np.testing.assert_allclose(ends, [0, plan.source_duration_s], rtol=1e-14)


def test_steep_and_nearly_flat_cells_are_inverted_precisely():
    slowness = np.array([1.0, 0.01, 1.0, 1.0 + 1e-14, 1.0, 1e-3])
    plan = SpeedPlan(np.array([0, 0.1, 0.2, 10.0, 20.0, 30.0]), slowness, 1.5)
    source_s = np.linspace(0, 30, 3001)
    np.testing.assert_allclose(plan.source_time(plan.output_time(source_s)), source_s, atol=1e-10)


def test_plan_survives_the_file_bit_for_bit(tmp_path: Path):
    plan = make_plan()
    plan.save(tmp_path / "p.json")
    edit(tmp_path / "p.json", rho=0.4)  # as earlier versions wrote it
    again = SpeedPlan.load(tmp_path / "p.json")
    assert np.array_equal(plan.slowness, again.slowness)
    assert np.array_equal(plan.times_s, again.times_s)
    assert (plan.rate, plan.made_by) == (again.rate, again.made_by)
    assert plan.output_duration_s == again.output_duration_s


@pytest.mark.parametrize(
    "changes",
    [
        {"times_s": np.array([0.0])},
        {"times_s": np.array([0.0, 1.0])},
        {"times_s": np.arange(1.0, 31.0)},
        {"times_s": np.zeros(30)},
        {"slowness": np.zeros(30)},
        {"slowness": np.full(30, np.nan)},
        {"slowness": np.full(30, np.inf)},
        {"slowness": -np.ones(30)},
        {"rate": 0.0},
        {"rate": float("nan")},
    ],
)
def test_plan_refuses_what_is_no_time_map(changes: dict[str, Any]):
    with pytest.raises(ValueError):
        replace(make_plan(), **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"slowness": [1.0]},
        {"slowness": None},
        {"times_s": "0"},
        {"rate": None},
        {"made_by": 1},
    ],
)
def test_damaged_plan_is_refused(tmp_path: Path, changes: dict[str, Any]):
    path = tmp_path / "p.json"
    make_plan().save(path)
    edit(path, **changes)
    with pytest.raises(DataError, match=r"p\.json is damaged .* plan again"):
        SpeedPlan.load(path)


def test_a_later_version_is_named(tmp_path: Path):
    path = tmp_path / "p.json"
    make_plan().save(path)
    edit(path, schema="speediness.plan/2")
    with pytest.raises(DataError, match=r"speediness\.plan/2.*speediness\.plan/1"):
        SpeedPlan.load(path)


def test_example_in_the_documentation_is_what_is_written(tmp_path: Path):
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    example = re.findall(r"```json\n(.*?)```", text, re.DOTALL)[1]
    path = tmp_path / "x.json"
    path.write_text(example)
    SpeedPlan.load(path).save(path)
    assert json.loads(path.read_text()) == json.loads(example)
