import dataclasses
from pathlib import Path

import numpy as np
import pytest

from captures import put_captures
from speediness.datasets import find_videos
from speediness.datasets.decoded_video import decode_video, open_item
from speediness.datasets.mocap import LONGEST_S, MOCAP, RATES, TAKES, CaptureVideo, load_capture
from speediness.datasets.motion_cache import STRIDES, MotionCache
from speediness.datasets.verification import verify
from speediness.errors import DataError, VideoError


def test_only_captures_for_any_use_are_trained_on(tmp_path: Path) -> None:
    put_captures(tmp_path, 2)
    put_captures(tmp_path, 3, licence="noncommercial")
    items = find_videos(f"mocap:{tmp_path}", "train")
    assert len(items) == 2 * TAKES and {item.source for item in items} == {
        "capture of person-any-0",
        "capture of person-any-1",
    }
    assert len(find_videos(f"mocap:{tmp_path}", "noncommercial")) == 3 * TAKES
    assert len(find_videos(f"mocap:{tmp_path}")) == 5 * TAKES


def test_what_is_short_or_nearly_still_is_left_out_and_what_is_long_makes_more(tmp_path: Path) -> None:
    put_captures(tmp_path / "a", 1, seconds=3.0)
    put_captures(tmp_path / "a", 1, speed="0.05", up="z")
    with pytest.raises(DataError, match="none of the 0 videos"):
        find_videos(f"mocap:{tmp_path / 'a'}", "train")
    put_captures(tmp_path / "b", 1, seconds=LONGEST_S + 1)
    assert len(find_videos(f"mocap:{tmp_path / 'b'}", "train")) == 2 * TAKES


def test_lists_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"manifest.csv does not exist; give a folder"):
        find_videos(f"mocap:{tmp_path}", "train")
    (tmp_path / "manifest.csv").write_text("file,subject\n")
    with pytest.raises(DataError, match="lacks the columns label, licence_use"):
        find_videos(f"mocap:{tmp_path}", "train")
    put_captures(tmp_path / "odd", 1, licence="mine")
    with pytest.raises(DataError, match="neither any nor noncommercial"):
        find_videos(f"mocap:{tmp_path / 'odd'}", "train")


def test_a_capture_is_the_same_with_y_up_and_z_up(tmp_path: Path) -> None:
    for up in ("y", "z"):
        put_captures(tmp_path, 1, up=up)
    one, other = (
        load_capture(tmp_path / "sequences" / f"walk-any-{up}-0.npz").at(np.linspace(0, 5, 30))
        for up in ("y", "z")
    )
    np.testing.assert_allclose(one, other, atol=2e-3)


def test_a_copy_is_verified_take_by_take(tmp_path: Path) -> None:
    put_captures(tmp_path, 2)
    assert not verify(MOCAP, tmp_path).problems
    path = tmp_path / "sequences" / "walk-any-y-1.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert [(found.kind, found.what) for found in verify(MOCAP, tmp_path).problems] == [
        ("unreadable", str(path))
    ]


def test_takes_differ_and_each_is_always_the_same(tmp_path: Path) -> None:
    first, second, *_ = find_videos(f"mocap:{put_captures(tmp_path, 1)}", "train")
    one, again, other = (CaptureVideo(item) for item in (first, first, second))
    np.testing.assert_array_equal(one.times_s, again.times_s)
    moment = np.array([1.0])
    np.testing.assert_array_equal(one.stage.camera.place(moment), again.stage.camera.place(moment))
    assert np.abs(one.stage.camera.place(moment) - other.stage.camera.place(moment)).max() > 0.01
    assert one.rate in RATES and one.times_s[-1] == pytest.approx(6.0, abs=1 / 24)


def test_a_take_is_read_as_a_video_is(tmp_path: Path) -> None:
    item = find_videos(f"mocap:{put_captures(tmp_path, 1, seconds=4.6)}", "train")[0]
    video = decode_video(item, 32, 1, scene_px=64)
    taken = CaptureVideo(item)
    np.testing.assert_allclose(video.times_s, taken.times_s)
    height, width = taken.sides(32)
    assert video.frames_FHWC.shape == (len(taken.times_s), height, width, 1) and min(height, width) == 32
    assert len(video.scenes) == 5 and all(min(look.shape[:2]) == 64 for look in video.scenes.values())
    colours = next(iter(open_item(item).frames(32, 3))).pixels_HWC
    np.testing.assert_array_equal(colours[..., :1], video.frames_FHWC[0])


@pytest.mark.parametrize("size_px", [32, 56])
def test_motion_of_a_take_is_kept_as_that_of_a_video(size_px: int, tmp_path: Path) -> None:
    items = find_videos(f"mocap:{put_captures(tmp_path, 2)}", "train")
    videos = MotionCache(tmp_path / "cache", size_px).videos(items, print)
    assert [video.item for video in videos] == items
    assert len(list((tmp_path / "cache").iterdir())) == len(items)
    for video in videos:
        taken = CaptureVideo(video.item)
        for n, stride in enumerate(STRIDES):
            np.testing.assert_array_equal(video.times_s[n], taken.times_s[::stride])
            rows, columns = video.flow_grid[n].shape[2:]
            assert (rows * 4, columns * 4) == taken.sides(size_px, 8)
        field = video.field(0, 0.0, video.end_s)
        assert field is not None and np.isfinite(field.bins(0.0, 0.125, 40)).all()
        assert len(video.scene_s) == 0
    # The motion between every second frame is that of two neighbours.
    fine, coarse = (videos[0].flow_grid[n].astype(np.float32).mean((2, 3)) for n in (0, 1))
    pairs = len(coarse)
    np.testing.assert_allclose(
        (fine[0 : 2 * pairs : 2, :2] + fine[1 : 2 * pairs : 2, :2]).std(), coarse[:, :2].std(), rtol=0.3
    )


def test_files_that_are_no_captures_are_named(tmp_path: Path) -> None:
    item = find_videos(f"mocap:{put_captures(tmp_path, 1)}", "train")[0]
    bad = tmp_path / "sequences" / "bad.npz"
    bad.write_bytes(b"no capture")
    said: list[str] = []
    found = MotionCache(tmp_path / "cache", 56).videos(
        [dataclasses.replace(item, path=bad), dataclasses.replace(item, path=bad.with_name("none.npz"))],
        said.append,
    )
    assert not found and "is not a capture" in said[0] and "there is no such file" in said[1]
    np.savez(bad, joints=np.zeros((1, 2, 3), np.float16), root=np.zeros((1, 3)), names=["a", "b"])
    with pytest.raises(VideoError, match="is not a capture"):
        load_capture(bad)
