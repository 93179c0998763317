from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from numpy.typing import NDArray

from speediness.errors import VideoError
from speediness.video.audio_reader import AudioReader
from speediness.video.reader import VideoReader
from synthetic import steady, tone, write_video

RATE = 48_000


def clicks(
    at_s: Sequence[float], duration_s: float, rate: int = RATE, channels: int = 2
) -> NDArray[np.float32]:
    sound = np.zeros((channels, round(duration_s * rate)), np.float32)
    for time_s in at_s:
        sound[:, round(time_s * rate) : round(time_s * rate) + rate // 500] = 0.8
    return sound


def heard(path: Path) -> tuple[AudioReader, NDArray[np.float32]]:
    reader = AudioReader(VideoReader(path))
    blocks = list(reader.blocks())
    assert all(block.dtype == np.float32 and block.shape[1] <= 65_536 for block in blocks)
    return reader, np.concatenate(blocks, 1)


def click_times(sound_CN: NDArray[np.float32], rate: int = RATE) -> list[float]:
    loud = np.flatnonzero(np.abs(sound_CN[0]) > 0.3)
    return [float(i) / rate for i in loud[np.diff(loud, prepend=-rate) > rate // 10]]


KINDS: dict[str, dict[str, Any]] = {
    "aac.mp4": {},
    "aac.mkv": {},
    "pcm.mkv": {"sound_codec": "pcm_s16le"},
    "pcm.avi": {"codec": "mpeg4", "sound_codec": "pcm_s16le"},
    "opus.webm": {"codec": "libvpx-vp9", "sound_codec": "libopus"},
}


@pytest.mark.parametrize("name", KINDS)
def test_clicks_are_heard_when_they_were_made(tmp_path: Path, name: str) -> None:
    at_s = [0.25, 0.75, 1.25, 1.75]
    path = write_video(tmp_path / name, steady(50), sound_CN=clicks(at_s, 2), **KINDS[name])
    reader, sound_CN = heard(path)
    assert (reader.sample_rate_hz, reader.channels) == (RATE, 2)
    np.testing.assert_allclose(click_times(sound_CN), at_s, atol=0.001)
    assert sound_CN.shape[1] / RATE == pytest.approx(2, abs=0.03)
    assert reader.warnings == []


@pytest.mark.parametrize("name", ["aac.mp4", "aac.mkv"])
def test_a_late_sound_track_starts_with_silence(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / name, steady(50), sound_CN=clicks([0.5], 1), sound_start_s=1)
    _, sound_CN = heard(path)
    np.testing.assert_allclose(click_times(sound_CN), [1.5], atol=0.001)
    assert not sound_CN[:, : round(0.95 * RATE)].any()


@pytest.mark.parametrize("name", ["aac.mp4", "pcm.mkv"])
def test_sound_before_the_first_frame_is_cut_off(tmp_path: Path, name: str) -> None:
    times_s = steady(50, 25, start_s=Fraction(1, 2))
    path = write_video(tmp_path / name, times_s, sound_CN=clicks([0.25, 1.25], 2), **KINDS[name])
    _, sound_CN = heard(path)
    np.testing.assert_allclose(click_times(sound_CN), [0.75], atol=0.001)


def _broken_sound(path: Path, pieces: Sequence[tuple[float, NDArray[np.float32]]]) -> Path:
    """A video whose sound comes in pieces with the given start times."""
    container = av.open(str(path), "w")
    frames: Any = container.add_stream("libx264", rate=25)
    frames.width, frames.height = 96, 64
    sound: Any = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
    for i in range(50):
        frame = av.VideoFrame(96, 64, "yuv420p")
        frame.pts = i
        container.mux(frames.encode(frame))
    container.mux(frames.encode(None))
    for start_s, wave in pieces:
        samples = np.ascontiguousarray((wave[:1] * 32767).astype(np.int16))
        frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
        frame.sample_rate, frame.pts = RATE, round(start_s * RATE)
        frame.time_base = Fraction(1, RATE)
        container.mux(sound.encode(frame))
    container.mux(sound.encode(None))
    container.close()
    return path


def test_a_gap_is_silence_and_what_follows_stays_in_place(tmp_path: Path) -> None:
    click = clicks([0.1], 0.3)
    path = _broken_sound(tmp_path / "gap.mkv", [(0, click), (1, click), (1.3, click)])
    _, sound_CN = heard(path)
    np.testing.assert_allclose(click_times(sound_CN), [0.1, 1.1, 1.4], atol=0.001)
    assert not sound_CN[:, round(0.31 * RATE) : round(0.99 * RATE)].any()


def test_overlapping_sound_is_dropped(tmp_path: Path) -> None:
    first, second = clicks([0.1], 0.5), clicks([0.05, 0.4], 0.6)
    path = _broken_sound(tmp_path / "overlap.mkv", [(0, first), (0.3, second)])
    _, sound_CN = heard(path)
    np.testing.assert_allclose(click_times(sound_CN), [0.1, 0.7], atol=0.001)


def test_stamps_rounded_to_milliseconds_leave_no_seams(tmp_path: Path) -> None:
    rate = 44_100
    wave = tone(2, rate_hz=rate)
    path = write_video(
        tmp_path / "film.mkv", steady(50), sound_CN=wave, sound_rate_hz=rate, sound_codec="pcm_s16le"
    )
    reader, sound_CN = heard(path)
    assert reader.sample_rate_hz == rate
    np.testing.assert_allclose(sound_CN, wave, atol=1e-4)


@pytest.mark.parametrize(("layout", "channels", "kept"), [("mono", 1, 1), ("5.1", 6, 2), ("quad", 4, 2)])
def test_wide_sound_is_mixed_down(tmp_path: Path, layout: str, channels: int, kept: int) -> None:
    wave = np.zeros((channels, RATE), np.float32)
    wave[:2] = clicks([0.5], 1, channels=1)
    path = write_video(tmp_path / "film.mp4", steady(25), sound_CN=wave, sound_layout=layout)
    reader, sound_CN = heard(path)
    assert reader.channels == sound_CN.shape[0] == kept
    peak = np.abs(sound_CN).max(1)
    assert (peak > 0.2).all() and (peak < 1.1).all()
    assert np.abs(sound_CN).argmax(1) / RATE == pytest.approx(0.5, abs=0.003)


def test_an_odd_rate_becomes_one_that_can_be_written(tmp_path: Path) -> None:
    rate = 6000
    path = write_video(
        tmp_path / "film.mkv",
        steady(25),
        sound_CN=clicks([0.25, 0.75], 1, rate),
        sound_rate_hz=rate,
        sound_codec="pcm_s16le",
    )
    reader, sound_CN = heard(path)
    assert reader.sample_rate_hz == RATE
    assert sound_CN.shape[1] == pytest.approx(RATE, abs=100)
    np.testing.assert_allclose(click_times(sound_CN), [0.25, 0.75], atol=0.002)


def test_a_silent_video_has_no_sound_to_read(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no sound"):
        AudioReader(VideoReader(write_video(tmp_path / "film.mp4", steady(5))))


def test_the_sound_of_joined_files_goes_on_with_the_frames(tmp_path: Path) -> None:
    for name, at_s in (("a", [1.0]), ("b", [0.5, 1.5])):
        write_video(tmp_path / f"{name}.ts", steady(51), sound_CN=clicks(at_s, 2))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join((tmp_path / f"{name}.ts").read_bytes() for name in "aba"))
    _, sound_CN = heard(joined)
    np.testing.assert_allclose(click_times(sound_CN), [1.0, 2.5, 3.5, 5.0], atol=0.06)


@pytest.mark.parametrize(
    ("marks", "taken"),
    [
        ([Disposition.comment, Disposition.default], 1),
        ([Disposition.comment, Disposition(0)], 1),
        ([Disposition.default, Disposition(0)], 0),
        ([Disposition(0), Disposition(0)], 0),
    ],
)
def test_of_several_tracks_the_videos_own_is_heard(
    tmp_path: Path, marks: list[Disposition], taken: int
) -> None:
    with av.open(str(tmp_path / "two.mkv"), "w") as container:
        frames: Any = container.add_stream("libx264", rate=25)
        frames.width, frames.height, frames.pix_fmt = 96, 64, "yuv420p"
        tracks: list[Any] = [container.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in marks]
        for track, mark in zip(tracks, marks, strict=True):
            track.disposition = mark
        for i in range(25):
            frame = av.VideoFrame(96, 64, "yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(frames.encode(frame))
        container.mux(frames.encode(None))
        for n, track in enumerate(tracks):
            block = np.full((1, RATE), 8000 * (n + 1), np.int16)
            wave = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            wave.sample_rate, wave.time_base, wave.pts = RATE, Fraction(1, RATE), 0
            container.mux(track.encode(wave))
            container.mux(track.encode(None))
    _, sound_CN = heard(tmp_path / "two.mkv")
    assert sound_CN[0, RATE // 2] == pytest.approx(8000 * (taken + 1) / 32768, abs=1e-3)
