from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from speediness.datasets.decoded_video import DecodedVideo
from speediness.datasets.encoding import KEY_FRAMES_APART, Encoding
from speediness.datasets.video_list import VideoItem
from speediness.errors import OutputError
from speediness.video.reader import VideoReader
from synthetic import numbered_frame, read_number, steady, uneven

QUIET = {"x265-params": "log-level=none"}


def numbered(times_s: list[Fraction], channels: int = 3) -> DecodedVideo:
    frames = np.stack([numbered_frame(i) for i in range(len(times_s))])
    if channels == 1:
        frames = frames.mean(3, keepdims=True).astype(np.uint8)
    return DecodedVideo(VideoItem(Path("film.mp4"), "s"), np.array([float(t) for t in times_s]), frames)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "encoding",
    [
        Encoding(),
        Encoding("libx265", QUIET),
        Encoding("mpeg4", {"qmin": "8", "qmax": "8"}),
        Encoding("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}, ".webm"),
    ],
    ids=lambda encoding: encoding.encoder,
)
def test_every_frame_comes_back_at_its_time_and_brightness(
    encoding: Encoding, channels: int, tmp_path: Path
) -> None:
    video = numbered(uneven(40), channels)
    found = encoding.store(video, tmp_path, 64)
    np.testing.assert_allclose(found.times_s, video.times_s, atol=0.5e-3)  # WebM counts milliseconds
    assert [read_number(p.repeat(3 // channels, 2)) for p in found.frames_FHWC] == list(range(41))
    assert np.abs(found.frames_FHWC.mean((1, 2)) - video.frames_FHWC.mean((1, 2))).max() < 3
    assert found.item == video.item
    assert list(tmp_path.iterdir()) == []


def test_thirds_of_a_second_are_stored_exactly(tmp_path: Path) -> None:
    times_s = steady(30, Fraction(30000, 1001))
    video = numbered(times_s)
    Encoding()._write(video, tmp_path / "film.mp4")
    assert [t for t, _ in VideoReader(tmp_path / "film.mp4").decoded()] == times_s


def test_key_frames_lie_where_they_were_asked_for(tmp_path: Path) -> None:
    options = {"g": "9999", "sc_threshold": "0", "forced-idr": "1"}
    Encoding(options=options, key_frames_from=7)._write(numbered(steady(40)), tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as container:
        found = [i for i, frame in enumerate(container.decode(video=0)) if frame.key_frame]
    assert found == [0, *range(7, 41, KEY_FRAMES_APART)]


def test_a_header_may_lie_about_the_rate_while_the_stamps_stay_true(tmp_path: Path) -> None:
    video = numbered(steady(20, 25))
    Encoding(suffix=".mkv", declared_rate=0.5)._write(video, tmp_path / "film.mkv")
    reader = VideoReader(tmp_path / "film.mkv")
    assert reader.info.frame_rate == Fraction(25, 2)
    np.testing.assert_allclose([float(t) for t, _ in reader.decoded()], video.times_s, atol=0.5e-3)


def test_odd_sides_lose_a_row_and_a_column(tmp_path: Path) -> None:
    video = numbered(steady(5))
    video = DecodedVideo(video.item, video.times_s, video.frames_FHWC[:, :63, :95])
    assert Encoding().store(video, tmp_path, 62).frames_FHWC.shape == (6, 62, 94, 3)


def test_a_folder_that_cannot_be_written_is_a_plain_complaint(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot store a copy of film"):
        Encoding().store(numbered(steady(5)), tmp_path / "missing", 64)


def test_an_encoder_that_is_not_there_is_known_to_be_missing() -> None:
    assert Encoding().is_available
    assert not Encoding("no-such-encoder").is_available
