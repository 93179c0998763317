from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from layouts import encode_picture, put
from speediness.datasets.picture_folder import PictureFolder
from speediness.errors import VideoError
from speediness.video.reader import VideoReader
from synthetic import numbered_picture, read_number, steady, write_film

RATE = Fraction(240)


def folder_of(root: Path, *numbers: int, name: str = "{}.png") -> Path:
    return put(root, {name.format(n): encode_picture(numbered_picture(n)) for n in numbers})


def test_pictures_come_in_order_of_number_with_exact_times(tmp_path: Path) -> None:
    frames = list(PictureFolder(folder_of(tmp_path, 100, 9, 10, 11, 2), RATE).frames())
    assert [read_number(frame.pixels_HWC) for frame in frames] == [2, 9, 10, 11, 100]
    assert [frame.time_s for frame in frames] == [Fraction(n - 2, 240) for n in (2, 9, 10, 11, 100)]
    np.testing.assert_array_equal(frames[1].pixels_HWC, numbered_picture(9))


@pytest.mark.parametrize("name", ["frame-{:03d}.PNG", "100%05d{}.png", "a b [{}].x{}.png"])
def test_any_name_with_a_number_at_its_end_will_do(tmp_path: Path, name: str) -> None:
    folder = put(tmp_path, {name.format(n, n): encode_picture(numbered_picture(n)) for n in (7, 8)})
    put(folder, {"._00009.png": b"\0", "notes.txt": "", "annotation.json": "{}"})
    assert [read_number(f.pixels_HWC) for f in PictureFolder(folder, RATE).frames()] == [7, 8]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("short_side_px", [None, 24])
def test_a_picture_is_what_the_same_picture_in_a_film_is(
    tmp_path: Path, channels: int, short_side_px: int | None
) -> None:
    film = write_film(tmp_path / "f.mkv", steady(3), codec="ffv1", pixel_format="bgr0")
    folder = folder_of(tmp_path / "pictures", 0, 1, 2)
    of_film = list(VideoReader(film).frames(short_side_px, channels))
    of_folder = list(PictureFolder(folder, Fraction(25)).frames(short_side_px, channels))
    assert [frame.time_s for frame in of_film] == [frame.time_s for frame in of_folder]
    for one, other in zip(of_film, of_folder, strict=True):
        assert one.pixels_HWC.shape == other.pixels_HWC.shape
        assert np.abs(one.pixels_HWC.astype(int) - other.pixels_HWC).max() <= 1


def test_jpeg_luma_keeps_its_full_range(tmp_path: Path) -> None:
    levels = np.repeat(np.array([0, 128, 255], np.uint8), 32)
    picture = np.broadcast_to(levels[None, :, None], (64, 96, 3)).copy()
    put(tmp_path, {"1.jpg": encode_picture(picture, "mjpeg")})
    frame = next(PictureFolder(tmp_path, RATE).frames(channels=1))
    np.testing.assert_allclose(frame.pixels_HWC[32, [16, 48, 80], 0], [0, 128, 255], atol=4)


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="does not exist"):
        PictureFolder(tmp_path / "nowhere", RATE)
    with pytest.raises(VideoError, match="holds no pictures"):
        PictureFolder(tmp_path, RATE)
    with pytest.raises(VideoError, match="same number"):
        PictureFolder(folder_of(folder_of(tmp_path / "twice", 1), 1, name="0{}.png"), RATE)
    with pytest.raises(VideoError, match=r"cover\.png has no number"):
        PictureFolder(put(folder_of(tmp_path / "cover", 1), {"cover.png": b""}), RATE)
    sizes = {
        "1.png": encode_picture(numbered_picture(1)),
        "2.png": encode_picture(numbered_picture(1, 64, 64)),
    }
    with pytest.raises(VideoError, match=r"2\.png is not as large as 1\.png"):
        list(PictureFolder(put(tmp_path / "sizes", sizes), RATE).frames())


@pytest.mark.parametrize("codec", ["png", "mjpeg"])
@pytest.mark.parametrize("keep", [0.0, 0.02, 0.5, 0.9])
def test_a_broken_picture_is_named(tmp_path: Path, codec: str, keep: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    whole = encode_picture(noise, codec)
    put(tmp_path, {"1.jpg": whole, "2.jpg": whole[: int(len(whole) * keep)], "3.jpg": whole})
    with pytest.raises(VideoError, match=r"2\.jpg"):
        list(PictureFolder(tmp_path, RATE).frames())


def test_a_text_that_calls_itself_a_picture_is_named(tmp_path: Path) -> None:
    put(tmp_path, {"1.jpg": "not a picture, although its name says so\n" * 20})
    with pytest.raises(VideoError, match=r"1\.jpg"):
        next(PictureFolder(tmp_path, RATE).frames())
