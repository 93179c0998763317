from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from speediness.analysis.analyse import analyse
from speediness.errors import VideoError
from speediness.experiments.fig4 import COLOURS, prediction_curves
from speediness.runtime.network import load_network
from synthetic import steady, write_video


def test_curves_are_those_of_the_product_at_exactly_1x_and_2x(tmp_path: Path) -> None:
    videos = [
        write_video(tmp_path / "first.mp4", steady(30, 25)),
        write_video(tmp_path / "second.mp4", steady(45, 30)),
    ]
    network, seen = load_network(), []
    found = prediction_curves(videos, network, tmp_path / "a.png", lambda done, n: seen.append((done, n)))
    assert [Path(video["video"]).name for video in found["films"]] == ["first.mp4", "second.mp4"]
    curve = analyse(videos[1], network=network, factors=(1.0, 2.0))
    at_1x, at_2x = 1 - curve.normal
    # Frames of a steady video count alike.
    assert found["films"][1]["mean_1x"] == pytest.approx(at_1x.mean(), abs=1e-4)
    assert found["films"][1]["mean_2x"] == pytest.approx(at_2x.mean(), abs=1e-4)
    assert found["films"][1]["ranked_right"] == pytest.approx((at_2x > at_1x).mean(), abs=1e-4)
    assert seen == sorted(seen) and seen[-1][0] == pytest.approx(2, abs=0.1) and seen[-1][1] == 2
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).reshape(-1, 3)
    for colour in COLOURS:
        assert (pixels == tuple(bytes.fromhex(colour[1:]))).all(1).sum() > 500


def test_a_video_that_cannot_be_read_leaves_no_frame(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"")
    with pytest.raises(VideoError):
        prediction_curves([broken], load_network(), tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
