from pathlib import Path

import pytest

from layouts import put, put_hmdb51, put_kinetics, put_scene, put_ucf101
from speediness.datasets import DATASETS, find_videos
from speediness.errors import DataError


def names(where: str | Path, split: str | None = None) -> list[str]:
    return [item.path.name for item in find_videos(where, split)]


def test_a_folder_is_meant_whole_whatever_its_manifest_says(tmp_path: Path) -> None:
    put(tmp_path, {"a.mp4": b"", "b.mp4": b"", "manifest.csv": "file,split,source\na.mp4,train,s\n"})
    for where in (tmp_path, str(tmp_path), f"folder:{tmp_path}"):
        for split in (None, "train", "test"):
            assert names(where, split) == ["a.mp4", "b.mp4"]


def test_a_manifest_gives_the_split_asked_for(tmp_path: Path) -> None:
    lines = "file,split,source,label\na.mp4,train,s,jump\nb.mp4,test,t,\nc.mp4,test,,run\n"
    manifest = put(tmp_path, {"list.csv": lines}) / "list.csv"
    assert names(manifest) == names(f"folder:{manifest}") == ["a.mp4", "b.mp4", "c.mp4"]
    found = find_videos(manifest, "test")
    assert [(item.path.name, item.source, item.label) for item in found] == [
        ("b.mp4", "t", None),
        ("c.mp4", "c", "run"),
    ]
    with pytest.raises(DataError, match="lists no split val; it has train, test"):
        find_videos(manifest, "val")


def test_train_and_test_mean_the_lists_customary_for_each_data_set(tmp_path: Path) -> None:
    ucf = put_ucf101(tmp_path / "ucf", b"")
    assert {item.source for item in find_videos(f"ucf101:{ucf}", "train")} == {
        "Archery g02",
        "Basketball g02",
    }
    assert {item.source for item in find_videos(f"ucf101:{ucf}", "test")} == {
        "Archery g01",
        "Basketball g01",
    }
    assert find_videos(f"ucf101:{ucf}", "test01") == find_videos(f"ucf101:{ucf}", "test")
    assert len(find_videos(f"ucf101:{ucf}")) == 8
    hmdb = put_hmdb51(tmp_path / "hmdb", b"")
    assert [i.source for i in find_videos(f"hmdb51:{hmdb}", "train")] == ["Up_2", "Re-_Show_your_Smile!"]
    kinetics = put_kinetics(tmp_path / "k", b"", "{split}/{label}/{name}.mp4")
    assert names(f"kinetics400:{kinetics}", "train") == ["--0edUL8zmA_000004_000014.mp4"]
    assert names(f"kinetics400:{kinetics}", "test") == names(f"kinetics400:{kinetics}", "val")
    assert names(f"kinetics400:{kinetics}", "val") == ["a_b-CdEfGhI_000120_000130.mp4"]
    put_scene(tmp_path / "nfs", "ball", (1, 2))
    assert names(f"nfs:{tmp_path / 'nfs'}", "test") == ["ball"]
    with pytest.raises(DataError, match=r"nfs in .* has no list train; it has test"):
        find_videos(f"nfs:{tmp_path / 'nfs'}", "train")


def test_listed_videos_that_are_missing_are_kept_unless_all_are(tmp_path: Path) -> None:
    root = put_ucf101(tmp_path, b"")
    tested = [item.path for item in find_videos(f"ucf101:{root}", "test")]
    for path in tested[1:]:
        path.unlink()
    assert [item.path for item in find_videos(f"ucf101:{root}", "test")] == tested
    tested[0].unlink()
    with pytest.raises(DataError, match="none of the 4 videos that ucf101 lists"):
        find_videos(f"ucf101:{root}", "test")


def test_a_path_is_a_path_whatever_colons_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, {"ucf101:old/a.mp4": b"", "a:b/c.mp4": b"", "C:/d.mp4": b""})
    assert names("ucf101:old") == ["a.mp4"]
    assert names("a:b") == names(tmp_path / "a:b") == ["c.mp4"]
    assert names("C:") == ["d.mp4"]
    for drive in (r"D:\films", "D:/films"):
        with pytest.raises(DataError, match="does not exist; give a folder"):
            find_videos(drive)


def test_names_that_do_not_exist_are_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set ucf11; did you mean ucf101"):
        find_videos(f"ucf11:{tmp_path}")
    with pytest.raises(DataError, match=f"no data set xyz; known: {', '.join(DATASETS)}"):
        find_videos(f"xyz:{tmp_path}")
    with pytest.raises(DataError, match="is neither a folder nor a CSV"):
        find_videos(put(tmp_path, {"film.mp4": b""}) / "film.mp4")


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_says_what_is_missing_from_an_empty_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"; (unpack|put|give) "):
        DATASETS[name].read(tmp_path)
