import re

import numpy as np
import pytest

from speediness.live.overlay import BOTTOM, MARGIN, TOP, Overlay
from speediness.results.curve import SpeedinessCurve
from speediness.speedup.solver import plan_speedup


def corners(drawing: str) -> np.ndarray:
    (path,) = re.findall(r"\\p1\}m (.*?)\{\\p0\}", drawing)
    return np.array([float(number) for number in path.replace("l ", "").split()]).reshape(-1, 2)


def test_the_line_is_the_plan_and_the_playhead_is_where_it_plays(curve: SpeedinessCurve) -> None:
    plan = plan_speedup(curve, 2)
    overlay = Overlay(curve, plan, 1280)
    paper, area, uniform, line = map(corners, overlay.panel().splitlines())
    assert np.ptp(paper, axis=0) == pytest.approx([1280 - 2 * MARGIN, BOTTOM - TOP])
    upper, lower = np.split(line, 2)
    middle = (upper + lower[::-1]) / 2
    source_s = (middle[:, 0] - MARGIN) / (1280 - 2 * MARGIN) * 20
    # The top of the scale is a tenth above all that is drawn.
    highest = 1.1 * max(2.0, plan.factor.max(), curve.limit().max())
    factor = highest ** ((BOTTOM - middle[:, 1]) / (BOTTOM - TOP))
    assert factor == pytest.approx(np.interp(source_s, plan.times_s, plan.factor), rel=0.01)
    assert area[:, 1].min() < uniform[:, 1].mean() < area[:, 1].max()
    head, words = overlay.playhead(5.0, "adaptive 2×").splitlines()
    assert corners(head)[:, 0].mean() == pytest.approx(MARGIN + (1280 - 2 * MARGIN) / 4)
    assert f"now {plan.factor_at(5.0):.2f}×" in words
