import csv
import json
from pathlib import Path

import pytest

from command_line import refused
from layouts import put, put_kinetics, put_scene, put_ucf101
from speediness.cli.main import main
from speediness.datasets import DATASETS
from synthetic import steady, write_video


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_video(tmp_path_factory.mktemp("film") / "film.mp4", steady(4)).read_bytes()


def test_list_names_every_data_set_and_where_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list"]) == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert lines == [[name, data_set.origin] for name, data_set in DATASETS.items()]


def test_all_well_is_exit_code_0(tmp_path: Path, video: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, {"a.mp4": video, "b.mp4": video})
    assert main(["data", "verify", "folder", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "a frame was decoded of 2 videos" in out and out.endswith("all well\n")


def test_problems_are_exit_code_1_named_and_counted(
    tmp_path: Path, video: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    root = put_ucf101(tmp_path / "ucf", video)
    put(root, {f"UCF-101/Archery/v_Archery_g0{n}_c09.avi": video for n in range(1, 8)})
    put(root, {"UCF-101/Archery/v_Archery_g01_c01.avi": b""})
    assert main(["data", "verify", "ucf101", str(root), "--jobs", "1"]) == 1
    out = capsys.readouterr().out
    assert "2 of 101 published classes" in out
    assert "unlisted: 7\n" in out and "and 2 more; --report names all" in out
    assert "v_Archery_g01_c01.avi: is empty" in out
    assert out.endswith("\nproblems: 15\n")  # 6 lists, the classes, 7 videos too many, 1 that is empty


def test_one_document_holds_what_the_table_says(
    tmp_path: Path, video: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    root = put_kinetics(tmp_path, video, "{split}/{name}.mp4")
    (root / "test/ZZZZZZZZZZZ_000000_000010.mp4").unlink()
    assert main(["data", "verify", "kinetics600", str(root), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "schema": "speediness.data/1",
        "name": "kinetics600",
        "root": str(root),
        "lists": {
            "test": {"listed": 1, "published": [], "present": 0},
            "train": {"listed": 1, "published": [], "present": 1},
            "val": {"listed": 1, "published": [], "present": 1},
        },
        "classes": {"listed": 2, "published": 600},
        "decoded": 2,
        "missing": 1,
        "missing_is_normal": True,
        "shared_sources": 0,
        "problems": [
            {"kind": "count", "what": "classes", "detail": "the lists name 2; 600 were published"},
        ],
    }


def test_the_report_holds_every_finding_those_that_are_normal_too(
    tmp_path: Path, video: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    root = put_kinetics(tmp_path / "k", video, "{split}/{name}.mp4")
    gone = root / "val/a_b-CdEfGhI_000120_000130.mp4"
    gone.unlink()
    report = tmp_path / "report.csv"
    assert main(["data", "verify", "kinetics600", str(root), "--report", str(report)]) == 1
    assert str(report) in capsys.readouterr().out
    with report.open(newline="") as file:
        rows = list(csv.reader(file))
    missing = root / "val/massaging_person's_head" / gone.name
    assert rows == [
        ["kind", "what", "detail"],
        ["count", "classes", "the lists name 2; 600 were published"],
        ["missing", str(missing), "listed, not on disk"],
    ]


def test_what_cannot_be_verified_is_exit_code_2(
    tmp_path: Path, video: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path, {"a.mp4": video, "taken.csv": ""})
    for arguments, reason in (
        (["ucf", str(tmp_path)], "no data set ucf; did you mean ucf101?"),
        (["hmdb51", str(tmp_path)], "test_train_splits.rar"),
        (["folder", str(tmp_path), "--report", str(tmp_path / "taken.csv")], "taken.csv exists"),
        (["folder", str(tmp_path), "--report", str(tmp_path / "no/r.csv")], "does not exist"),
    ):
        assert reason in refused(["data", "verify", *arguments], capsys)
    assert (tmp_path / "taken.csv").read_bytes() == b""


def test_without_a_command_its_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data"]) == 2
    assert "verify" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["verify"], ["verify", "folder", "x", "--jobs", "0"], ["mend"]])
def test_bad_arguments_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    refused(["data", *arguments], capsys)


@pytest.mark.usefixtures("stopped_by_user")
def test_ctrl_c_leaves_no_report(tmp_path: Path, video: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path / "films", {"a.mp4": video})
    report = tmp_path / "report.csv"
    assert main(["data", "verify", "folder", str(tmp_path / "films"), "--report", str(report)]) == 130
    assert "stopped" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["films"]


def test_evaluate_measures_on_the_test_list_of_a_data_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for scene in ("ball", "cup"):
        put_scene(tmp_path, scene, range(1, 1200, 8))  # every eighth: the gaps are heeded
    assert main(["evaluate", "speed", "--data", f"nfs:{tmp_path}", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["films"] == 2 and set(report["per_source"]) == {"ball", "cup"}
    assert report["windows"] == 4 * 2  # of 5 s each: the middles of 4 s windows from 2 to 3 s
    assert main(["evaluate", "speed", "--data", f"ucf101:{tmp_path}"]) == 2
    assert "UCF101TrainTestSplits" in capsys.readouterr().err
