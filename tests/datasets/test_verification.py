from dataclasses import replace
from pathlib import Path

import pytest

from layouts import put, put_hmdb51, put_kinetics, put_scene, put_ucf101
from speediness.datasets import DATASETS
from speediness.datasets.data_set import DataSet
from speediness.datasets.decoded_video import open_item
from speediness.datasets.image_folder import ImageFolder
from speediness.datasets.mocap import CaptureVideo
from speediness.datasets.verification import ListCount, Verification, verify
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.video.reader import VideoReader

UCF101 = replace(DATASETS["ucf101"], videos={"train01": (4,), "test01": (4,)}, classes=2)
HMDB51 = replace(DATASETS["hmdb51"], videos={}, classes=2)
KINETICS = replace(DATASETS["kinetics400"], videos={}, classes=2)
NFS = replace(DATASETS["nfs"], videos={})


def found(data_set: DataSet, root: Path) -> list[tuple[str, str, str]]:
    """Kind, what below the root, and detail of every finding."""
    findings = verify(data_set, root, jobs=2).findings
    return [(f.kind, f.what.removeprefix(f"{root}/"), f.detail) for f in findings]


def test_a_whole_copy_has_no_findings(tmp_path: Path, video: bytes) -> None:
    root = put_ucf101(tmp_path, video)
    assert verify(UCF101, root) == Verification(
        lists={"train01": ListCount(4, (4,), 4), "test01": ListCount(4, (4,), 4)},
        classes=2,
        published_classes=2,
        decoded=8,
        findings=[],
        shared_sources=0,
        missing_is_normal=False,
    )


@pytest.mark.parametrize("pattern", ["{split}/{label}/{name}.mp4", "{split}/{name}.mp4", "{name}.mp4"])
def test_every_layout_of_kinetics_is_whole(tmp_path: Path, video: bytes, pattern: str) -> None:
    assert found(KINETICS, put_kinetics(tmp_path, video, pattern)) == []


def test_each_bad_file_is_named_once_with_the_reason(tmp_path: Path, video: bytes) -> None:
    root = put_ucf101(tmp_path, video)
    put(
        root / "UCF-101/Archery",
        {
            "v_Archery_g01_c01.avi": b"",
            "v_Archery_g01_c02.avi": "this is a text, whatever its name\n" * 50,
            "v_Archery_g02_c01.avi": video[: len(video) // 3],
        },
    )
    (root / "UCF-101/Archery/v_Archery_g02_c02.avi").unlink()
    missing, *unreadable = found(UCF101, root)
    assert missing == ("missing", "UCF-101/Archery/v_Archery_g02_c02.avi", "listed, not on disk")
    assert [(kind, what) for kind, what, _ in unreadable] == [
        ("unreadable", f"UCF-101/Archery/v_Archery_{clip}.avi")
        for clip in ("g02_c01", "g01_c01", "g01_c02")
    ]
    assert [detail.partition(";")[0] for _, _, detail in unreadable] == [
        "is not a video, or is damaged or cut short beyond use",
        "is empty",
        "is not a video, or is damaged or cut short beyond use",
    ]
    report = verify(UCF101, root)
    assert report.decoded == 4 and report.lists["train01"] == ListCount(4, (4,), 3)


def test_every_name_for_a_broken_file_is_refused_not_a_crash(tmp_path: Path, video: bytes) -> None:
    suffixes = ("mp4", "avi", "mkv", "webm", "gif", "mov", "mpg")
    junk = {
        "text": b"frame 1, frame 2, frame 3 " * 99,
        "zeros": bytes(5000),
        "head": video[:600],
        "none": b"",
    }
    put(tmp_path, {f"{name}.{suffix}": content for name, content in junk.items() for suffix in suffixes})
    report = verify(DATASETS["folder"], tmp_path)
    assert [finding.kind for finding in report.findings] == ["unreadable"] * (len(junk) * len(suffixes))
    assert report.decoded == 0


def test_a_fault_of_the_decoder_is_a_finding_and_the_others_go_on(
    tmp_path: Path, video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(item: VideoItem) -> VideoReader | ImageFolder | CaptureVideo:
        if item.path.name == "b.mp4":
            raise ValueError("no such number")
        return open_item(item)

    monkeypatch.setattr("speediness.datasets.verification.open_item", faulty)
    put(tmp_path, {"a.mp4": video, "b.mp4": video, "c.mp4": video})
    assert found(DATASETS["folder"], tmp_path) == [("unreadable", "b.mp4", "ValueError: no such number")]


def test_what_lies_beside_the_listed_videos_is_found(tmp_path: Path, video: bytes) -> None:
    root = put_ucf101(tmp_path, video)
    put(
        root / "UCF-101",
        {
            "Archery/v_Archery_g03_c01.avi": video,
            "Archery/._v_Archery_g01_c01.avi": b"\0",
            "Archery/notes.txt": "",
            "Archery/TSP_Flows/u/v_Archery_g01_c01.avi": video,
            "Archery/TSP_Flows/v/1.jpg": b"",
            "Diving/1.jpg": b"",
            ".cache/1.mp4": b"",
        },
    )
    assert sorted(found(UCF101, root)) == [
        ("stray", "UCF-101/Archery/TSP_Flows", "a folder that holds no listed video"),
        ("stray", "UCF-101/Diving", "a folder that holds no listed video"),
        ("unlisted", "UCF-101/Archery/v_Archery_g03_c01.avi", "a video in no list"),
    ]


def test_lists_inside_the_folder_of_videos_are_no_strays(tmp_path: Path, video: bytes) -> None:
    assert found(UCF101, put_ucf101(tmp_path, video, videos=".")) == []


def test_a_split_that_leaks_is_found(tmp_path: Path, video: bytes) -> None:
    root = put_ucf101(tmp_path, video)
    put(
        root / "ucfTrainTestlist",
        {
            "trainlist01.txt": "Archery/v_Archery_g01_c01.avi 1\n"
            "Archery/v_Archery_g02_c01.avi 1\n"
            "Archery/v_Archery_g02_c01.avi 1\n"
            "Basketball/v_Basketball_g02_c01.avi 2\n",
            "testlist01.txt": "Archery/v_Archery_g01_c01.avi\n"
            "Archery/v_Archery_g02_c02.avi\n"
            "Basketball/v_Basketball_g01_c01.avi\n",
        },
    )
    where = "in train01 and test01"
    assert [finding for finding in found(UCF101, root) if finding[0] != "unlisted"] == [
        ("count", "test01", "lists 3 videos; 4 were published"),
        ("twice", "UCF-101/Archery/v_Archery_g02_c01.avi", "2 times in train01"),
        ("both sides", "UCF-101/Archery/v_Archery_g01_c01.avi", where),
        ("shared source", "Archery g02", where),
    ]


def test_counts_are_held_to_any_published_edition(tmp_path: Path, video: bytes) -> None:
    root = put_kinetics(tmp_path, video, "{name}.mp4")
    editions = replace(KINETICS, videos={"train": (2, 1), "val": (1000, 2000), "holdout": (5,)}, classes=3)
    of_all = [
        ("count", "val", "lists 1 videos; 1,000 or 2,000 were published"),
        ("count", "classes", "the lists name 2; 3 were published"),
    ]
    assert found(editions, root) == of_all
    no_such_list = ("count", "holdout", "there is no such list; 5 videos were published")
    assert found(replace(editions, missing_is_normal=False), root) == [of_all[0], no_such_list, of_all[1]]


def test_a_video_may_serve_two_classes_on_different_sides_of_hmdb51(tmp_path: Path, video: bytes) -> None:
    root = put_hmdb51(tmp_path, video)
    report = verify(HMDB51, root)
    assert report.findings == [] and report.shared_sources == 1
    lines = root / "testTrainMulti_7030_splits/kick_ball_test_split1.txt"
    lines.write_text(lines.read_text().replace("bad_1.avi 0", "bad_1.avi 2"))
    assert found(HMDB51, root) == [("shared source", "Up_2", "in train1 and test1")]


def test_missing_videos_are_counted_but_no_problem_where_that_is_normal(
    tmp_path: Path, video: bytes
) -> None:
    root = put_kinetics(tmp_path, video, "{split}/{name}.mp4")
    (root / "val/a_b-CdEfGhI_000120_000130.mp4").unlink()
    report = verify(KINETICS, root)
    assert report.problems == [] and [finding.kind for finding in report.missing] == ["missing"]
    assert report.lists["val"] == ListCount(1, (), 0)
    strict = verify(replace(KINETICS, missing_is_normal=False), root)
    assert strict.problems == strict.missing == report.missing
    assert report.to_json()["missing"] == 1 and report.to_json()["problems"] == []


def test_a_scene_of_images_is_decoded_and_its_other_rate_is_no_stray(tmp_path: Path) -> None:
    root = put_scene(put_scene(tmp_path, "ball", (1, 2)), "ball", (1,), rate=30)
    put_scene(root, "cup", (1,))
    put(
        root,
        {
            "ball/240/ball.txt": "0 0 9 9\n",
            "cup/240/cup/00001.jpg": "no image\n" * 30,
            "readme/x.txt": "",
        },
    )
    put(root, {"empty/240/empty.txt": ""})
    assert found(NFS, root) == [
        ("missing", "empty/240/empty", "listed, not on disk"),
        ("stray", "readme", "a folder that holds no listed video"),
        (
            "unreadable",
            "cup/240/cup",
            "/00001.jpg is not an image, or is damaged or cut short; unpack it again",
        ),
    ]


def test_a_manifest_is_held_to_its_own_splits(tmp_path: Path, video: bytes) -> None:
    lines = "file,split,source,label\na.mp4,train,s,jump\nb.mp4,test,s,run\nc.mp4,extra,s,\nd.mp4,test,t,\n"
    put(tmp_path, {"manifest.csv": lines, "a.mp4": video, "b.mp4": video, "c.mp4": video, "e.mp4": video})
    expected = [
        ("shared source", "s", "in train and test"),
        ("missing", "d.mp4", "listed, not on disk"),
        ("unlisted", "e.mp4", "a video in no list"),
    ]
    assert found(DATASETS["folder"], tmp_path) == expected
    manifest = verify(DATASETS["folder"], tmp_path / "manifest.csv")
    assert [finding.kind for finding in manifest.findings] == [kind for kind, _, _ in expected]


def test_progress_reaches_the_end_and_ctrl_c_stops(tmp_path: Path, video: bytes) -> None:
    put(tmp_path, {f"{n:03d}.mp4": video for n in range(150)})
    calls: list[tuple[float, float]] = []
    verify(DATASETS["folder"], tmp_path, jobs=2, progress=lambda *call: calls.append(call))
    assert calls == [(n, 150) for n in range(1, 151)]
    calls.clear()

    def stop(done: float, total: float) -> None:
        calls.append((done, total))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(DATASETS["folder"], tmp_path, jobs=2, progress=stop)
    assert len(calls) == 3


def test_nothing_to_verify_is_an_error(tmp_path: Path) -> None:
    root = put_ucf101(tmp_path, b"")
    for path in (root / "UCF-101").rglob("*.avi"):
        path.unlink()
    with pytest.raises(DataError, match="none of the 8 listed videos"):
        verify(UCF101, root)
