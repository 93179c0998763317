from __future__ import annotations

import json
import re
import tracemalloc
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speediness.errors import DataError
from speediness.results.curve import Segment, SpeedinessCurve
from speediness.sampling import playback_factors


def make_curve(n_frames: int = 40, seed: int = 0) -> SpeedinessCurve:
    """Unevenly timed frames with arbitrary scores."""
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


def edit(path: Path, **changes: Any) -> None:
    document = json.loads(path.read_text())
    document.update(changes)
    path.write_text(json.dumps(document))


def document_of(curve: SpeedinessCurve) -> dict[str, Any]:
    """The document the obvious way, all at once."""

    def rounded(values: np.ndarray, digits: int) -> list[float]:
        return np.round(values.astype(np.float64), digits).tolist()

    return curve.outline() | {
        "times_s": curve.times_s.tolist(),
        "sped_up": rounded(curve.sped_up, 4),
        "limit": rounded(curve.limit(), 6),
        "motion": rounded(curve.motion, 4),
        "curves": [
            {"factor": factor, "normal": rounded(row, 4)}
            for factor, row in zip(curve.factors, curve.normal, strict=True)
        ],
    }


@pytest.mark.parametrize("n_frames", [40, 4095, 4096, 4097, 10_000])
def test_a_document_written_in_pieces_is_the_one_written_at_once(tmp_path: Path, n_frames: int):
    curve = make_curve(n_frames)
    curve.save(tmp_path / "c.json")
    assert (tmp_path / "c.json").read_text(encoding="utf-8") == json.dumps(document_of(curve)) + "\n"


def test_limit_is_the_factor_up_to_which_all_pass():
    curve = make_curve()
    for rho in (0.1, 0.5, 0.9):
        slow = []
        for frame in range(len(curve.times_s)):
            passing = takewhile(bool, curve.normal[:, frame] >= rho)
            slow.append(curve.factors[max(sum(1 for _ in passing) - 1, 0)])
        assert curve.limit(rho).tolist() == slow


def test_limit_is_one_where_not_even_the_video_itself_passes():
    curve = replace(make_curve(), normal=np.full((11, 40), 0.3))
    assert curve.limit(0.5).tolist() == [1.0] * 40


def test_threshold_itself_passes():
    curve = replace(make_curve(), normal=np.full((11, 40), 0.3))
    assert curve.limit(0.3).tolist() == [curve.factors[-1]] * 40
    assert curve.speediness(0.3).tolist() == [1.0] * 40  # V is the same everywhere


def test_the_speediness_curve_is_one_where_v_is_lowest_and_zero_where_it_is_highest() -> None:
    curve = make_curve()
    limit, found = curve.limit(0.5), curve.speediness(0.5)
    low, high = min(limit), max(limit)
    assert found.tolist() == pytest.approx([1 - (v - low) / (high - low) for v in limit])
    assert found[limit.argmin()] == 1 and found[limit.argmax()] == 0


def test_frame_lengths_fill_the_video():
    curve = make_curve()
    assert curve.frame_lengths_s.shape == curve.times_s.shape
    assert curve.frame_lengths_s.sum() == pytest.approx(curve.duration_s, rel=1e-12)


def test_still_only_when_nothing_moves_anywhere():
    motion, normal = np.full(40, 0.01, np.float32), np.full((11, 40), 0.6, np.float32)
    still = replace(make_curve(), motion=motion, normal=normal)
    assert still.is_still
    motion[7] = 0.5
    assert not replace(still, motion=motion).is_still


def test_something_small_that_is_scored_is_not_still():
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
def test_segment_refuses_what_no_video_can_hold(values: tuple[Any, ...]):
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


@pytest.mark.parametrize("name", list(document_of(make_curve())))
def test_curve_without_a_field(tmp_path: Path, name: str):
    path = tmp_path / "c.json"
    curve = make_curve()
    document = document_of(curve)
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
    document = document_of(curve)
    document["invented_later"] = 1
    document["segments"][0]["invented_later"] = 1
    document["curves"][0]["invented_later"] = 1
    path.write_text(json.dumps(document))
    assert SpeedinessCurve.load(path).segments == curve.segments


def test_another_schema_is_named(tmp_path: Path):
    path = tmp_path / "c.json"
    make_curve().save(path)
    edit(path, schema="speediness.plan/1")
    with pytest.raises(DataError, match=r"speediness\.plan/1.*speediness\.curve/1"):
        SpeedinessCurve.load(path)


def test_saving_a_long_video_takes_no_more_memory_than_a_row_of_it(tmp_path: Path):
    n_frames = 30_000
    curve = make_curve(n_frames)
    tracemalloc.start()
    curve.save(tmp_path / "c.json")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 8 * n_frames  # as lists of numbers the document is 15 * 32 bytes a frame


def test_example_in_the_documentation_is_what_is_written(tmp_path: Path):
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    example = re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0]
    path = tmp_path / "x.json"
    path.write_text(example)
    SpeedinessCurve.load(path).save(path)
    assert json.loads(path.read_text()) == json.loads(example)
