from pathlib import Path

import numpy as np
import pytest

from speediness.datasets.clip_cache import ClipCache
from speediness.datasets.video_list import VideoItem
from speediness.errors import VideoError
from speediness.video.reader import VideoReader
from synthetic import steady, write_film


def test_a_cached_film_is_what_the_reader_gives(walkers: list[VideoItem], tmp_path: Path) -> None:
    film = ClipCache(tmp_path, 64, 1).film(walkers[0])
    frames = list(VideoReader(walkers[0].path).frames(64, 1))
    np.testing.assert_array_equal(film.frames_FHWC, np.stack([f.pixels_HWC for f in frames]))
    assert film.times_s.tolist() == [float(f.time_s) for f in frames]
    assert isinstance(film.frames_FHWC, np.memmap)


def test_a_film_is_decoded_once(walkers: list[VideoItem], tmp_path: Path) -> None:
    cache = ClipCache(tmp_path, 64, 1)
    cache.film(walkers[1])
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    ClipCache(tmp_path, 64, 1).film(walkers[1])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written
    ClipCache(tmp_path, 32, 1).film(walkers[1])
    assert len(list(tmp_path.iterdir())) == 2 * len(written)


def test_a_write_that_broke_off_is_made_good(walkers: list[VideoItem], tmp_path: Path) -> None:
    cache = ClipCache(tmp_path, 64, 1)
    whole = np.array(cache.film(walkers[2]).frames_FHWC)
    times, *_ = tmp_path.glob("*.times.npy")
    times.unlink()  # written last: its absence means that the pictures may be half there
    np.testing.assert_array_equal(cache.film(walkers[2]).frames_FHWC, whole)


def test_activity_is_the_change_of_neighbours_per_second(walkers: list[VideoItem], tmp_path: Path) -> None:
    film = ClipCache(tmp_path, 64, 1).film(walkers[0])
    for n in (0, 7, len(film.activity) - 1):
        a, b = (film.frames_FHWC[i, ::2, ::2, 0].astype(float) for i in (n, n + 1))
        expected = np.abs(b - a).mean() / (film.times_s[n + 1] - film.times_s[n])
        assert film.activity[n] == pytest.approx(expected, rel=1e-5)


def test_bad_films_are_named_and_left_out(walkers: list[VideoItem], tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"not a film at all")
    still = write_film(tmp_path / "still.mp4", steady(1))
    items = [VideoItem(tmp_path / "bad.mp4", "x"), walkers[0], VideoItem(still, "y")]
    said: list[str] = []
    films = ClipCache(tmp_path / "cache", 64, 1).films(items, said.append)
    assert [film.item for film in films] == [walkers[0]]
    assert len(said) == 2 and "bad.mp4" in said[0] and "still.mp4" in said[1]
    with pytest.raises(VideoError, match="single frame"):
        ClipCache(tmp_path / "cache", 64, 1).film(items[2])
