from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from layouts import encode_frame, put
from speediness.datasets.image_folder import ImageFolder
from speediness.errors import VideoError
from speediness.video.reader import VideoReader
from synthetic import numbered_frame, read_number, steady, write_video

RATE = Fraction(240)


def folder_of(root: Path, *numbers: int, name: str = "{}.png") -> Path:
    return put(root, {name.format(n): encode_frame(numbered_frame(n)) for n in numbers})


def test_images_come_in_order_of_number_with_exact_times(tmp_path: Path) -> None:
    frames = list(ImageFolder(folder_of(tmp_path, 100, 9, 10, 11, 2), RATE).frames())
    assert [read_number(frame.pixels_HWC) for frame in frames] == [2, 9, 10, 11, 100]
    assert [frame.time_s for frame in frames] == [Fraction(n - 2, 240) for n in (2, 9, 10, 11, 100)]
    np.testing.assert_array_equal(frames[1].pixels_HWC, numbered_frame(9))


@pytest.mark.parametrize("name", ["frame-{:03d}.PNG", "100%05d{}.png", "a b [{}].x{}.png"])
def test_any_name_with_a_number_at_its_end_will_do(tmp_path: Path, name: str) -> None:
    folder = put(tmp_path, {name.format(n, n): encode_frame(numbered_frame(n)) for n in (7, 8)})
    put(folder, {"._00009.png": b"\0", "notes.txt": "", "annotation.json": "{}"})
    assert [read_number(f.pixels_HWC) for f in ImageFolder(folder, RATE).frames()] == [7, 8]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("short_side_px", [None, 24])
def test_a_image_is_what_the_same_image_in_a_video_is(
    tmp_path: Path, channels: int, short_side_px: int | None
) -> None:
    video = write_video(tmp_path / "f.mkv", steady(3), codec="ffv1", pixel_format="bgr0")
    folder = folder_of(tmp_path / "pictures", 0, 1, 2)
    of_video = list(VideoReader(video).frames(short_side_px, channels))
    of_folder = list(ImageFolder(folder, Fraction(25)).frames(short_side_px, channels))
    assert [frame.time_s for frame in of_video] == [frame.time_s for frame in of_folder]
    for one, other in zip(of_video, of_folder, strict=True):
        assert one.pixels_HWC.shape == other.pixels_HWC.shape
        assert np.abs(one.pixels_HWC.astype(int) - other.pixels_HWC).max() <= 1


def test_jpeg_luma_keeps_its_full_range(tmp_path: Path) -> None:
    levels = np.repeat(np.array([0, 128, 255], np.uint8), 32)
    image = np.broadcast_to(levels[None, :, None], (64, 96, 3)).copy()
    put(tmp_path, {"1.jpg": encode_frame(image, "mjpeg")})
    frame = next(ImageFolder(tmp_path, RATE).frames(channels=1))
    np.testing.assert_allclose(frame.pixels_HWC[32, [16, 48, 80], 0], [0, 128, 255], atol=4)


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="does not exist"):
        ImageFolder(tmp_path / "nowhere", RATE)
    with pytest.raises(VideoError, match="holds no images"):
        ImageFolder(tmp_path, RATE)
    with pytest.raises(VideoError, match="same number"):
        ImageFolder(folder_of(folder_of(tmp_path / "twice", 1), 1, name="0{}.png"), RATE)
    with pytest.raises(VideoError, match=r"cover\.png has no number"):
        ImageFolder(put(folder_of(tmp_path / "cover", 1), {"cover.png": b""}), RATE)
    sizes = {
        "1.png": encode_frame(numbered_frame(1)),
        "2.png": encode_frame(numbered_frame(1, 64, 64)),
    }
    with pytest.raises(VideoError, match=r"2\.png is not as large as 1\.png"):
        list(ImageFolder(put(tmp_path / "sizes", sizes), RATE).frames())


@pytest.mark.parametrize("codec", ["png", "mjpeg"])
@pytest.mark.parametrize("keep", [0.0, 0.02, 0.5, 0.9])
def test_a_broken_image_is_named(tmp_path: Path, codec: str, keep: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    whole = encode_frame(noise, codec)
    put(tmp_path, {"1.jpg": whole, "2.jpg": whole[: int(len(whole) * keep)], "3.jpg": whole})
    with pytest.raises(VideoError, match=r"2\.jpg"):
        list(ImageFolder(tmp_path, RATE).frames())


def test_a_text_that_calls_itself_a_image_is_named(tmp_path: Path) -> None:
    put(tmp_path, {"1.jpg": "not an image, although its name says so\n" * 20})
    with pytest.raises(VideoError, match=r"1\.jpg"):
        next(ImageFolder(tmp_path, RATE).frames())
