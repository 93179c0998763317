from pathlib import Path

import pytest

from layouts import put, put_ucf101
from speediness.datasets.ucf101 import UCF101, read
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError


@pytest.mark.parametrize(
    ("videos", "lists"),
    [
        ("UCF-101", "ucfTrainTestlist"),
        ("videos", "."),
        (".", "ucfTrainTestlist"),
        (".", "annotations"),
        (".", "../ucfTrainTestlist"),
    ],
)
def test_lists_labels_and_groups_in_every_layout(tmp_path: Path, videos: str, lists: str) -> None:
    root = put_ucf101(tmp_path / "ucf", b"", videos, lists)
    found = read(root)
    folder = root / videos
    assert found.lists == {
        "train01": [
            VideoItem(folder / "Archery/v_Archery_g02_c01.avi", "Archery g02", "Archery"),
            VideoItem(folder / "Archery/v_Archery_g02_c02.avi", "Archery g02", "Archery"),
            VideoItem(folder / "Basketball/v_Basketball_g02_c01.avi", "Basketball g02", "Basketball"),
            VideoItem(folder / "Basketball/v_Basketball_g02_c02.avi", "Basketball g02", "Basketball"),
        ],
        "test01": [
            VideoItem(folder / "Archery/v_Archery_g01_c01.avi", "Archery g01", "Archery"),
            VideoItem(folder / "Archery/v_Archery_g01_c02.avi", "Archery g01", "Archery"),
            VideoItem(folder / "Basketball/v_Basketball_g01_c01.avi", "Basketball g01", "Basketball"),
            VideoItem(folder / "Basketball/v_Basketball_g01_c02.avi", "Basketball g01", "Basketball"),
        ],
    }
    assert all(item.path.is_file() for items in found.lists.values() for item in items)
    assert found.findings == []


def test_the_two_spellings_of_one_class_and_another_ending_are_one_video(tmp_path: Path) -> None:
    root = put(
        tmp_path,
        {
            "classInd.txt": "1 HandstandPushups\n",
            "trainlist01.txt": "HandStandPushups/v_HandStandPushups_g02_c01.avi 1\n",
            "testlist01.txt": "HandStandPushups/v_HandStandPushups_g01_c01.avi\n",
            "UCF-101/HandstandPushups/v_HandStandPushups_g02_c01.avi": b"",
            "UCF-101/HandstandPushups/v_HandStandPushups_g01_c01.mp4": b"",
        },
    )
    found = read(root)
    assert [item.path.name for items in found.lists.values() for item in items] == [
        "v_HandStandPushups_g02_c01.avi",
        "v_HandStandPushups_g01_c01.mp4",
    ]
    assert {item.label for items in found.lists.values() for item in items} == {"HandstandPushups"}
    assert found.findings == []


def test_lists_that_disagree_with_the_class_map_are_found(tmp_path: Path) -> None:
    root = put_ucf101(tmp_path, b"")
    lines = "Archery/v_Archery_g02_c01.avi 2\nDiving/v_Diving_g02_c01.avi 3\n"
    put(root, {"ucfTrainTestlist/trainlist01.txt": lines})
    assert [(f.kind, f.what, f.detail) for f in read(root).findings] == [
        ("class map", "Archery/v_Archery_g02_c01.avi", "trainlist01.txt gives class 2, classInd.txt 1"),
        ("class map", "Diving/v_Diving_g02_c01.avi", "Diving is not in classInd.txt"),
    ]


def test_a_second_split_is_read_where_both_its_lists_are(tmp_path: Path) -> None:
    root = put_ucf101(tmp_path, b"")
    put(root, {"ucfTrainTestlist/trainlist02.txt": "Archery/v_Archery_g01_c01.avi 1\n"})
    assert list(read(root).lists) == ["train01", "test01"]
    put(root, {"ucfTrainTestlist/testlist02.txt": "Archery/v_Archery_g02_c01.avi\n"})
    assert list(read(root).lists) == ["train01", "test01", "train02", "test02"]
    assert read(root).sides == [("train01", "test01"), ("train02", "test02")]


def test_what_is_missing_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"trainlist01\.txt; unpack UCF101TrainTestSplits"):
        read(tmp_path)
    root = put_ucf101(tmp_path / "no videos", b"", videos="elsewhere")
    with pytest.raises(DataError, match=r"unpack UCF101\.rar"):
        read(root)
    root = put_ucf101(tmp_path / "no map", b"")
    (root / "ucfTrainTestlist/classInd.txt").unlink()
    with pytest.raises(DataError, match=r"classInd\.txt does not exist"):
        read(root)


@pytest.mark.parametrize("line", ["v_Archery_g02_c01.avi 1", "Archery/archer.avi 1"])
def test_lists_of_another_kind_are_refused(tmp_path: Path, line: str) -> None:
    root = put_ucf101(tmp_path, b"")
    put(root, {"ucfTrainTestlist/trainlist01.txt": line})
    with pytest.raises(DataError, match="no video of UCF101"):
        read(root)


def test_the_published_splits_add_up() -> None:
    totals = {UCF101.videos[f"train{n}"][0] + UCF101.videos[f"test{n}"][0] for n in ("01", "02", "03")}
    assert totals == {13_320}
