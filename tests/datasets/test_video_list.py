from pathlib import Path

import pytest

from speediness.datasets.video_list import (
    MOST_SCORED,
    VideoItem,
    from_folder,
    from_manifest,
    held_out,
    subsample,
)
from speediness.errors import DataError


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def test_a_folder_is_listed_in_order_each_file_its_own_source(tmp_path: Path) -> None:
    root = folder_of(tmp_path, "b.mp4", "a.MOV", "deep/c.webm", "notes.txt")
    items = from_folder(root)
    assert [item.path.name for item in items] == ["a.MOV", "b.mp4", "c.webm"]
    assert [item.source for item in items] == ["a", "b", "c"]


@pytest.mark.parametrize("where", ["test", "."])
def test_a_manifest_in_or_beside_the_folder_names_the_sources(tmp_path: Path, where: str) -> None:
    folder_of(tmp_path, "test/a.mp4", "test/b.mp4")
    (tmp_path / "manifest.csv").write_text("file,split,source\ntest/a.mp4,test,someone\n")
    assert {(i.path.name, i.source) for i in from_folder(tmp_path / where)} == {
        ("a.mp4", "someone"),
        ("b.mp4", "b"),
    }


def test_a_manifest_lists_one_split(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("file,split,source\nx/a.mp4,train,s\nx/b.mp4,test,t\n")
    assert from_manifest(tmp_path / "m.csv", "test") == [VideoItem(tmp_path / "x/b.mp4", "t")]
    assert len(from_manifest(tmp_path / "m.csv")) == 2


def test_labels_are_read_and_a_video_without_a_source_is_its_own(tmp_path: Path) -> None:
    lines = "\ufefffile,split,source,label\nx/a.mp4,train,,jump\nx/b.mp4,train,s,\n"
    (tmp_path / "m.csv").write_text(lines, encoding="utf-8")
    assert from_manifest(tmp_path / "m.csv", "train") == [
        VideoItem(tmp_path / "x/a.mp4", "a", "jump"),
        VideoItem(tmp_path / "x/b.mp4", "s"),
    ]


def test_shadow_files_are_no_videos_and_links_are_followed(tmp_path: Path) -> None:
    folder_of(tmp_path / "disk", "b.mp4", "._b.mp4")
    folder_of(tmp_path / "films", "a.mp4")
    (tmp_path / "films/more").symlink_to(tmp_path / "disk")
    assert [item.path.name for item in from_folder(tmp_path / "films")] == ["a.mp4", "b.mp4"]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        from_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no video files"):
        from_folder(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        from_manifest(tmp_path / "nowhere.csv")
    (tmp_path / "m.csv").write_text("path,source\na,b\n")
    with pytest.raises(DataError, match="lacks the columns file, split"):
        from_manifest(tmp_path / "m.csv")
    (tmp_path / "m.csv").write_text("file,split,source\na.mp4,train,s\n,train,s\n")
    with pytest.raises(DataError, match=r"line 3 of .*m\.csv names no file"):
        from_manifest(tmp_path / "m.csv")
    (tmp_path / "m.csv").write_bytes(b"file,split,source\n\xff\xfe.mp4,train,s\n")
    with pytest.raises(DataError, match="not a CSV in UTF-8"):
        from_manifest(tmp_path / "m.csv")


def test_sources_are_held_out_whole_and_the_same_way_every_time() -> None:
    items = [VideoItem(Path(f"{s}-{n}.mp4"), f"source {s}") for s in range(300) for n in range(3)]
    kept, held = held_out(items, 0.2)
    assert not {i.source for i in kept} & {i.source for i in held}
    assert len(kept) + len(held) == len(items)
    assert 0.12 < len(held) / len(items) < 0.28
    assert held_out(items[::-1], 0.2)[1] == held[::-1]


def test_of_very_many_videos_some_are_scored_evenly_chosen() -> None:
    many = [VideoItem(Path("a.mp4"), str(n)) for n in range(2 * MOST_SCORED + 1)]
    chosen = [int(item.source) for item in subsample(many)]
    assert len(chosen) <= MOST_SCORED and chosen == list(range(0, len(many), 3))
    assert subsample(many[:7]) == many[:7] and subsample([]) == []
