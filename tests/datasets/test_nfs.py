from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from layouts import encode_frame, put, put_scene
from speediness.datasets.clip_cache import ClipCache
from speediness.datasets.decoded_video import decode_video
from speediness.datasets.nfs import NFS, NFS30
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.sampling import nearest_frames, play_at
from synthetic import numbered_frame, read_number


def test_each_rate_is_a_data_set_of_its_own(tmp_path: Path) -> None:
    for scene in ("car_jumping", "Gymnastics"):
        put_scene(tmp_path, scene, (1, 2))
    put_scene(tmp_path, "car_jumping", (1, 2), rate=30)
    put(tmp_path, {"car_jumping/240/car_jumping.txt": "0 1 2 3 4\n", "__MACOSX/x.txt": ""})
    assert NFS.read(tmp_path).lists == {
        "test": [
            VideoItem(tmp_path / scene / "240" / scene, scene, None, Fraction(240))
            for scene in ("Gymnastics", "car_jumping")
        ]
    }
    assert NFS30.read(tmp_path).lists == {
        "test": [VideoItem(tmp_path / "car_jumping/30/car_jumping", "car_jumping", None, Fraction(30))]
    }
    with pytest.raises(DataError, match="no scene at 30 fps"):
        NFS30.read(tmp_path / "Gymnastics")


@pytest.mark.parametrize(("factor", "step"), [(1, 10), (2, 20)])
def test_at_24_fps_a_clip_is_every_tenth_or_twentieth_image(tmp_path: Path, factor: int, step: int) -> None:
    put_scene(tmp_path, "ball", range(1, 322))
    video = decode_video(NFS.read(tmp_path).lists["test"][0], short_side_px=64, channels=3)
    frames = nearest_frames(video.times_s, play_at(0, factor, 16, Fraction(24)))
    assert [read_number(video.frames_FHWC[i]) for i in frames] == [1 + step * i for i in range(16)]
    np.testing.assert_array_equal(video.times_s, np.arange(321) / 240)


def test_a_scene_is_cached_until_a_image_changes(tmp_path: Path) -> None:
    root = put_scene(tmp_path / "nfs", "ball", (1, 2, 4))
    item = NFS.read(root).lists["test"][0]
    video = ClipCache(tmp_path / "cache", 64, 3).video(item)
    np.testing.assert_array_equal(video.times_s, np.array([0, 1, 3]) / 240)
    np.testing.assert_array_equal(video.frames_FHWC, decode_video(item, 64, 3).frames_FHWC)
    put(item.path, {"00004.jpg": encode_frame(numbered_frame(9), "mjpeg")})
    changed = ClipCache(tmp_path / "cache", 64, 3).video(item)
    assert [read_number(pixels) for pixels in changed.frames_FHWC] == [1, 2, 9]
    at_30 = replace(item, frame_rate=Fraction(30))
    np.testing.assert_array_equal(
        ClipCache(tmp_path / "cache", 64, 3).video(at_30).times_s, video.times_s * 8
    )
