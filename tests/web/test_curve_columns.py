from __future__ import annotations

import json

import numpy as np
import pytest

from speediness.web.curve_columns import COLUMNS, curve_columns
from web_site import made_up_curve


def test_every_peak_of_a_long_video_is_kept() -> None:
    curve = made_up_curve(600)
    view = curve_columns(curve, 100)
    frames = len(curve.times_s)
    starts = [round(frames * column / 100) for column in range(100)]
    for column, (start, end) in enumerate(zip(starts, [*starts[1:], frames], strict=True)):
        score = curve.sped_up[start:end]
        assert view["times_s"][column] == pytest.approx(curve.times_s[start], abs=6e-4)
        assert view["score"]["low"][column] == pytest.approx(score.min(), abs=6e-4)
        assert view["score"]["mean"][column] == pytest.approx(score.mean(), abs=6e-4)
        assert view["score"]["high"][column] == pytest.approx(score.max(), abs=6e-4)
        limit = curve.limit()[start:end]
        assert view["limit"][column] == pytest.approx(limit.mean(), abs=6e-4)


def test_a_short_video_is_given_frame_by_frame() -> None:
    curve = made_up_curve(3)
    view = curve_columns(curve)
    np.testing.assert_allclose(view["times_s"], curve.times_s, atol=6e-4)
    assert view["score"]["low"] == view["score"]["high"]


def test_an_hour_is_a_small_document() -> None:
    view = curve_columns(made_up_curve(3600))
    assert view["frames"] == 90_000 and len(view["times_s"]) == COLUMNS <= 2000
    assert len(json.dumps(view)) < 200_000
