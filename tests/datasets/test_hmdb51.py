from pathlib import Path

import pytest

from layouts import put, put_hmdb51
from speediness.datasets.hmdb51 import HMDB51, read
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError


@pytest.mark.parametrize("videos", ["hmdb51_org", "videos", "."])
def test_codes_videos_and_classes(tmp_path: Path, videos: str) -> None:
    root = put_hmdb51(tmp_path, b"", videos)
    folder = root / videos
    kick, smile = folder / "kick_ball", folder / "smile"
    found = read(root)
    assert found.lists == {
        "train1": [
            VideoItem(kick / "Up_2_kick_ball_f_cm_np1_fr_bad_0.avi", "Up_2", "kick_ball"),
            VideoItem(
                smile / "Re-_Show_your_Smile!_smile_h_nm_np1_fr_goo_0.avi", "Re-_Show_your_Smile!", "smile"
            ),
        ],
        "test1": [
            VideoItem(
                kick / "Amazing_Soccer_#2_kick_ball_f_cm_np1_fr_bad_3.avi", "Amazing_Soccer_#2", "kick_ball"
            ),
            VideoItem(smile / "Up_2_smile_h_nm_np1_fr_med_7.avi", "Up_2", "smile"),
        ],
        "unused1": [VideoItem(kick / "Up_2_kick_ball_f_cm_np1_fr_bad_1.avi", "Up_2", "kick_ball")],
    }
    assert all(item.path.is_file() for items in found.lists.values() for item in items)
    assert found.sides == [("train1", "test1")] and found.findings == []


def test_a_name_that_contradicts_its_list_is_found(tmp_path: Path) -> None:
    root = put_hmdb51(tmp_path, b"")
    put(root, {"testTrainMulti_7030_splits/smile_test_split1.txt": "Up_2_wave_h_nm_np1_fr_med_7.avi 1\n"})
    assert [(f.kind, f.what) for f in read(root).findings] == [
        ("class map", "smile/Up_2_wave_h_nm_np1_fr_med_7.avi")
    ]


def test_what_is_missing_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"unpack test_train_splits\.rar"):
        read(tmp_path)
    root = put_hmdb51(tmp_path / "packed", b"", videos="elsewhere")
    put(root, {"kick_ball.rar": b"", "smile.rar": b""})
    with pytest.raises(DataError, match=r"archive of every class, CLASS\.rar"):
        read(root)
    root = put_hmdb51(tmp_path / "other", b"")
    put(root, {"testTrainMulti_7030_splits/smile_test_split1.txt": "Up_2_smile_h_nm_np1_fr_med_7.avi 3\n"})
    with pytest.raises(DataError, match="without 0, 1 or 2"):
        read(root)


def test_the_published_lists_hold_every_video_once() -> None:
    for split in "123":
        assert sum(HMDB51.videos[f"{use}{split}"][0] for use in ("train", "test", "unused")) == 6766
        assert HMDB51.videos[f"train{split}"] == (51 * 70,) and HMDB51.videos[f"test{split}"] == (51 * 30,)
