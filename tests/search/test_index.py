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
from speediness.cli.main import main
from speediness.corpus.watching import Watching
from speediness.errors import DataError, OutputError
from speediness.search.index import Changes, update_library
from speediness.search.library import Library, writing

HOW = Watching("speednet-small", "auto", exact=False, cache=True, windows=True)


def update(films: Path, db: Path) -> Changes:
    return update_library(films, db, HOW)


def test_a_row_for_every_window_and_every_film(films: Path, tmp_path: Path) -> None:
    changes = update(films, tmp_path / "db")
    assert len(changes.watched) == 4 and not changes.failed
    held = rows(tmp_path / "db")
    assert [row["path"] for row in held["films"]] == [
        "below/it's 100%_ours.mp4",
        *(f"film-{n}.mp4" for n in range(3)),
    ]
    assert {row["root"] for row in held["films"]} == {str(films)}
    for film in held["films"]:
        assert film["duration_s"] == pytest.approx(2.5) and film["frame_rate"] == pytest.approx(12)
        shares = [film[f"share_{label}"] for label in ("natural", "sped_up", "slow_motion")]
        assert sum(shares) == pytest.approx(1) and not film["error"]
        windows = [row for row in held["windows"] if row["film"] == film["film"]]
        assert [row["start_s"] for row in windows] == pytest.approx([0, 0.5])
        assert [row["end_s"] for row in windows] == pytest.approx([2, 2.5])
        assert film["windows"] == 2 and {row["sha256"] for row in windows} == {film["sha256"]}
        for row in windows:
            assert np.linalg.norm(row["vector"]) == pytest.approx(1, abs=1e-5)
            assert row["picture"].startswith(b"\xff\xd8") and row["motion"] > 0
            assert 0 <= row["confidence"] <= 1 and row["factor"] > 0


def test_nothing_is_decoded_a_second_time(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(films, tmp_path / "db")
    before = rows(tmp_path / "db")

    def refuse(*_: object) -> None:
        raise AssertionError("a film was opened")

    for module in ("video.reader", "corpus.pictures"):
        monkeypatch.setattr(f"speediness.{module}.open_media", refuse)
    monkeypatch.setattr("speediness.corpus.watching.file_sha256", refuse)
    assert update(films, tmp_path / "db").unchanged == 4
    assert rows(tmp_path / "db") == before


def test_a_film_is_read_for_its_digest_once(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("read by the store as well")

    monkeypatch.setattr("speediness.analysis.store.file_sha256", refuse)
    assert len(update(films, tmp_path / "db").watched) == 4


def test_what_is_new_changed_renamed_touched_or_gone(
    films: Path, stored_films: list[Path], tmp_path: Path
) -> None:
    shutil.copy(stored_films[3], films / "film-9.mp4")  # two files of one content
    assert len(update(films, tmp_path / "db").watched) == 5
    (films / "film-0.mp4").unlink()
    shutil.copy(stored_films[0], films / "film-1.mp4")
    (films / "film-2.mp4").rename(films / "renamed.mp4")
    os.utime(films / "film-9.mp4")
    changes = update(films, tmp_path / "db")
    assert changes.removed == ["film-0.mp4", "film-2.mp4"]
    assert changes.known == ["film-1.mp4", "film-9.mp4", "renamed.mp4"] and not changes.watched
    assert update(films, tmp_path / "db").unchanged == 4
    update(films, tmp_path / "fresh")
    assert rows(tmp_path / "db") == rows(tmp_path / "fresh")


@pytest.mark.parametrize("count", [2, 3])
def test_films_that_trade_names_keep_their_windows(films: Path, tmp_path: Path, count: int) -> None:
    """As a recorder does that counts its files from the newest."""
    update(films, tmp_path / "db")
    before = rows(tmp_path / "db")["windows"]
    names = [films / f"film-{n}.mp4" for n in range(count)]
    names[-1].rename(films / "last")
    for n in range(count - 1, 0, -1):
        names[n - 1].rename(names[n])
    (films / "last").rename(names[0])
    changes = update(films, tmp_path / "db")
    assert sorted(changes.known) == [name.name for name in names] and not changes.watched
    turned = {f"film-{n}.mp4": f"film-{(n + 1) % count}.mp4" for n in range(count)}
    wanted = sorted((turned.get(row["path"], row["path"]), row["start_s"], row["sha256"]) for row in before)
    after = rows(tmp_path / "db")["windows"]
    assert [(row["path"], row["start_s"], row["sha256"]) for row in after] == wanted


def test_bad_films_are_named_once_and_remembered(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (films / "bad <b>.mp4").write_text("no film")
    (films / "empty.mp4").touch()
    command = ["index", str(films), "--db", str(tmp_path / "db"), "--json"]
    for watched, unchanged in ((4, 0), (0, 6)):
        assert main(command) == 2
        out, err = capsys.readouterr()
        document = json.loads(out)
        assert len(document["watched"]) == watched and document["unchanged"] == unchanged
        assert set(document["failed"]) == {"bad <b>.mp4", "empty.mp4"}
        assert "bad <b>.mp4 is not a video" in err and "empty.mp4 is empty" in err
    shutil.copy(films / "film-0.mp4", films / "empty.mp4")
    assert main(command) == 2
    assert set(json.loads(capsys.readouterr().out)["failed"]) == {"bad <b>.mp4"}


def test_a_film_of_another_network_is_refused_in_a_line(
    films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with writing(tmp_path / "db", "another", "0" * 64):
        pass
    assert main(["index", str(films), "--db", str(tmp_path / "db")]) == 2
    err = capsys.readouterr().err.strip()
    assert "made with the network another (000000000000)" in err and "\n" not in err


def test_one_writer_at_a_time(films: Path, tmp_path: Path) -> None:
    with writing(tmp_path / "db", "a", "1"), pytest.raises(OutputError, match="wait for it"):
        update(films, tmp_path / "db")


def test_an_empty_folder_takes_nothing_out(films: Path, tmp_path: Path) -> None:
    update(films, tmp_path / "db")
    before = rows(tmp_path / "db")
    films.rename(tmp_path / "elsewhere")
    films.mkdir()
    with pytest.raises(DataError, match="no films in"):
        update(films, tmp_path / "db")
    assert rows(tmp_path / "db") == before


def test_a_manifest_names_the_films(films: Path, tmp_path: Path) -> None:
    manifest = films / "some.csv"
    manifest.write_text("file,split,source\nfilm-1.mp4,train,a\nmissing.mp4,train,b\n")
    changes = update(manifest, tmp_path / "db")
    assert changes.watched == ["film-1.mp4"] and set(changes.failed) == {"missing.mp4"}


def test_killed_anywhere_the_next_run_makes_it_whole(films: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "speediness.cli.main",
        "index",
        str(films),
        "--db",
        str(tmp_path / "db"),
    ]
    command.append("--no-cache")
    update(films, tmp_path / "whole")
    rng = random.Random(0)
    kills = 0
    for n in range(10):
        (films / f"film-{n % 3}.mp4").touch()
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
    update(films, tmp_path / "db")
    update(films, tmp_path / "whole")
    assert rows(tmp_path / "db") == rows(tmp_path / "whole")


def test_a_film_is_seen_as_it_was_until_it_is_seen_as_it_is(films: Path, tmp_path: Path) -> None:
    update(films, tmp_path / "db")
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
