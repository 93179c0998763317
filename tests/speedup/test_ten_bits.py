from pathlib import Path

import numpy as np
import pytest

from speediness.results.plan import SpeedPlan
from speediness.speedup.render import render_speedup
from speediness.video.coding import Coding
from speediness.video.info import ColourTags
from speediness.video.reader import VideoReader
from speediness.video.yuv420 import planes
from synthetic import HLG, PQ, write_gradient


@pytest.mark.parametrize(("name", "blend"), [("out.mp4", False), ("out.mkv", True)])
@pytest.mark.parametrize("codec", ["hevc", "av1"])
@pytest.mark.parametrize("colour", [PQ, HLG, (1, 1, 1, 1)])
def test_ten_bits_and_hdr_are_kept(
    tmp_path: Path, codec: str, name: str, blend: bool, colour: tuple[int, int, int, int]
) -> None:
    video, out = write_gradient(tmp_path / "film.mp4", colour), tmp_path / name
    plan = SpeedPlan(np.array([0.0, 1.0]), np.array([0.5, 0.5]), 2)
    report = render_speedup(video, plan, out, coding=Coding(codec), blend=blend)
    reader = VideoReader(out)
    assert reader.info.pixel_format == "yuv420p10le" and not report.warnings
    assert reader.info.colour == VideoReader(video).info.colour == ColourTags(*colour)
    luma_HW = planes(next(reader.decoded())[1])[0]
    assert len(np.unique(luma_HW[32])) > 512
    np.testing.assert_allclose(luma_HW, np.tile(np.arange(64, 704), (64, 1)), atol=6)
