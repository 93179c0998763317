import resource
from pathlib import Path

import numpy as np
import pytest

from speediness.datasets.clip_cache import ClipCache
from speediness.datasets.decoded_video import DecodedVideo, decode_video
from speediness.datasets.encoding import draw_encoding, recompress
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, OutputError, VideoError
from speediness.video.reader import VideoReader
from synthetic import steady, uneven, write_video


def test_a_cached_video_is_what_the_reader_gives(walkers: list[VideoItem], tmp_path: Path) -> None:
    video = ClipCache(tmp_path, 64, 1).video(walkers[0])
    frames = list(VideoReader(walkers[0].path).frames(64, 1))
    np.testing.assert_array_equal(video.frames_FHWC, np.stack([f.pixels_HWC for f in frames]))
    assert video.times_s.tolist() == [float(f.time_s) for f in frames]
    assert isinstance(video.frames_FHWC, np.memmap)


def test_a_video_is_decoded_once(walkers: list[VideoItem], tmp_path: Path) -> None:
    cache = ClipCache(tmp_path, 64, 1)
    cache.video(walkers[1])
    written = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    ClipCache(tmp_path, 64, 1).video(walkers[1])
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == written
    ClipCache(tmp_path, 32, 1).video(walkers[1])
    assert len(list(tmp_path.iterdir())) == 2 * len(written)


def test_a_write_that_broke_off_is_made_good(walkers: list[VideoItem], tmp_path: Path) -> None:
    cache = ClipCache(tmp_path, 64, 1)
    whole = np.array(cache.video(walkers[2]).frames_FHWC)
    times, *_ = tmp_path.glob("*.times.npy")
    times.unlink()  # written last: its absence means that the frames may be half there
    np.testing.assert_array_equal(cache.video(walkers[2]).frames_FHWC, whole)


def test_activity_is_the_change_of_neighbours_per_second(walkers: list[VideoItem], tmp_path: Path) -> None:
    video = ClipCache(tmp_path, 64, 1).video(walkers[0])
    for n in (0, 7, len(video.activity) - 1):
        a, b = (video.frames_FHWC[i, ::2, ::2, 0].astype(float) for i in (n, n + 1))
        expected = np.abs(b - a).mean() / (video.times_s[n + 1] - video.times_s[n])
        assert video.activity[n] == pytest.approx(expected, rel=1e-5)


def test_bad_videos_are_named_and_left_out(walkers: list[VideoItem], tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"not a film at all")
    still = write_video(tmp_path / "still.mp4", steady(1))
    items = [VideoItem(tmp_path / "bad.mp4", "x"), walkers[0], VideoItem(still, "y")]
    said: list[str] = []
    videos = ClipCache(tmp_path / "cache", 64, 1).videos(items, said.append)
    assert [video.item for video in videos] == [walkers[0]]
    assert len(said) == 2 and "bad.mp4" in said[0] and "still.mp4" in said[1]
    with pytest.raises(VideoError, match="single frame"):
        ClipCache(tmp_path / "cache", 64, 1).video(items[2])


def frames(folder: Path) -> set[Path]:
    return {path for path in folder.glob("*.npy") if not path.name.endswith(("times.npy", "activity.npy"))}


def sizes(folder: Path) -> int:
    return sum(path.stat().st_size for path in frames(folder))


def test_videos_used_longest_ago_make_room(walkers: list[VideoItem], tmp_path: Path) -> None:
    cache, files = ClipCache(tmp_path, 64, 1), []
    for item in walkers[:3]:
        before = frames(tmp_path)
        cache.video(item)
        files += frames(tmp_path) - before
    most = sizes(tmp_path) + 100_000  # with one video dropped there is room for another
    bounded = ClipCache(tmp_path, 64, 1, most)
    bounded.video(walkers[0])  # now the second was used longest ago
    bounded.video(walkers[5])
    assert [path.exists() for path in files] == [True, False, True]
    assert sizes(tmp_path) <= most
    again = bounded.video(walkers[1]).frames_FHWC
    np.testing.assert_array_equal(again, decode_video(walkers[1], 64, 1).frames_FHWC)
    assert sizes(tmp_path) <= most


def test_videos_in_use_are_never_dropped(walkers: list[VideoItem], tmp_path: Path) -> None:
    one = ClipCache(tmp_path, 64, 1).video(walkers[3]).frames_FHWC.nbytes + 1000
    bounded = ClipCache(tmp_path, 64, 1, most_bytes=2 * one)
    held = bounded.video(walkers[3])
    (file,) = frames(tmp_path)
    for item in walkers[:3]:
        bounded.video(item)
        assert file.exists() and sizes(tmp_path) <= 2 * one
    with pytest.raises(DataError, match="--cache-size"):
        ClipCache(tmp_path, 64, 1, most_bytes=one // 2).video(walkers[7])
    assert held.frames_FHWC[0].any()


def test_training_videos_that_do_not_fit_are_decoded_again(
    walkers: list[VideoItem], tmp_path: Path
) -> None:
    said: list[str] = []
    most = 2_000_000
    videos = ClipCache(tmp_path, 64, 1, most).videos(walkers, said.append)
    assert len(said) == 1 and "decoded again and again" in said[0]
    for video, item in zip(videos, walkers, strict=True):
        np.testing.assert_array_equal(video.frames_FHWC, decode_video(item, 64, 1).frames_FHWC)
        assert sizes(tmp_path) <= most


def test_small_videos_are_stored_as_they_are_and_enlarged_to_be_scored(
    walkers: list[VideoItem], tmp_path: Path
) -> None:
    cache = ClipCache(tmp_path, 200, 3)
    stored, scored = cache.stored(walkers[0]), cache.video(walkers[0])
    assert stored.frames_FHWC.shape[1:] == (96, 128, 3)
    expected = decode_video(walkers[0], 200, 3)
    assert scored.frames_FHWC.shape == expected.frames_FHWC.shape
    assert np.abs(scored.frames_FHWC.astype(int) - expected.frames_FHWC).mean() < 3
    assert [video.frames_FHWC.shape for video in cache.videos(walkers[:1], print).at(200)] == [
        expected.frames_FHWC.shape
    ]


def test_a_full_disk_is_told_rather_than_every_video_left_out(
    walkers: list[VideoItem], tmp_path: Path
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OutputError, match="free some space"):
            ClipCache(tmp_path, 64, 1).videos(walkers, print)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not frames(tmp_path)


def test_recompressed_copies_are_the_same_video_less_well_kept(
    walkers: list[VideoItem], tmp_path: Path
) -> None:
    video = ClipCache(tmp_path / "a", 64, 1).stored(walkers[7], recompressed=2)
    again = ClipCache(tmp_path / "b", 64, 1).stored(walkers[7], recompressed=2)
    assert len(video.recompressed) == 2
    whole = video.frames_FHWC[:, :, :84].astype(int)  # 85 columns, of which 4:2:0 keeps 84
    for copy, same in zip(video.recompressed, again.recompressed, strict=True):
        np.testing.assert_array_equal(copy, same)
        loss = np.abs(copy[:, None, ::4, ::4].astype(int) - whole[None, :, ::4, ::4]).mean((2, 3, 4))
        # Each frame is a copy of its own original rather than of the one before or after.
        assert np.diag(loss).mean() < 0.95 * min(np.diag(loss, 1).mean(), np.diag(loss, -1).mean())
        assert 0.1 < np.diag(loss).mean() < 12
    assert not np.array_equal(*video.recompressed)


@pytest.mark.parametrize("size_px", [(96, 64), (97, 63)])
def test_every_drawn_encoding_keeps_all_frames(size_px: tuple[int, int], tmp_path: Path) -> None:
    width_px, height_px = size_px
    times_s = uneven(20)
    item = VideoItem(write_video(tmp_path / "film.mkv", times_s, codec="ffv1"), "x")
    video = decode_video(item, 64, 3)
    video = DecodedVideo(item, video.times_s, video.frames_FHWC[:, :height_px, :width_px].copy())
    encoders = set()
    for seed in range(12):
        encoding = draw_encoding(np.random.default_rng(seed))
        encoders.add(encoding.encoder)
        copy = recompress(video, seed)
        assert copy.times_s is video.times_s and len(copy.frames_FHWC) == 20
        assert copy.frames_FHWC.shape[1:3] == (height_px // 2 * 2, video.frames_FHWC.shape[2] // 2 * 2)
    assert encoders == {"libx264", "mpeg4"}
