import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from library_rows import rows
from speediness.analysis.options import AnalysisOptions
from speediness.cli.main import main
from speediness.errors import DataError, OutputError
from speediness.results.curve import LABELS
from speediness.search.index import Changes, update_library
from speediness.search.library import Library, writing

HOW = AnalysisOptions()


def update(videos: Path, db: Path) -> Changes:
    return update_library(videos, db, HOW)


def test_a_row_for_every_window_and_every_video(videos: Path, tmp_path: Path) -> None:
    changes = update(videos, tmp_path / "db")
    assert len(changes.analysed) == 4 and not changes.failed
    held = rows(tmp_path / "db")
    assert [row["path"] for row in held["films"]] == [
        "below/it's 100%_ours.mp4",
        *(f"film-{n}.mp4" for n in range(3)),
    ]
    assert {row["root"] for row in held["films"]} == {str(videos)}
    for video in held["films"]:
        assert video["duration_s"] == pytest.approx(2.5) and video["frame_rate"] == pytest.approx(12)
        shares = [video[f"share_{label}"] for label in LABELS]
        assert sum(shares) == pytest.approx(1) and not video["error"]
        windows = [row for row in held["windows"] if row["film"] == video["video"]]
        assert [row["start_s"] for row in windows] == pytest.approx([0, 0.5])
        assert [row["end_s"] for row in windows] == pytest.approx([2, 2.5])
        assert video["windows"] == 2 and {row["sha256"] for row in windows} == {video["sha256"]}
        for row in windows:
            assert np.linalg.norm(row["vector"]) == pytest.approx(1, abs=1e-5)
            assert row["picture"].startswith(b"\xff\xd8") and row["motion"] > 0
            assert 0 <= row["confidence"] <= 1 and row["factor"] > 0


def test_nothing_is_decoded_a_second_time(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(videos, tmp_path / "db")
    before = rows(tmp_path / "db")

    def refuse(*_: object) -> None:
        raise AssertionError("a video was opened")

    for module in ("video.reader", "corpus.window_images"):
        monkeypatch.setattr(f"speediness.{module}.open_media", refuse)
    monkeypatch.setattr("speediness.corpus.analysed_video.file_sha256", refuse)
    assert update(videos, tmp_path / "db").unchanged == 4
    assert rows(tmp_path / "db") == before


def test_a_video_is_read_for_its_digest_once(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("read by the store as well")

    monkeypatch.setattr("speediness.results.store.file_sha256", refuse)
    assert len(update(videos, tmp_path / "db").analysed) == 4


def test_what_is_new_changed_renamed_touched_or_gone(
    videos: Path, stored_videos: list[Path], tmp_path: Path
) -> None:
    shutil.copy(stored_videos[3], videos / "film-9.mp4")  # two files of one content
    assert len(update(videos, tmp_path / "db").analysed) == 5
    (videos / "film-0.mp4").unlink()
    shutil.copy(stored_videos[0], videos / "film-1.mp4")
    (videos / "film-2.mp4").rename(videos / "renamed.mp4")
    os.utime(videos / "film-9.mp4")
    changes = update(videos, tmp_path / "db")
    assert changes.removed == ["film-0.mp4", "film-2.mp4"]
    assert changes.known == ["film-1.mp4", "film-9.mp4", "renamed.mp4"] and not changes.analysed
    assert update(videos, tmp_path / "db").unchanged == 4
    update(videos, tmp_path / "fresh")
    assert rows(tmp_path / "db") == rows(tmp_path / "fresh")


@pytest.mark.parametrize("count", [2, 3])
def test_videos_that_trade_names_keep_their_windows(videos: Path, tmp_path: Path, count: int) -> None:
    """As a recorder does that counts its files from the newest."""
    update(videos, tmp_path / "db")
    before = rows(tmp_path / "db")["windows"]
    names = [videos / f"film-{n}.mp4" for n in range(count)]
    names[-1].rename(videos / "last")
    for n in range(count - 1, 0, -1):
        names[n - 1].rename(names[n])
    (videos / "last").rename(names[0])
    changes = update(videos, tmp_path / "db")
    assert sorted(changes.known) == [name.name for name in names] and not changes.analysed
    turned = {f"film-{n}.mp4": f"film-{(n + 1) % count}.mp4" for n in range(count)}
    wanted = sorted((turned.get(row["path"], row["path"]), row["start_s"], row["sha256"]) for row in before)
    after = rows(tmp_path / "db")["windows"]
    assert [(row["path"], row["start_s"], row["sha256"]) for row in after] == wanted


def test_bad_videos_are_named_once_and_remembered(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (videos / "bad <b>.mp4").write_text("no video")
    (videos / "empty.mp4").touch()
    command = ["index", str(videos), "--db", str(tmp_path / "db"), "--json"]
    for analysed, unchanged in ((4, 0), (0, 6)):
        assert main(command) == 2
        out, err = capsys.readouterr()
        document = json.loads(out)
        assert len(document["watched"]) == analysed and document["unchanged"] == unchanged
        assert set(document["failed"]) == {"bad <b>.mp4", "empty.mp4"}
        assert "bad <b>.mp4 is not a video" in err and "empty.mp4 is empty" in err
    shutil.copy(videos / "film-0.mp4", videos / "empty.mp4")
    assert main(command) == 2
    assert set(json.loads(capsys.readouterr().out)["failed"]) == {"bad <b>.mp4"}


def test_a_video_of_another_network_is_refused_in_a_line(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with writing(tmp_path / "db", "another", "0" * 64):
        pass
    assert main(["index", str(videos), "--db", str(tmp_path / "db")]) == 2
    err = capsys.readouterr().err.strip()
    assert "made with the network another (000000000000)" in err and "\n" not in err


def test_one_writer_at_a_time(videos: Path, tmp_path: Path) -> None:
    with writing(tmp_path / "db", "a", "1"), pytest.raises(OutputError, match="wait for it"):
        update(videos, tmp_path / "db")


def test_an_empty_folder_takes_nothing_out(videos: Path, tmp_path: Path) -> None:
    update(videos, tmp_path / "db")
    before = rows(tmp_path / "db")
    videos.rename(tmp_path / "elsewhere")
    videos.mkdir()
    with pytest.raises(DataError, match="no videos in"):
        update(videos, tmp_path / "db")
    assert rows(tmp_path / "db") == before


def test_a_manifest_names_the_videos(videos: Path, tmp_path: Path) -> None:
    manifest = videos / "some.csv"
    manifest.write_text("file,split,source\nfilm-1.mp4,train,a\nmissing.mp4,train,b\n")
    changes = update(manifest, tmp_path / "db")
    assert changes.analysed == ["film-1.mp4"] and set(changes.failed) == {"missing.mp4"}


@pytest.mark.slow
def test_killed_anywhere_the_next_run_makes_it_whole(videos: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "speediness.cli.main",
        "index",
        str(videos),
        "--db",
        str(tmp_path / "db"),
    ]
    command.append("--no-cache")
    update(videos, tmp_path / "whole")
    rng = random.Random(0)
    kills = 0
    for n in range(10):
        (videos / f"film-{n % 3}.mp4").touch()
        if n % 3 == 2:
            shutil.rmtree(tmp_path / "db", ignore_errors=True)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started = time.monotonic()
        after_s = rng.uniform(0, 1.5)
        while process.poll() is None and not (tmp_path / "db" / "films.lance").exists():
            time.sleep(0.01)
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        assert time.monotonic() - started < 60
    assert kills >= 5
    update(videos, tmp_path / "db")
    update(videos, tmp_path / "whole")
    assert rows(tmp_path / "db") == rows(tmp_path / "whole")


def test_a_video_is_seen_as_it_was_until_it_is_seen_as_it_is(videos: Path, tmp_path: Path) -> None:
    update(videos, tmp_path / "db")
    library = Library(tmp_path / "db")
    before = rows(tmp_path / "db")
    with writing(tmp_path / "db", library.network, library.network_sha256) as writer:
        row = writer.windows.search().limit(1).to_arrow()
        at = row.schema.get_field_index("film")
        import pyarrow as pa

        writer.windows.add(row.set_column(at, "film", pa.array(["killed before its film"])))
    assert len(rows(tmp_path / "db")["windows"]) == len(before["windows"]) + 1
    with writing(tmp_path / "db", library.network, library.network_sha256):
        pass
    assert rows(tmp_path / "db") == before
