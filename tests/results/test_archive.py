import os
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from speediness.results.archive import curve_from_arrays, curve_to_arrays, from_bytes, to_bytes
from speediness.results.curve import Segment, SpeedinessCurve
from speediness.sampling import playback_factors


def make_curve(n_frames: int = 50, seed: int = 0) -> SpeedinessCurve:
    rng = np.random.default_rng(seed)
    times_s = np.concatenate([[0], np.cumsum(rng.uniform(0.01, 0.08, n_frames))])
    third_s = times_s[-1] / 3
    factors = playback_factors()
    return SpeedinessCurve(
        times_s=times_s[:-1],
        duration_s=float(times_s[-1]),
        factors=factors,
        normal=rng.random((len(factors), n_frames)).astype(np.float32),
        motion=rng.gamma(1, 3, n_frames).astype(np.float32),
        segments=(
            Segment(0, third_s, "slow_motion", 1 / 3, 0.1 + 0.2),
            Segment(third_s, 3 * third_s, "natural", 1, 0.9),
        ),
        cuts_s=(third_s,),
        notes=("a note", "größer"),
        made_by={"video": os.fsdecode(b"caf\xe9.mp4"), "clip": {"size_px": [64, 64], "of": None}},
    )


def assert_same_bits(first: NDArray, second: NDArray) -> None:
    assert (first.dtype, first.shape, first.tobytes()) == (second.dtype, second.shape, second.tobytes())


def assert_same_curve(first: SpeedinessCurve, second: SpeedinessCurve) -> None:
    for name in ("times_s", "normal", "motion"):
        assert_same_bits(getattr(first, name), getattr(second, name))
    for name in ("duration_s", "factors", "segments", "cuts_s", "notes", "made_by"):
        assert getattr(first, name) == getattr(second, name)


def test_arrays_of_every_kind_come_back_as_they_were() -> None:
    arrays = {
        "file": np.arange(-3, 3, dtype=np.int16),  # the name of np.savez's own argument
        "odd": np.array([np.nan, -0.0, np.inf, 1e-300]),
        "columns first": np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4)),
        "every other": np.arange(20, dtype=np.uint8)[::2],
        "none": np.empty((0, 5), bool),
        "text": np.array("eleven rates"),
    }
    found = from_bytes(to_bytes(arrays))
    assert found is not None and list(found) == list(arrays)
    for name, array in arrays.items():
        assert_same_bits(found[name], array)


def test_one_wrong_bit_anywhere_or_a_missing_end_is_noticed() -> None:
    content = to_bytes({"a": np.arange(4), "b": np.array("b")})
    assert from_bytes(content) is not None
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        assert from_bytes(bytes(damaged)) is None
        assert from_bytes(content[:at]) is None


def test_objects_are_not_pickled() -> None:
    with pytest.raises(ValueError, match="pickle"):
        to_bytes({"a": np.array([print])})


def test_a_curve_comes_back_bit_for_bit() -> None:
    curve = make_curve()
    found = from_bytes(to_bytes(curve_to_arrays(curve)))
    assert found is not None
    assert_same_curve(curve_from_arrays(found), curve)


def test_a_curve_with_nothing_but_frames_comes_back() -> None:
    curve = replace(make_curve(1), segments=(), cuts_s=(), notes=(), made_by={})
    assert_same_curve(curve_from_arrays(curve_to_arrays(curve)), curve)
