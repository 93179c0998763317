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

from speediness.curves import Segment, SpeedinessCurve, SpeedPlan, read_json, write_json
from speediness.errors import DataError, OutputError
from speediness.sampling import playback_factors


def make_curve(n_frames: int = 40, seed: int = 0) -> SpeedinessCurve:
    """Unevenly timed frames with arbitrary judgements."""
    rng = np.random.default_rng(seed)
    ends_s = np.cumsum(rng.uniform(1 / 60, 1 / 15, n_frames))
    factors = playback_factors()
    return SpeedinessCurve(
        times_s=np.concatenate([[0.0], ends_s[:-1]]),
        duration_s=float(ends_s[-1]),
        factors=factors,
        normal=rng.random((len(factors), n_frames), np.float32),
        motion=rng.random(n_frames, np.float32),
        segments=(Segment(0.0, 0.5, "natural", 1.0, 0.8), Segment(0.5, 0.75, "slow_motion", 0.25, 0.6)),
        cuts_s=(float(ends_s[3]),),
        notes=("a note",),
        made_by={"video": "film.mp4", "weights": {"sha256": "ab"}},
    )


def make_plan(n_knots: int = 30, seed: int = 0) -> SpeedPlan:
    """Knots and slowness without any pattern, some neighbours equal."""
    rng = np.random.default_rng(seed)
    slowness = np.repeat(rng.uniform(0.1, 1, n_knots), 2)[:n_knots]
    times_s = np.concatenate([[0.0], np.cumsum(rng.uniform(0.01, 0.4, n_knots - 1))])
    length_s = float(np.trapezoid(slowness, times_s))
    return SpeedPlan(times_s, slowness, float(times_s[-1]) / length_s, 0.4, {"settings": {"smooth_s": 1.5}})


def edit(path: Path, **changes: Any) -> None:
    document = json.loads(path.read_text())
    document.update(changes)
    path.write_text(json.dumps(document))


# Curve


def test_limit_is_the_fastest_factor_that_passes():
    curve = make_curve()
    for rho in (0.1, 0.5, 0.9):
        slow = []
        for frame in range(len(curve.times_s)):
            passing = [f for f, p in zip(curve.factors, curve.normal[:, frame], strict=True) if p >= rho]
            slow.append(max(passing, default=1.0))
        assert curve.limit(rho).tolist() == slow


def test_limit_is_one_where_not_even_the_film_itself_passes():
    curve = replace(make_curve(), normal=np.full((11, 40), 0.3))
    assert curve.limit(0.5).tolist() == [1.0] * 40


def test_threshold_itself_passes():
    curve = replace(make_curve(), normal=np.full((11, 40), 0.3))
    assert curve.limit(0.3).tolist() == [curve.factors[-1]] * 40


def test_frame_lengths_fill_the_film():
    curve = make_curve()
    assert curve.frame_lengths_s.shape == curve.times_s.shape
    assert curve.frame_lengths_s.sum() == pytest.approx(curve.duration_s, rel=1e-12)


def test_still_only_when_nothing_moves_anywhere():
    motion, normal = np.full(40, 0.01, np.float32), np.full((11, 40), 0.6, np.float32)
    still = replace(make_curve(), motion=motion, normal=normal)
    assert still.is_still
    motion[7] = 0.5
    assert not replace(still, motion=motion).is_still


def test_something_small_that_is_judged_is_not_still():
    normal = np.full((11, 40), 0.6, np.float32)
    normal[10, 7] = 0.4
    assert not replace(make_curve(), motion=np.zeros(40, np.float32), normal=normal).is_still


def test_curve_survives_the_file(tmp_path: Path):
    curve = make_curve()
    curve.save(tmp_path / "c.json")
    again = SpeedinessCurve.load(tmp_path / "c.json")
    for name in ("times_s", "normal", "motion", "sped_up"):
        before, after = getattr(curve, name), getattr(again, name)
        assert before.dtype == after.dtype
        assert np.array_equal(before, after), name
    for name in ("duration_s", "factors", "segments", "cuts_s", "notes", "made_by"):
        assert getattr(curve, name) == getattr(again, name), name
    assert list(tmp_path.iterdir()) == [tmp_path / "c.json"]


def test_curve_document_has_the_documented_fields(tmp_path: Path):
    curve = make_curve()
    curve.save(tmp_path / "c.json")
    document = json.loads((tmp_path / "c.json").read_text())
    assert document["schema"] == "speediness.curve/1"
    assert len(document["times_s"]) == len(document["sped_up"]) == len(document["limit"]) == 40
    assert len(document["motion"]) == 40
    assert [c["factor"] for c in document["curves"]] == list(curve.factors)
    assert all(len(c["normal"]) == 40 for c in document["curves"])
    np.testing.assert_allclose(document["sped_up"], 1 - curve.normal[0], atol=1e-4)
    np.testing.assert_allclose(document["limit"], curve.limit(), atol=1e-6)
    assert set(document["segments"][0]) == {"start_s", "end_s", "label", "factor", "confidence"}


@pytest.mark.parametrize(
    "changes",
    [
        {"times_s": np.arange(39.0)},
        {"times_s": np.zeros(40)},
        {"times_s": np.arange(1.0, 41.0), "duration_s": 50.0},
        {"times_s": np.zeros(0), "normal": np.zeros((11, 0)), "motion": np.zeros(0)},
        {"times_s": np.arange(40.0).reshape(40, 1)},
        {"duration_s": 0.1},
        {"duration_s": float("inf")},
        {"factors": (1.0, 1.25)},
        {"factors": tuple(float(i) for i in range(2, 13))},
        {"factors": tuple(float(i) for i in range(11, 0, -1))},
        {"normal": np.zeros((40, 11))},
        {"normal": np.full((11, 40), np.nan)},
        {"normal": np.full((11, 40), 1.01)},
        {"normal": np.full((11, 40), -0.01)},
        {"motion": np.zeros(41)},
        {"motion": np.full(40, np.nan)},
        {"motion": np.full(40, -1.0)},
        {"cuts_s": (0.0,)},
        {"cuts_s": (99.0,)},
        {"cuts_s": (0.5, 0.4)},
    ],
)
def test_curve_refuses_what_does_not_fit(changes: dict[str, Any]):
    with pytest.raises(ValueError):
        replace(make_curve(), **changes)


@pytest.mark.parametrize(
    "values",
    [
        (1.0, 1.0, "natural", 1.0, 0.5),
        (-1.0, 1.0, "natural", 1.0, 0.5),
        (0.0, 1.0, "fast", 1.0, 0.5),
        (0.0, 1.0, "natural", 0.0, 0.5),
        (0.0, 1.0, "natural", float("inf"), 0.5),
        (0.0, 1.0, "natural", 1.0, 1.5),
        (0.0, float("nan"), "natural", 1.0, 0.5),
    ],
)
def test_segment_refuses_what_no_film_can_hold(values: tuple[Any, ...]):
    with pytest.raises(ValueError):
        Segment(*values)


def test_softmax_a_hair_above_one_is_a_probability():
    normal = np.full((11, 40), np.nextafter(np.float32(1), np.float32(2)))
    assert replace(make_curve(), normal=normal).normal.max() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"times_s": [0.0, 1.0]},
        {"times_s": None},
        {"duration_s": "long"},
        {"curves": []},
        {"curves": [{"factor": 1.0}]},
        {"curves": [{"factor": 1.0, "normal": [0.5]}, {"factor": 1.25, "normal": [0.5, 0.5]}]},
        {"motion": ["fast"] * 40},
        {"segments": [{"start_s": 0.0}]},
        {"segments": [{"start_s": 0, "end_s": 1, "label": "odd", "factor": 1, "confidence": 1}]},
        {"made_by": "me"},
    ],
)
def test_damaged_curve_is_refused(tmp_path: Path, changes: dict[str, Any]):
    path = tmp_path / "c.json"
    make_curve().save(path)
    edit(path, **changes)
    with pytest.raises(DataError, match=r"c\.json is damaged .* run analyse again"):
        SpeedinessCurve.load(path)


@pytest.mark.parametrize("name", list(make_curve().to_json()))
def test_curve_without_a_field(tmp_path: Path, name: str):
    path = tmp_path / "c.json"
    curve = make_curve()
    document = curve.to_json()
    del document[name]
    path.write_text(json.dumps(document))
    if name in ("sped_up", "limit"):  # written for readers of the file, derived from curves
        assert np.array_equal(SpeedinessCurve.load(path).normal, curve.normal)
    else:
        with pytest.raises(DataError):
            SpeedinessCurve.load(path)


def test_fields_of_a_later_program_are_ignored(tmp_path: Path):
    path = tmp_path / "c.json"
    curve = make_curve()
    document = curve.to_json()
    document["invented_later"] = 1
    document["segments"][0]["invented_later"] = 1
    document["curves"][0]["invented_later"] = 1
    path.write_text(json.dumps(document))
    assert SpeedinessCurve.load(path).segments == curve.segments


# Plan


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


def test_moments_outside_the_film_are_clamped():
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
    for plan in (make_plan(), replace(make_plan(), rho=None)):
        plan.save(tmp_path / "p.json")
        again = SpeedPlan.load(tmp_path / "p.json")
        assert np.array_equal(plan.slowness, again.slowness)
        assert np.array_equal(plan.times_s, again.times_s)
        assert (plan.rate, plan.rho, plan.made_by) == (again.rate, again.rho, again.made_by)
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
        {"rho": 2.0},
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
        {"rho": "x"},
        {"made_by": 1},
    ],
)
def test_damaged_plan_is_refused(tmp_path: Path, changes: dict[str, Any]):
    path = tmp_path / "p.json"
    make_plan().save(path)
    edit(path, **changes)
    with pytest.raises(DataError, match=r"p\.json is damaged .* plan again"):
        SpeedPlan.load(path)


# Documents


def test_wrong_or_unknown_schema_is_named(tmp_path: Path):
    path = tmp_path / "p.json"
    make_plan().save(path)
    with pytest.raises(DataError, match=r"speediness\.plan/1.*speediness\.curve/1"):
        SpeedinessCurve.load(path)
    edit(path, schema="speediness.plan/2")
    with pytest.raises(DataError, match=r"speediness\.plan/2"):
        SpeedPlan.load(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"schema": 1}', '{"schema": "x/1", "rate": NaN}'])
def test_what_is_no_document_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"x\.json"):
        read_json(path, "x/1")


def test_bytes_that_are_no_text_and_missing_files_are_refused(tmp_path: Path):
    path = tmp_path / "x.json"
    with pytest.raises(DataError, match="cannot read"):
        read_json(path, "x/1")
    path.write_bytes(b"\xff\xfe\x00ftypmp42")
    with pytest.raises(DataError, match="not a JSON document"):
        read_json(path, "x/1")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_is_never_written(tmp_path: Path, value: float):
    path = tmp_path / "x.json"
    path.write_text("old")
    with pytest.raises(ValueError):
        write_json(path, {"made_by": {"score": value}})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_failed_writing_leaves_nothing(tmp_path: Path):
    with pytest.raises(OutputError, match="cannot write"):
        write_json(tmp_path / "missing" / "x.json", {})
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        write_json(tmp_path / "folder", {})
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


def test_examples_in_the_documentation_are_what_is_written(tmp_path: Path):
    text = (Path(__file__).parents[1] / "docs" / "formats.md").read_text(encoding="utf-8")
    curve, plan = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "x.json"
    path.write_text(curve)
    assert SpeedinessCurve.load(path).to_json() == json.loads(curve)
    path.write_text(plan)
    assert SpeedPlan.load(path).to_json() == json.loads(plan)
