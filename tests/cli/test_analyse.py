import csv
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from command_line import complaints, names, refused
from speediness.cli.analyse import write_csv
from speediness.cli.main import main
from speediness.plots import PALETTES
from speediness.results.curve import SpeedinessCurve


def test_results_lie_beside_the_video_and_agree(
    video: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(video.parent)
    assert main(["analyse", video.name, "--csv"]) == 0
    assert names(video.parent) == {
        f"walk{end}" for end in (".mp4", *(f".speediness.{e}" for e in ("json", "png", "csv")))
    }
    curve = SpeedinessCurve.load(video.with_name("walk.speediness.json"))
    assert len(curve.times_s) == 60
    rows = list(csv.DictReader(video.with_name("walk.speediness.csv").open()))
    assert len(rows) == 60 and len(rows[0]) == 4 + len(curve.factors)
    assert video.with_name("walk.speediness.png").read_bytes().startswith(b"\x89PNG")
    out = capsys.readouterr().out
    assert "walk.mp4: 2.4 s, 60 frames" in out and "confidence" in out and "walk.speediness.json" in out
    assert "\x1b" not in out and max(map(len, out.splitlines())) <= 80  # there is no terminal


def test_the_plot_may_be_dark_and_svg(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyse", str(video), "--svg", "--dark"]) == 0
    assert names(video.parent) == {"walk.mp4", "walk.speediness.json", "walk.speediness.svg"}
    drawing = video.with_name("walk.speediness.svg").read_text()
    assert ">walk.mp4  ·  2.4 s</text>" in drawing and "data:image/png" in drawing
    assert PALETTES["dark"].paper.lower() in drawing
    assert "walk.speediness.svg" in capsys.readouterr().out
    assert main(["analyse", str(video), "--svg"]) == 2  # it is there already


def test_json_is_one_document_and_a_bad_video_stops_no_other(
    video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, bad = video.with_name("missing.mp4"), video.with_name("a bad file.mp4")
    bad.write_text("no video")
    video = video.rename(video.with_name("other video ü.mp4"))
    assert main(["analyse", str(bad), str(video), str(missing), "--json"]) == 2
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["schema"] == "speediness.summary/1"
    (summary,) = document["films"]
    assert summary["frames"] == 60 and summary["duration_s"] == pytest.approx(2.4)
    assert sum(summary["share"].values()) == pytest.approx(1, abs=1e-3)
    assert Path(summary["outputs"]["curve"]).is_file() and Path(summary["outputs"]["plot"]).is_file()
    assert [error["video"] for error in document["errors"]] == [str(bad), str(missing)]
    assert len(complaints(err)) == 2 and "does not exist" in err and "a bad file.mp4 is not a video" in err
    assert not list(video.parent.glob("a bad file.speediness.*"))


def test_earlier_results_are_not_replaced_unasked(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    earlier = video.with_name("walk.speediness.png")
    earlier.write_text("mine")
    assert main(["analyse", str(video)]) == 2
    assert "--force" in capsys.readouterr().err
    assert earlier.read_text() == "mine" and names(video.parent) == {"walk.mp4", earlier.name}
    assert main(["analyse", str(video), "--force"]) == 0
    assert earlier.read_bytes().startswith(b"\x89PNG")


def test_two_videos_never_write_to_one_file(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = video.with_suffix(".mov")
    shutil.copy(video, twin)
    assert main(["analyse", str(video), str(twin), "-o", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert str(video) in err and str(twin) in err
    assert not list(tmp_path.rglob("*.speediness.*"))


def test_a_folder_is_its_videos_laid_out_alike(video: Path, tmp_path: Path) -> None:
    (video.parent / "below").mkdir()
    shutil.copy(video, video.parent / "below" / "other.mov")
    assert main(["analyse", str(video.parent), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    kept = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.json")}
    assert kept == {"walk.speediness.json", "below/other.speediness.json"}
    assert main(["analyse", str(video.parent / "*.mp4"), "--quiet"]) == 0
    assert video.with_name("walk.speediness.json").exists()
    assert main(["analyse", str(video.parent / "*.avi")]) == 2


def test_the_folder_can_be_chosen_and_is_made(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (video, video / "below"):
        assert main(["analyse", str(video), "-o", str(folder)]) == 2
        assert "choose another" in capsys.readouterr().err
    assert "without .json" in refused(["analyse", video, "-o", tmp_path / "walk.json"], capsys)
    out = tmp_path / "deep" / "out"
    assert main(["analyse", str(video), "-o", str(out)]) == 0
    assert names(out) == {"walk.speediness.json", "walk.speediness.png"} and names(video.parent) == {
        "walk.mp4"
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_refused_before_the_work(
    video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video.parent.chmod(0o500)
    assert main(["analyse", str(video)]) == 2
    video.parent.chmod(0o700)
    assert "-o" in capsys.readouterr().err


def test_ctrl_c_leaves_nothing(
    video: Path, stopped_by_user: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyse", str(video), "--json"]) == 130
    out, err = capsys.readouterr()
    assert out == "" and len(complaints(err)) == 1
    assert names(video.parent) == {"walk.mp4"}


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(video: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "speediness.cli.main", "analyse", str(video)],
        capture_output=True,
        text=True,
        check=False,
        # No file may grow beyond this, as if the disk ended there.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
    )
    assert run.returncode == 2
    assert len(complaints(run.stderr)) == 1 and "cannot write" in run.stderr
    assert names(video.parent) == {"walk.mp4"}


def test_csv_rows_carry_the_label_of_their_segment(curve_file: Path, tmp_path: Path) -> None:
    curve = SpeedinessCurve.load(curve_file)
    write_csv(curve, tmp_path / "a.csv")
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [row["label"] for row in rows] == ["slow_motion"] * 30 + ["natural"] * 30
    assert np.allclose([float(row["time_s"]) for row in rows], curve.times_s)
    assert np.allclose([float(row["limit"]) for row in rows], curve.limit(), atol=1e-4)
    assert np.allclose([float(row["natural_at_1.5625"]) for row in rows], curve.normal[2], atol=1e-4)
