from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from speediness.errors import VideoError
from speediness.video.reader import VideoReader
from speediness.video.resume_point import ResumePoint
from synthetic import Image, numbered_frame, steady, uneven, write_video

N_FRAMES = 200
TEXTURE = np.random.default_rng(0).integers(0, 255, (16, 96, 3), np.uint8)
X264 = "libx264"
QUICK = {X264: {"preset": "superfast"}, "libx265": {"preset": "superfast"}}
OPEN_264 = "open-gop=1:bframes=5:b-pyramid=normal:ref=5:keyint=25:min-keyint=25:scenecut=0"
OPEN_265 = "open-gop=1:bframes=4:keyint=25:min-keyint=25:log-level=none"

# File name: times, codec and its options, whether a seek can be trusted.
VIDEOS: dict[str, tuple[list[Fraction], str, dict[str, str], bool]] = {
    "closed.mp4": (steady(N_FRAMES), X264, {"bf": "3", "g": "25"}, True),
    "open.mp4": (steady(N_FRAMES), X264, {"x264-params": OPEN_264}, True),
    "open.mkv": (steady(N_FRAMES), X264, {"x264-params": OPEN_264}, True),
    "long-groups.mp4": (steady(N_FRAMES), X264, {"bf": "3", "g": "90"}, True),
    "one-group.mp4": (steady(N_FRAMES), X264, {"bf": "3", "g": "999"}, False),
    "no-key-frames.mp4": (steady(N_FRAMES), X264, {"x264-params": "intra-refresh=1:keyint=50"}, False),
    "open-265.mp4": (steady(N_FRAMES), "libx265", {"x265-params": OPEN_265}, True),
    "vp9.webm": (
        steady(N_FRAMES),
        "libvpx-vp9",
        {"g": "25", "deadline": "realtime", "cpu-used": "8"},
        True,
    ),
    "hidden-frames.webm": (steady(N_FRAMES), "libvpx", {"g": "25", "auto-alt-ref": "1"}, True),
    "uneven.mp4": (uneven(N_FRAMES), X264, {"bf": "3", "g": "25"}, True),
    "uneven.mkv": (uneven(N_FRAMES), X264, {"bf": "3", "g": "25"}, True),
    "late.mp4": (steady(N_FRAMES, 25, 1000), X264, {"bf": "3", "g": "25"}, True),
    "late.mkv": (steady(N_FRAMES, 25, 1000), X264, {"bf": "3", "g": "25"}, True),
    "no-index.ts": (steady(N_FRAMES), X264, {"bf": "3", "g": "25"}, False),
    "no-stamps.avi": (steady(N_FRAMES), "mpeg4", {"g": "12"}, False),
    "differences.gif": (steady(N_FRAMES), "gif", {}, False),
}


class CountingReader(VideoReader):
    """Counts the frames that are decoded."""

    n_decoded = 0

    def _frames(self, packets: Iterable[av.Packet]) -> Iterator[av.VideoFrame]:
        for frame in super()._frames(packets):
            self.n_decoded += 1
            yield frame


def textured(number: int) -> Image:
    frame = numbered_frame(number)
    frame[48:] = np.roll(TEXTURE, 3 * number, 1)
    return frame


def encode(
    path: Path,
    times_s: list[Fraction],
    codec: str,
    coding: dict[str, str],
    options: dict[str, str] | None = None,
) -> Path:
    """Unlike ``write_video``, with the encoder told how to group frames."""
    container = av.open(str(path), "w", options=options or {})
    stream: Any = container.add_stream(codec, rate=25, options=QUICK.get(codec, {}) | coding)
    stream.width, stream.height, stream.pix_fmt = 96, 64, "rgb8" if codec == "gif" else "yuv420p"
    tick_s = Fraction(1, {".avi": 25, ".gif": 100}.get(path.suffix, 90_000))
    stream.codec_context.time_base = tick_s
    for number, time_s in enumerate(times_s[:-1]):
        frame = av.VideoFrame.from_ndarray(textured(number), "rgb24").reformat(format=stream.pix_fmt)
        frame.time_base, frame.pts = tick_s, round(time_s / tick_s)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
    container.close()
    return path


def listed(reader: VideoReader, after: ResumePoint | None = None) -> list[tuple[Fraction, bytes]]:
    """Time and fingerprint of every frame."""
    return [
        (time_s, hashlib.sha256(frame.to_ndarray().tobytes()).digest())
        for time_s, frame in reader.decoded(after)
    ]


def hold_to_a_full_pass(path: Path, step: int = 23) -> list[int]:
    """Go on after many places; returns how many frames were decoded for nothing at each."""
    reader = CountingReader(path)
    full, end_s, warnings = listed(reader), reader.end_s, list(reader.warnings)
    in_vain = []
    for n in [*range(1, len(full), step), len(full)]:
        reader.n_decoded = 0
        rest = listed(reader, ResumePoint(full[n - 1][0], n))
        assert rest == full[n:], n
        assert (reader.end_s, reader.warnings) == (end_s, warnings)
        in_vain.append(reader.n_decoded - len(rest))
    return in_vain


@pytest.mark.parametrize("name", VIDEOS)
def test_going_on_gives_what_a_pass_from_the_start_gives(tmp_path: Path, name: str) -> None:
    times_s, codec, options, seeks = VIDEOS[name]
    in_vain = hold_to_a_full_pass(encode(tmp_path / name, times_s, codec, options))
    assert (in_vain[-1] < N_FRAMES) == seeks


def test_what_lies_before_the_key_frame_is_not_decoded(tmp_path: Path) -> None:
    path = encode(tmp_path / "film.mp4", steady(900), X264, {"bf": "3", "g": "25"})
    in_vain = hold_to_a_full_pass(path, step=200)
    assert max(in_vain) <= 4 * 25  # two seconds of margin, the group they begin in, the one of the place


def test_frames_go_on_too(tmp_path: Path) -> None:
    times_s = steady(N_FRAMES)
    reader = VideoReader(encode(tmp_path / "film.mp4", times_s, X264, {"bf": "3", "g": "25"}))
    full = [frame.pixels_HWC for frame in reader.frames(32, 1)]
    rest = list(reader.frames(32, 1, after=ResumePoint(times_s[149], 150)))
    assert [frame.time_s for frame in rest] == times_s[150:-1]
    assert all(np.array_equal(a.pixels_HWC, b) for a, b in zip(rest, full[150:], strict=True))


def test_a_video_that_is_cut_short_still_says_so(tmp_path: Path) -> None:
    index_first = {"movflags": "+faststart"}
    whole = encode(tmp_path / "film.mp4", steady(N_FRAMES), X264, {"g": "25"}, index_first).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 8 // 10])
    in_vain = hold_to_a_full_pass(tmp_path / "cut.mp4")
    assert in_vain[5] < 100  # of 116 frames before


@pytest.mark.parametrize("where", [0.3, 0.8])
def test_damage_is_told_of_again(tmp_path: Path, where: float) -> None:
    data = bytearray(encode(tmp_path / "film.mp4", steady(N_FRAMES), X264, {"g": "25"}).read_bytes())
    at = data.index(b"mdat") + int(where * (len(data) - 8000))
    data[at : at + 3000] = b"\x55" * 3000
    (tmp_path / "hurt.mp4").write_bytes(data)
    reader = VideoReader(tmp_path / "hurt.mp4")
    full = listed(reader)
    assert reader.warnings
    for n in range(1, len(full), 49):
        assert listed(reader, ResumePoint(full[n - 1][0], n)) == full[n:]


def test_a_video_with_frames_left_out_is_read_from_the_start(tmp_path: Path) -> None:
    source = av.open(str(encode(tmp_path / "film.mkv", steady(N_FRAMES), X264, {"g": "25", "bf": "0"})))
    doubled = av.open(str(tmp_path / "doubled.mkv"), "w")
    track = doubled.add_stream_from_template(source.streams.video[0])
    stamps = []
    for packet in source.demux(video=0):
        if packet.size:
            stamps.append(packet.pts)
            if len(stamps) in (10, 11):
                packet.pts = packet.dts = stamps[8]
            packet.stream = track
            doubled.mux(packet)
    doubled.close()
    source.close()
    reader = VideoReader(tmp_path / "doubled.mkv")
    assert len(listed(reader)) == N_FRAMES - 2 and "2 frame(s)" in reader.warnings[0]
    assert hold_to_a_full_pass(tmp_path / "doubled.mkv")[-1] == N_FRAMES


def test_a_video_whose_clock_starts_again_is_read_from_the_start(tmp_path: Path) -> None:
    clusters = {"cluster_time_limit": "1000"}
    path = encode(tmp_path / "film.mkv", steady(N_FRAMES), X264, {"g": "25", "bf": "0"}, clusters)
    data = bytearray(path.read_bytes())
    at = 0
    while (at := data.find(b"\x1f\x43\xb6\x75", at + 1)) >= 0:  # a cluster, then its size, then its time
        time_at = data.index(b"\xe7\x82", at, at + 20) + 2 if b"\xe7\x82" in data[at : at + 20] else None
        if time_at and (time_ms := int.from_bytes(data[time_at : time_at + 2])) > 3900:
            data[time_at : time_at + 2] = (time_ms - 3000).to_bytes(2)
    path.write_bytes(data)
    reader = VideoReader(path)
    assert len(listed(reader)) == N_FRAMES and "starts again" in reader.warnings[0]
    assert hold_to_a_full_pass(path)[-1] == N_FRAMES


def test_a_place_that_is_not_in_the_video_is_refused(tmp_path: Path) -> None:
    reader = VideoReader(write_video(tmp_path / "film.mp4", steady(100)))
    for place in (
        ResumePoint(Fraction(1, 3), 90),
        ResumePoint(Fraction(90, 25), 90),
        ResumePoint(Fraction(8), 200),
    ):
        with pytest.raises(VideoError, match="has changed, start over"):
            next(reader.decoded(place))
    with pytest.raises(ValueError):
        ResumePoint(Fraction(0), 0)
