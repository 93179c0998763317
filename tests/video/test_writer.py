from __future__ import annotations

import os
import resource
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from speediness.errors import OutputError
from speediness.video.coding import PRESETS, Coding
from speediness.video.info import ColourTags
from speediness.video.reader import VideoReader
from speediness.video.writer import SoundFormat, VideoWriter, check_output
from synthetic import tone

PLAIN = ColourTags(range=1, matrix=1, primaries=1, transfer=1)


def noise(seed: int) -> av.VideoFrame:
    pixels = np.random.default_rng(seed).integers(0, 255, (96, 64), dtype=np.uint8)
    return av.VideoFrame.from_ndarray(pixels, "yuv420p")


def write(path: Path, frames: int = 5, rate: Fraction = Fraction(25), sound: bool = True) -> VideoWriter:
    with VideoWriter(path, (64, 64), rate, PLAIN, [SoundFormat(48_000, 2)] if sound else []) as writer:
        for i in range(frames):
            writer.add_frame(noise(i))
        if sound:
            writer.add_sound(tone(frames / float(rate)))
    return writer


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(60000, 1001)])
def test_frames_lie_at_exact_multiples_of_the_period(tmp_path: Path, rate: Fraction) -> None:
    writer = write(tmp_path / "out.mp4", 20, rate)
    reader = VideoReader(tmp_path / "out.mp4")
    assert [time_s for time_s, _ in reader.decoded()] == [j / rate for j in range(20)]
    assert reader.end_s == 20 / rate
    assert reader.info.frame_rate == rate
    assert (writer.frames, writer.samples) == (20, [tone(20 / float(rate)).shape[1]])
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_colour_and_codecs(tmp_path: Path) -> None:
    colour = ColourTags(range=2, matrix=9, primaries=9, transfer=16)
    with VideoWriter(tmp_path / "out.mp4", (64, 64), Fraction(25), colour) as writer:
        writer.add_frame(noise(0))
    info = VideoReader(tmp_path / "out.mp4").info
    assert (info.colour, info.codec, info.has_audio) == (colour, "h264", False)
    write(tmp_path / "sound.mp4")
    info = VideoReader(tmp_path / "sound.mp4").info
    assert (info.audio_rate_hz, info.audio_layout) == (48_000, "stereo")


def test_the_index_stands_before_the_frames(tmp_path: Path) -> None:
    write(tmp_path / "out.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_the_source_does_not_choose_the_key_frames(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "out.mp4", (64, 64), Fraction(25), PLAIN) as writer:
        for _ in range(10):
            frame = noise(0)
            frame.pict_type = 1
            writer.add_frame(frame)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert sum(packet.is_keyframe for packet in container.demux(video=0) if packet.size) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_when_interrupted(tmp_path: Path, error: type[BaseException]) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"older film")
    with pytest.raises(error), VideoWriter(out, (64, 64), Fraction(25), PLAIN) as writer:
        writer.add_frame(noise(0))
        raise error
    assert out.read_bytes() == b"older film"
    assert os.listdir(tmp_path) == ["out.mp4"]


@pytest.mark.parametrize("share", [0, 0.3, 0.999])
def test_a_full_disk_is_named_and_nothing_is_left(tmp_path: Path, share: float) -> None:
    """Full at once, midway, and at the very end when the index is moved to the front."""
    write(tmp_path / "whole.mp4", 60)
    room_bytes = int((tmp_path / "whole.mp4").stat().st_size * share)
    (tmp_path / "whole.mp4").unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, before[1]))
    try:
        with pytest.raises(OutputError, match="free some space"):
            write(tmp_path / "out.mp4", 60)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path) == []


def test_outputs_that_cannot_be_are_refused_before_any_work(tmp_path: Path) -> None:
    source = tmp_path / "film.mp4"
    source.write_bytes(b"film")
    (tmp_path / "link.mp4").symlink_to(source)
    (tmp_path / "old.mp4").write_bytes(b"old")
    (tmp_path / "folder.mp4").mkdir()
    check_output(tmp_path / "new.mp4", source)
    check_output(tmp_path / "NEW.MP4", source)
    check_output(tmp_path / "old.mp4", source, force=True)
    for out, force, words in (
        (source, True, "is the video itself"),
        (tmp_path / "link.mp4", True, "is the video itself"),
        (tmp_path / "folder.mp4" / ".." / "film.mp4", False, "is the video itself"),
        (tmp_path / "old.mp4", False, "exists already"),
        (tmp_path / "folder.mp4", True, "is a folder"),
        (tmp_path / "no" / "out.mp4", False, "does not exist"),
        (tmp_path / "out.avi", False, r"ends in \.mp4, \.mov, \.mkv"),
        (tmp_path / "out", False, r"ends in \.mp4, \.mov, \.mkv"),
    ):
        with pytest.raises(OutputError, match=words) as refusal:
            check_output(out, source, force)
        assert "\n" not in str(refusal.value)


def test_an_unknown_preset_is_refused_and_no_file_made(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no preset 'quick'"):
        VideoWriter(tmp_path / "out.mp4", (64, 64), Fraction(25), PLAIN, coding=Coding(preset="quick"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("preset", PRESETS)
def test_the_encoder_knows_every_preset(tmp_path: Path, preset: str) -> None:
    with VideoWriter(
        tmp_path / "out.mp4", (64, 64), Fraction(25), PLAIN, coding=Coding(preset=preset)
    ) as writer:
        for i in range(3):
            writer.add_frame(noise(i))
    assert len(list(VideoReader(tmp_path / "out.mp4").decoded())) == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="no permission"):
        check_output(tmp_path / "out.mp4", tmp_path / "film.mp4")


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="Linux alone is concerned")
def test_av1_does_not_go_before_all_else_of_the_machine(tmp_path: Path) -> None:
    """SVT-AV1 gives real-time priority to itself and its caller where it runs as root."""
    with VideoWriter(tmp_path / "out.mkv", (64, 64), Fraction(25), PLAIN, coding=Coding("av1")) as writer:
        for number in range(3):
            writer.add_frame(noise(number))
        policies = {os.sched_getscheduler(int(thread)) for thread in os.listdir("/proc/self/task")}
    assert policies == {os.SCHED_OTHER} == {os.sched_getscheduler(0)}
