from pathlib import Path

import pytest

from layouts import KINETICS_CLIPS, put, put_kinetics
from speediness.datasets.kinetics import read
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError


@pytest.mark.parametrize(
    "pattern",
    [
        "{split}/{label}/{name}.mp4",
        "{split}/{name}.mp4",
        "{name}.mkv",
        "videos/{label}/{name}.mp4",
        "videos_{split}/{label}/{name}.webm",
        "{split}_256/{label}/{name}.avi",
        "{split}/{id}.mp4",
    ],
)
@pytest.mark.parametrize("annotations", ["annotations", "."])
def test_clips_are_found_in_every_layout(tmp_path: Path, pattern: str, annotations: str) -> None:
    found = read(put_kinetics(tmp_path, b"", pattern, annotations))
    for split, (label, id_, start_s, end_s) in KINETICS_CLIPS.items():
        name = f"{id_}_{start_s:06d}_{end_s:06d}"
        path = tmp_path / pattern.format(split=split, label=label or "unknown", name=name, id=id_)
        assert found.lists[split] == [VideoItem(path, id_, label or None)]
    assert found.findings == []


@pytest.mark.parametrize(
    "folder", ["massaging_persons_head", "massaging_person's_head", "Massaging person s head"]
)
def test_a_class_is_known_in_any_spelling(tmp_path: Path, folder: str) -> None:
    root = put_kinetics(tmp_path, b"", "elsewhere/{name}.txt")
    put(root, {f"val/{folder}/a_b-CdEfGhI_000120_000130.mp4": b""})
    found = read(root)
    assert found.lists["val"][0].path == root / "val" / folder / "a_b-CdEfGhI_000120_000130.mp4"
    assert found.findings == []


def test_a_clip_in_the_folder_of_another_class_is_found(tmp_path: Path) -> None:
    root = put_kinetics(tmp_path, b"", "elsewhere/{name}.txt")
    put(root, {"val/dunking_basketball/a_b-CdEfGhI_000120_000130.mp4": b""})
    assert [(f.kind, f.detail) for f in read(root).findings] == [
        ("class map", "listed as massaging person's head, lies in dunking basketball")
    ]


def test_ids_differ_by_case_and_a_missing_clip_has_the_usual_name(tmp_path: Path) -> None:
    root = put_kinetics(tmp_path, b"", "elsewhere/{name}.txt")
    put(root, {"train/dunking_basketball/--0EDul8zmA_000004_000014.mp4": b""})
    assert (
        read(root).lists["train"][0].path == root / "train/dunking_basketball/--0edUL8zmA_000004_000014.mp4"
    )


def test_the_split_column_counts_not_the_name_of_the_file(tmp_path: Path) -> None:
    header = "label,youtube_id,time_start,time_end,split,is_cc\n"
    put(
        tmp_path,
        {"k.csv": f"{header}a,id1,1,11,train,0\nb,id2,2,12,validate,1\n", "other.csv": "x,y\n1,2\n"},
    )
    assert {name: [item.source for item in items] for name, items in read(tmp_path).lists.items()} == {
        "train": ["id1"],
        "val": ["id2"],
    }


def test_lists_that_cannot_be_meant_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"put train\.csv and val\.csv there"):
        read(tmp_path)
    root = put_kinetics(tmp_path / "two", b"", "{name}.mp4")
    put(root, {"kinetics_val.csv": (root / "annotations/val.csv").read_text()})
    with pytest.raises(DataError, match=r"val\.csv and .*kinetics_val\.csv list the split val; keep one"):
        read(root)
    root = put_kinetics(tmp_path / "times", b"", "{name}.mp4")
    put(root, {"annotations/val.csv": "label,youtube_id,time_start,time_end,split\na,id1,1,,val\n"})
    with pytest.raises(DataError, match=r"line 2 of .*val\.csv is no clip of Kinetics"):
        read(root)
