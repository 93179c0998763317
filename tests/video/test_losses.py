from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from full_video import write_full_video
from speediness.results.plan import SpeedPlan
from speediness.speedup.render import render_speedup
from speediness.video.losses import losses
from speediness.video.reader import VideoReader
from synthetic import PQ, steady, tone, write_gradient, write_video

RATE, FRAMES = 25, 20


def moving_bar(field: int) -> np.ndarray:
    """A bright bar on grey that moves four pixels a field."""
    image = np.full((96, 128, 3), 60, np.uint8)
    image[:, 8 + 4 * field % 100 :][:, :16] = 220
    return image


def woven(number: int) -> np.ndarray:
    """The upper field of a moment and the lower field of the next."""
    image = moving_bar(2 * number).copy()
    image[1::2] = moving_bar(2 * number + 1)[1::2]
    return image


def combing(luma_HW: np.ndarray) -> float:
    """How much neighbouring rows differ more than those two apart."""
    rows = luma_HW.astype(float)
    return float(np.abs(np.diff(rows, axis=0)).mean() - np.abs(rows[2:] - rows[:-2]).mean())


def write_interlaced(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(
            "libx264", rate=RATE, options={"crf": "8", "x264-params": "tff=1"}
        )
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for n in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(woven(n), format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.avi"])
def test_interlaced_frames_are_read_without_combs_at_their_own_times(tmp_path: Path, name: str) -> None:
    path = write_interlaced(tmp_path / name)
    with av.open(str(path)) as container:
        stored = [frame for frame in container.decode(video=0)]
    assert all(frame.interlaced_frame for frame in stored)
    reader = VideoReader(path)
    frames = list(reader.frames(channels=1))
    assert reader.info.interlaced and reader.warnings == []
    assert [float(after.time_s - before.time_s) for before, after in pairwise(frames)] == [
        pytest.approx(0.04, abs=1e-4)
    ] * (FRAMES - 1)
    assert combing(stored[5].to_ndarray()[:96, :128]) > 5
    assert max(combing(frame.pixels_HWC[:, :, 0]) for frame in frames) < 1
    assert any("deinterlaced" in loss for loss in losses(reader.info, path))


def test_a_plain_video_loses_nothing(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", steady(5), sound_CN=tone(0.2))
    assert losses(VideoReader(path).info, path) == ()


def test_what_is_kept_is_not_named_and_what_is_not_is(tmp_path: Path) -> None:
    full = write_full_video(tmp_path / "full.mkv", 1, sounds_CN=[tone(1), tone(1)])
    info = VideoReader(full).info
    assert losses(info, full) == ()
    bare = write_video(tmp_path / "bare.mp4", steady(25))
    assert losses(info, bare) == (
        "1 subtitle track(s) left out",
        "2 chapter(s) left out",
        "languages that this container has no room for left out: deu, eng",
        "tags left out: ARTIST, creation_time, title",
    )


def test_sound_is_named_where_it_changes(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "a.mkv", steady(5), sound_CN=tone(0.2, channels=6), sound_layout="5.1", sound_codec="aac"
    )
    info = VideoReader(path).info
    assert losses(info, path) == ("5.1 sound is mixed down to stereo",)
    assert losses(info, path, audio="mute") == losses(info, path, audio="none") == ()


@pytest.mark.parametrize(
    ("transfer", "expected"),
    [
        (16, "10 bits a channel become 8, too few for HDR: gradients may show bands"),
        (18, "10 bits a channel become 8, too few for HDR: gradients may show bands"),
        (1, "10 bits a channel become 8"),
    ],
)
def test_ten_bits_and_hdr_are_named_where_they_are_lost(
    tmp_path: Path, transfer: int, expected: str
) -> None:
    colour = (1, 9, 9, transfer)
    deep = write_video(tmp_path / "a.mp4", steady(3), pixel_format="yuv420p10le", colour=colour)
    info = VideoReader(deep).info
    assert losses(info, write_video(tmp_path / "b.mp4", steady(3))) == (
        f"{expected}; the codecs hevc and av1 keep 10",
    )
    assert losses(info, deep) == ()


def test_mastering_data_is_named(tmp_path: Path) -> None:
    path = write_gradient(tmp_path / "a.mp4", PQ, mastering=True)
    assert losses(VideoReader(path).info, path) == ("the mastering data of HDR left out",)


@pytest.mark.parametrize(
    ("size", "aspect", "shown"),
    [
        ((1440, 108), Fraction(4, 3), (1920, 108)),
        ((3840, 216), Fraction(45, 34), (3840, 163)),
        ((144, 2000), Fraction(1, 2), (72, 2000)),
    ],
)
def test_square_pixels_take_no_more_room_than_they_need(
    tmp_path: Path, size: tuple[int, int], aspect: Fraction, shown: tuple[int, int]
) -> None:
    width_px, height_px = size
    path = write_video(
        tmp_path / "a.mp4", steady(2), width_px=width_px, height_px=height_px, pixel_aspect=aspect
    )
    info = VideoReader(path).info
    assert (info.width_px, info.height_px) == shown
    assert any("became square" in loss for loss in losses(info, path))


def test_losses_are_among_what_a_render_reports(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", steady(25), pixel_format="yuv422p10le")
    plan = SpeedPlan(np.array([0.0, 1.0]), np.array([0.5, 0.5]), 2)
    report = render_speedup(path, plan, tmp_path / "fast.mp4")
    assert "10 bits a channel become 8; the codecs hevc and av1 keep 10" in report.warnings


@pytest.mark.parametrize(("name", "lost"), [("a.mkv", ()), ("a.mp4", ("1 attachment(s) left out",))])
def test_fonts_go_along_where_they_can(tmp_path: Path, name: str, lost: tuple[str, ...]) -> None:
    plain, path = write_video(tmp_path / "plain.mp4", steady(25)), tmp_path / "font.mkv"
    with av.open(str(plain)) as source, av.open(str(path), "w") as container:
        frames = container.add_stream_from_template(source.streams.video[0])
        container.add_attachment("a.ttf", "font/ttf", b"a font")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = frames
                container.mux(packet)
    plan = SpeedPlan(np.array([0.0, 1.0]), np.array([0.5, 0.5]), 2)
    assert render_speedup(path, plan, tmp_path / name).warnings == lost
    with av.open(str(tmp_path / name)) as container:
        assert [file.data for file in container.streams.attachments] == [b"a font"] * (not lost)
