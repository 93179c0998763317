from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.frame import PictureType

from speediness.errors import VideoError
from speediness.video.audio_reader import AudioReader
from speediness.video.reader import Frame, VideoReader
from synthetic import numbered_frame, read_number, steady, tone, uneven, write_video

CONTAINERS: dict[str, dict[str, Any]] = {
    "film.mp4": {},
    "film.mov": {},
    "film.mkv": {},
    "film.webm": {"codec": "libvpx-vp9"},
    "film.avi": {"codec": "mpeg4"},
    "film.gif": {"codec": "gif", "pixel_format": "rgb8"},
}


def read(path: Path, **kwargs: Any) -> tuple[VideoReader, list[Frame]]:
    reader = VideoReader(path)
    return reader, list(reader.frames(**kwargs))


def numbers(frames: list[Frame]) -> list[int]:
    return [read_number(frame.pixels_HWC) for frame in frames]


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_an_avi_whose_frames_are_stored_out_of_order(tmp_path: Path, codec: str) -> None:
    """AVI stamps no frame; what FFmpeg gives for H.264 counts frames as they are stored."""
    with av.open(str(tmp_path / "b.avi"), "w") as container:
        stream: Any = container.add_stream(codec, rate=25, options={"bf": "2", "b_strategy": "0"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for i in range(50):
            frame = av.VideoFrame.from_ndarray(numbered_frame(i), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    with av.open(str(tmp_path / "b.avi")) as container:
        assert PictureType.B in {frame.pict_type for frame in container.decode(video=0)}
    reader, frames = read(tmp_path / "b.avi")
    assert numbers(frames) == list(range(50)) and not reader.warnings
    assert [frame.time_s for frame in frames] == steady(50)[:50]


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_frame_of_every_container_in_order_at_its_exact_time(tmp_path: Path, name: str) -> None:
    times_s = steady(30, 25)
    reader, frames = read(write_video(tmp_path / name, times_s, **CONTAINERS[name]))
    assert [frame.time_s for frame in frames] == times_s[:-1]
    assert numbers(frames) == list(range(30))
    assert reader.end_s == times_s[-1]
    assert reader.warnings == []
    assert (reader.info.width_px, reader.info.height_px) == (96, 64)
    assert reader.info.frame_rate == 25
    assert reader.info.duration_s == pytest.approx(1.2)
    assert not reader.info.has_audio


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_variable_frame_rate_keeps_its_times(tmp_path: Path, name: str) -> None:
    times_s = uneven(40)
    reader, frames = read(write_video(tmp_path / name, times_s))
    assert [frame.time_s for frame in frames] == times_s[:-1]
    assert numbers(frames) == list(range(40))
    assert float(reader.end_s) == pytest.approx(float(times_s[-1]), abs=0.05)


def test_gif_delays_differ(tmp_path: Path) -> None:
    times_s = [Fraction(t, 100) for t in (0, 4, 20, 24, 50, 60)]
    _, frames = read(write_video(tmp_path / "film.gif", times_s, **CONTAINERS["film.gif"]))
    assert [frame.time_s for frame in frames] == times_s[:-1]


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.ts"])
def test_a_late_start_is_taken_off(tmp_path: Path, name: str) -> None:
    reader, frames = read(write_video(tmp_path / name, steady(10, 25, start_s=1000)))
    assert [frame.time_s for frame in frames] == steady(10)[:-1]
    assert reader.start_s >= 1000
    assert reader.end_s == Fraction(10, 25)
    assert reader.warnings == []


def test_b_frames_come_in_order_of_presentation(tmp_path: Path) -> None:
    container = av.open(str(tmp_path / "b.mp4"), "w")
    stream: Any = container.add_stream("libx264", rate=25, options={"bf": "3", "crf": "12"})
    stream.width, stream.height = 96, 64
    for i in range(30):
        container.mux(stream.encode(av.VideoFrame.from_ndarray(numbered_frame(i), "rgb24")))
    container.mux(stream.encode(None))
    container.close()
    reader, frames = read(tmp_path / "b.mp4")
    assert numbers(frames) == list(range(30))
    assert [frame.time_s for frame in frames] == steady(30)[:-1]
    assert reader.end_s == Fraction(30, 25)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_rotated_video_is_shown_upright(tmp_path: Path, turns: int) -> None:
    def stored(i: int) -> np.ndarray:
        return np.ascontiguousarray(np.rot90(numbered_frame(i), -turns))

    height_px, width_px = stored(0).shape[:2]
    path = write_video(
        tmp_path / "film.mp4",
        steady(5),
        width_px=width_px,
        height_px=height_px,
        draw_frame=stored,
        rotate_deg=90 * turns,
    )
    reader, frames = read(path, short_side_px=48)
    assert numbers(frames) == list(range(5))
    assert frames[0].pixels_HWC.shape == (48, 72, 3)
    assert (reader.info.width_px, reader.info.height_px) == (96, 64)
    assert reader.info.rotation_deg == (360 - 90 * turns) % 360


def test_a_mirrored_video_is_mirrored_back(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "film.mp4",
        steady(5),
        draw_frame=lambda i: np.ascontiguousarray(numbered_frame(i)[:, ::-1]),
        mirrored=True,
    )
    assert numbers(read(path)[1]) == list(range(5))


def test_odd_sizes_and_other_formats(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "odd.mp4", steady(4), width_px=97, height_px=65, pixel_format="yuv444p10le"
    )
    reader, frames = read(path)
    assert frames[0].pixels_HWC.shape == (65, 97, 3)
    assert reader.info.bit_depth == 10
    assert reader.info.pixel_format == "yuv444p10le"
    assert numbers(frames) == list(range(4))


@pytest.mark.parametrize(
    ("aspect", "size"),
    [(Fraction(4, 3), (128, 64)), (Fraction(1, 2), (96, 128)), (Fraction(200), (96, 64))],
)
def test_pixels_are_made_square(tmp_path: Path, aspect: Fraction, size: tuple[int, int]) -> None:
    reader, frames = read(write_video(tmp_path / "film.mkv", steady(3), pixel_aspect=aspect))
    assert (reader.info.width_px, reader.info.height_px) == size
    assert frames[0].pixels_HWC.shape[1::-1] == size
    assert numbers(frames) == list(range(3))


@pytest.mark.parametrize(
    ("short", "shape"), [(32, (32, 48)), (1, (1, 2)), (128, (128, 192)), (21, (21, 32))]
)
def test_the_short_side_is_scaled_and_nothing_is_distorted(
    tmp_path: Path, short: int, shape: tuple[int, int]
) -> None:
    _, frames = read(write_video(tmp_path / "film.mp4", steady(2)), short_side_px=short)
    assert frames[0].pixels_HWC.shape[:2] == shape


def test_a_sliver_keeps_at_least_one_pixel(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "film.mp4",
        steady(2),
        width_px=400,
        height_px=2,
        draw_frame=lambda i: np.zeros((2, 400, 3), np.uint8),
    )
    assert read(path, short_side_px=1)[1][0].pixels_HWC.shape == (1, 200, 3)


@pytest.mark.parametrize("colour", [None, (1, 1, 1, 1), (2, 1, 1, 1)])
@pytest.mark.parametrize("level", [0, 255])
def test_luma_is_full_range(tmp_path: Path, level: int, colour: tuple[int, int, int, int] | None) -> None:
    path = write_video(
        tmp_path / "film.mp4",
        steady(2),
        draw_frame=lambda i: np.full((64, 96, 3), level, np.uint8),
        colour=colour,
    )
    reader, frames = read(path, channels=1)
    assert frames[0].pixels_HWC.shape == (64, 96, 1)
    assert abs(int(np.median(frames[0].pixels_HWC)) - level) <= 1
    if colour is not None:
        tags = reader.info.colour
        assert (tags.range, tags.matrix, tags.primaries, tags.transfer) == colour


def test_decoded_gives_stored_frames_at_the_same_times(tmp_path: Path) -> None:
    times_s = uneven(12)
    path = write_video(tmp_path / "film.mp4", times_s, pixel_format="yuv420p10le", rotate_deg=90)
    decoded = list(VideoReader(path).decoded())
    assert [time_s for time_s, _ in decoded] == times_s[:-1]
    assert {(f.width, f.height, f.format.name) for _, f in decoded} == {(96, 64, "yuv420p10le")}


def test_sound_is_described(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", steady(25), sound_CN=tone(1, channels=6), sound_layout="5.1")
    info = VideoReader(path).info
    assert (info.has_audio, info.audio_rate_hz, info.audio_channels, info.audio_layout) == (
        True,
        48_000,
        6,
        "5.1",
    )


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.webm"])
def test_a_truncated_video_is_read_up_to_the_break(tmp_path: Path, name: str) -> None:
    whole = write_video(
        tmp_path / name,
        steady(100),
        options={"movflags": "+faststart"} if name.endswith("mp4") else None,
        **CONTAINERS[name],
    )
    data = whole.read_bytes()
    cut = tmp_path / ("cut-" + name)
    cut.write_bytes(data[: len(data) * 6 // 10])
    reader, frames = read(cut)
    assert 10 < len(frames) < 90
    assert numbers(frames) == list(range(len(frames)))
    for _ in range(2):  # a second pass says the same, once
        assert len([w for w in reader.warnings if "cut short" in w]) == 1
        assert any(f"{float(reader.end_s):.2f} s" in warning for warning in reader.warnings)
        list(reader.frames())


def test_damage_in_the_middle_is_skipped_and_named(tmp_path: Path) -> None:
    data = bytearray(write_video(tmp_path / "film.mp4", steady(100)).read_bytes())
    middle = data.index(b"mdat") + 4000
    data[middle : middle + 1500] = b"\x55" * 1500
    (tmp_path / "hurt.mp4").write_bytes(data)
    reader, frames = read(tmp_path / "hurt.mp4")
    assert len(frames) > 50
    assert all(a.time_s < b.time_s for a, b in pairwise(frames))
    assert any("damaged" in warning for warning in reader.warnings)


def test_a_damaged_duration_tag_promises_nothing(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mkv", steady(6))
    content = path.read_bytes()
    assert content.count(b"00:00:00.240000000") == 1
    path.write_bytes(content.replace(b"00:00:00.240000000", b"00-00-00-240000000"))
    _, frames = read(path)
    assert len(frames) == 6


def test_reading_can_be_given_up(tmp_path: Path) -> None:
    reader = VideoReader(write_video(tmp_path / "film.mp4", steady(10)))
    first = next(reader.frames())
    assert first.time_s == 0
    assert reader.end_s == Fraction(1, 25)
    assert len(list(reader.frames())) == 10


def _sound_only(path: Path, cover: bool) -> Path:
    container = av.open(str(path), "w")
    sound: Any = container.add_stream("aac", rate=48_000, layout="mono")
    if cover:
        frame: Any = container.add_stream("mjpeg", rate=1)
        frame.width, frame.height, frame.pix_fmt = 96, 64, "yuvj420p"
        frame.disposition = Disposition.attached_pic
        still = av.VideoFrame.from_ndarray(numbered_frame(0), "rgb24").reformat(format="yuvj420p")
        still.pts = 0
        container.mux(frame.encode(still))
    frame = av.AudioFrame.from_ndarray(tone(1, channels=1), "fltp", "mono")
    frame.sample_rate = 48_000
    container.mux(sound.encode(frame))
    container.mux(sound.encode(None))
    container.close()
    return path


def _refused(folder: Path) -> dict[str, Path]:
    whole = write_video(folder / "whole.mp4", steady(20)).read_bytes()
    contents = {
        "empty.mp4": b"",
        "text.txt": b"once upon a time\n" * 50,
        "text.mp4": b"once upon a time\n" * 50,
        "index-lost.mp4": whole[: len(whole) // 2],
        "header.mp4": whole[:24],
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    still = av.open(str(folder / "still.png"), "w", format="image2")
    stream: Any = still.add_stream("png", rate=1)
    stream.width, stream.height, stream.pix_fmt = 96, 64, "rgb24"
    still.mux(stream.encode(av.VideoFrame.from_ndarray(numbered_frame(0), "rgb24")))
    still.close()
    return {
        "does not exist": folder / "missing.mp4",
        "is a folder": folder,
        "is empty": folder / "empty.mp4",
        "a text or a still": folder / "text.txt",
        "still image": folder / "still.png",
        "not a video": folder / "text.mp4",
        "cut short beyond use": folder / "index-lost.mp4",
        "damaged": folder / "header.mp4",
        "no video stream": _sound_only(folder / "sound.m4a", cover=False),
        "cover art": _sound_only(folder / "cover.mp4", cover=True),
    }


def test_what_is_no_video_is_refused_in_one_clear_line(tmp_path: Path) -> None:
    for words, path in _refused(tmp_path).items():
        with pytest.raises(VideoError, match=words) as refusal:
            VideoReader(path)
        assert str(path) in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_frames_that_cannot_be_decoded_are_refused(tmp_path: Path) -> None:
    data = bytearray(write_video(tmp_path / "film.mp4", steady(20)).read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[start:end] = bytes(end - start)
    (tmp_path / "hollow.mp4").write_bytes(data)
    with pytest.raises(VideoError, match="no frame can be decoded"):
        VideoReader(tmp_path / "hollow.mp4")


def test_bad_arguments_are_refused(tmp_path: Path) -> None:
    reader = VideoReader(str(write_video(tmp_path / "film.mp4", steady(2))))
    with pytest.raises(ValueError, match="channels"):
        next(reader.frames(channels=2))
    with pytest.raises(ValueError, match="short_side_px"):
        next(reader.frames(short_side_px=0))


def transport_stream(path: Path, start_s: int) -> bytes:
    write_video(path, steady(50, start_s=start_s), sound_CN=tone(2), sound_start_s=start_s)
    return path.read_bytes()


@pytest.mark.parametrize("starts_s", [(0, 90_000), (90_000, 0), (10, 3600)])
def test_transport_streams_put_one_behind_the_other(tmp_path: Path, starts_s: tuple[int, int]) -> None:
    parts = [transport_stream(tmp_path / f"{start_s}.ts", start_s) for start_s in starts_s]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(parts))
    reader, frames = read(path)
    assert numbers(frames) == [*range(50), *range(50)]
    assert frames[-1].time_s - frames[0].time_s == pytest.approx(3.96, abs=0.05)
    assert float(reader.end_s) == pytest.approx(4, abs=0.05)
    assert reader.info.duration_s is None or reader.info.duration_s < 10
    (note,) = reader.warnings
    assert "the parts were joined" in note and "2.0" in note
    sound = AudioReader(reader)
    samples = sum(block.shape[1] for block in sound.blocks())
    assert samples / sound.sample_rate_hz == pytest.approx(4, abs=0.1)


def test_sound_that_pauses_while_the_frames_go_on_keeps_its_place(tmp_path: Path) -> None:
    sound = np.concatenate([tone(1), np.zeros((2, 12 * 48_000), np.float32), tone(1)], 1)
    path = write_video(tmp_path / "a.ts", steady(14 * 5, 5), sound_CN=sound)
    reader = AudioReader(VideoReader(path))
    heard = np.concatenate(list(reader.blocks()), 1)
    assert np.abs(heard[:, int(2.5 * 48_000) : 12 * 48_000]).max() < 0.01
    assert np.abs(heard[:, int(13.2 * 48_000) : int(13.8 * 48_000)]).max() > 0.3
