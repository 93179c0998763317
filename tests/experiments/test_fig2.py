from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

from scripted_runtime import runtime_by
from speediness.clip import ClipSpec
from speediness.experiments import fig2
from speediness.experiments.fig2 import gap_at_equal_flow, speediness_against_magnitude
from speediness.runtime.network import Network
from speediness.runtime.protocol import BOUNDARY


class ReadsFlow(Network):
    """Takes the mean change of a point for speed."""

    def __init__(self) -> None:
        self.clip = ClipSpec(size_px=32)
        self.name, self.sha256 = "reads flow", "0" * 64
        self.bias, self.temperature = 0.0, 1.0

        def rule(clips: NDArray[np.uint8]) -> NDArray[np.float32]:
            return BOUNDARY + np.log(np.abs(np.diff(clips.astype(np.float32), axis=1)).mean((1, 2, 3, 4)))

        self.runtime = runtime_by(rule)


def test_who_reads_flow_ranks_like_flow_and_sees_no_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fig2, "PERSONS", 1)
    monkeypatch.setattr(fig2, "PERSON_SHARES", (0.3, 0.7))
    monkeypatch.setattr(fig2, "VIDEO_S", 4.0)
    seen: list[float] = []
    out = tmp_path / "fig2.png"
    found = speediness_against_magnitude(ReadsFlow(), out, lambda done, total: seen.append(done / total))
    assert found["pairs"] == 1 and found["person_share"] == [0.3, 0.7]
    assert found["ranked_by_network"] < 0.5 and found["ranked_by_flow"] < 0.5
    for speed in ("natural", "sped_up"):
        flow = found[speed]["flow"]
        assert flow == sorted(flow)  # nearer moves more
        assert found[speed]["speediness"] == sorted(found[speed]["speediness"])
    assert (np.array(found["sped_up"]["flow"]) > found["natural"]["flow"]).all()
    assert seen == pytest.approx([1 / 2, 1])
    assert imread(out).std() > 0.05 and list(tmp_path.iterdir()) == [out]


def test_the_gap_at_equal_flow_by_hand() -> None:
    flow = np.array([4.0, 1.0, 2.0])  # in any order
    p = np.array([0.4, 0.2, 0.3])
    assert gap_at_equal_flow((flow, p), (2 * flow, p + 0.1)) == pytest.approx(0.0)  # P rises with log flow
    assert gap_at_equal_flow((flow, p), (2 * flow, p + 0.3)) == pytest.approx(0.2)
    assert gap_at_equal_flow((flow, p), (100 * flow, p)) is None
