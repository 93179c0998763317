from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

from scripted_runtime import runtime_by
from speediness.analysis.network import Network
from speediness.clip import ClipSpec
from speediness.reproduce import fig2
from speediness.reproduce.fig2 import gap_at_equal_flow, speediness_against_magnitude


class ReadsFlow(Network):
    """Takes the mean change of a point for flow, and flow for speed."""

    def __init__(self) -> None:
        self.clip = ClipSpec(size_px=32)
        self.name, self.sha256 = "reads flow", "0" * 64
        self.bias, self.temperature = 0.0, 1.0

        def runtime(
            clips: NDArray[np.uint8], intervals: NDArray[np.float32]
        ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            flow = np.abs(np.diff(clips.astype(np.float32), axis=1)).mean((1, 2, 3, 4))
            score = np.log(flow)
            return np.stack([-score / 2, score / 2], 1), np.stack([flow, flow], 1)

        self.runtime = runtime_by(runtime)


def test_who_reads_flow_ranks_like_flow_and_sees_no_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fig2, "PERSONS", 1)
    monkeypatch.setattr(fig2, "PERSON_SHARES", (0.3, 0.45, 0.7))
    monkeypatch.setattr(fig2, "VIDEO_S", 4.0)
    seen: list[float] = []
    out = tmp_path / "fig2.png"
    found = speediness_against_magnitude(ReadsFlow(), out, lambda done, total: seen.append(done / total))
    assert found["pairs"] == 3 and found["person_share"] == [0.3, 0.45, 0.7]
    assert found["ranked_by_network"] == found["ranked_by_flow"] < 0.5
    assert abs(found["gap_at_equal_flow"]) < 0.02
    for speed in ("natural", "sped_up"):
        flow = found[speed]["flow"]
        assert flow == sorted(flow)  # nearer moves more
        np.testing.assert_allclose(
            found[speed]["speediness"], np.array(flow) / (1 + np.array(flow)), atol=0.02
        )
    assert (np.array(found["sped_up"]["flow"]) > found["natural"]["flow"]).all()
    assert seen == pytest.approx([1 / 3, 2 / 3, 1])
    assert imread(out).std() > 0.05 and list(tmp_path.iterdir()) == [out]


def test_the_gap_at_equal_flow_by_hand() -> None:
    flow = np.array([4.0, 1.0, 2.0])  # in any order
    p = np.array([0.4, 0.2, 0.3])
    assert gap_at_equal_flow((flow, p), (2 * flow, p + 0.1)) == pytest.approx(0.0)  # P rises with log flow
    assert gap_at_equal_flow((flow, p), (2 * flow, p + 0.3)) == pytest.approx(0.2)
    assert gap_at_equal_flow((flow, p), (100 * flow, p)) is None
