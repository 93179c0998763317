from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from speediness.video import thumbnails as module
from speediness.video.reader import VideoReader
from speediness.video.thumbnails import Thumbnail, thumbnails
from synthetic import numbered_frame, read_number, steady, uneven, write_video

SIZE_PX = (96, 64)


def row(path: Path, duration_s: float, most: int = 8) -> list[Thumbnail]:
    return thumbnails(VideoReader(path), duration_s, most, SIZE_PX)


def coded(path: Path, gop: int, n_frames: int = 200) -> Path:
    """A numbered video of 25 frames a second with a key frame every so often and B frames between."""
    with av.open(str(path), "w") as container:
        options = {"crf": "12", "bf": "2", "b-pyramid": "none", "sc_threshold": "0", "keyint_min": str(gop)}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 96, 64, "yuv420p", gop
        for n in range(n_frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered_frame(n), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_a_small_video_shows_the_middles_of_equal_stretches(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", steady(200, 25))
    for k, thumbnail in enumerate(found := row(path, 8.0)):
        assert thumbnail.pixels_HWC.shape == (64, 96, 3)
        assert thumbnail.time_s == pytest.approx(k + 0.5, abs=0.04)
        assert read_number(thumbnail.pixels_HWC) == round(thumbnail.time_s * 25)
    assert len(found) == 8


@pytest.mark.parametrize(("gop", "afforded", "stretches"), [(10, 8, 8), (60, 150, 8), (60, 40, 5)])
def test_a_large_video_is_entered_at_key_frames_as_often_as_can_be_afforded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gop: int, afforded: int, stretches: int
) -> None:
    """Every image is of the moment it claims and lies in its stretch; little is decoded for it."""
    path = coded(tmp_path / "a.mp4", gop)
    monkeypatch.setattr(module, "AFFORDED_PX", afforded * module.REFERENCED * 96 * 64)
    decoded = 0
    reference_frames = VideoReader.reference_frames

    def counted(self, keyframe):
        nonlocal decoded
        for frame in reference_frames(self, keyframe):
            decoded += 1
            yield frame

    monkeypatch.setattr(VideoReader, "reference_frames", counted)
    found = row(path, 8.0)
    assert len(found) == stretches
    for k, thumbnail in enumerate(found):
        assert k * 8 / stretches <= thumbnail.time_s < (k + 1) * 8 / stretches
        assert read_number(thumbnail.pixels_HWC) == round(thumbnail.time_s * 25)
    assert decoded <= afforded * 0.6 + stretches


def test_a_large_video_with_one_key_frame_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = coded(tmp_path / "a.mp4", 1000)
    monkeypatch.setattr(module, "AFFORDED_PX", 20 * 96 * 64)
    assert row(path, 8.0) == []


def test_a_large_video_without_index_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.avi", steady(50, 25), codec="mpeg4")
    assert len(row(path, 2.0)) == 8
    monkeypatch.setattr(module, "AFFORDED_PX", 10 * 96 * 64)
    assert row(path, 2.0) == []


def test_a_image_that_stands_still_is_shown_as_long_as_it_stands(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [Fraction(0), Fraction(1), Fraction(8)])
    assert [read_number(t.pixels_HWC) for t in row(path, 8.0)] == [0] + [1] * 7
    assert [round(t.time_s, 2) for t in row(path, 8.0)][2:] == [2.5, 3.5, 4.5, 5.5, 6.5, 7.5]


def test_uneven_times_and_turned_images(tmp_path: Path) -> None:
    times_s = uneven(100)
    path = write_video(tmp_path / "a.mp4", times_s, width_px=64, height_px=96, rotate_deg=90)
    reader = VideoReader(path)
    assert (reader.info.width_px, reader.info.height_px) == SIZE_PX
    for thumbnail in thumbnails(reader, float(times_s[-1]), 5, SIZE_PX):
        assert thumbnail.pixels_HWC.shape == (64, 96, 3)
        assert min(abs(float(time_s) - thumbnail.time_s) for time_s in times_s) < 1e-3


def test_it_is_the_whole_image(tmp_path: Path) -> None:
    corners = np.zeros((64, 96, 3), np.uint8)
    corners[:32, :48], corners[32:, 48:] = (200, 0, 0), (0, 0, 200)
    path = write_video(tmp_path / "a.mp4", steady(5), draw_frame=lambda n: corners)
    (only,) = thumbnails(VideoReader(path), 0.2, 1, (24, 16))
    assert (
        only.pixels_HWC[2, 2, 0] > 150
        and only.pixels_HWC[-2, -2, 2] > 150
        and only.pixels_HWC[2, -2].max() < 60
    )
