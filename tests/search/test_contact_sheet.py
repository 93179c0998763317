import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import av
import pytest

from speediness.analysis.options import AnalysisOptions
from speediness.cli.main import main
from speediness.corpus.window_images import upright
from speediness.search.contact_sheet import contact_sheet, earlier_previews, previews
from speediness.search.hits import Hit
from speediness.search.index import update_library
from speediness.video.reader import VideoReader
from speediness.video.writer import VideoWriter

HOSTILE = "\"><img src=x onerror=alert(1)>&'<script>.mp4"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_of_strips_whatever_videos_are_called(stored_videos: list[Path], tmp_path: Path) -> None:
    hostile = tmp_path / HOSTILE
    hostile.write_bytes(stored_videos[0].read_bytes())
    gone = tmp_path / "gone <i>.mp4"
    hits = [Hit(hostile, 0.5, 2.5, 0.987, "slow_motion"), Hit(gone, 61, 62.04, 0.5)]
    contact_sheet(hits, tmp_path / "page.html")
    page = Tags()
    page.feed((tmp_path / "page.html").read_text())
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 6 and all(str(p["src"]).startswith("data:image/jpeg;base64,") for p in images)
    assert not {"script", "i"} & {tag for tag, _ in page.tags}
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    for shown in (
        str(hostile),
        "0.987",
        "slow motion",
        "0:00.5 to 0:02.5",
        "1:01.0 to 1:02.0",
        "does not exist",
    ):
        assert shown in page.text


def test_previews_are_videos_of_the_hits(stored_videos: list[Path], tmp_path: Path) -> None:
    hits = [Hit(stored_videos[0], 0.5, 2.5, 1.0), Hit(stored_videos[1], 0, 1, 0.5)]
    made, failed = previews(hits, tmp_path)
    assert not failed
    assert [path.name for path in made] == ["01-film-0.mp4", "02-film-1.mp4"]
    assert [len(list(VideoReader(path).frames())) for path in made] == [24, 12]


def test_a_video_that_is_gone_does_not_keep_the_others_from_being_shown(
    stored_videos: list[Path], tmp_path: Path
) -> None:
    gone = tmp_path / "gone.mp4"
    made, failed = previews([Hit(gone, 0, 1, 1.0), Hit(stored_videos[1], 0, 1, 0.5)], tmp_path)
    assert [path.name for path in made] == ["02-film-1.mp4"]
    assert list(failed) == [gone] and "does not exist" in failed[gone]


def test_earlier_previews_are_those_of_the_page_and_nothing_else(
    stored_videos: list[Path], tmp_path: Path
) -> None:
    page = tmp_path / "hits.html"
    assert earlier_previews(page) == set()
    hostile = tmp_path / HOSTILE
    hostile.write_bytes(stored_videos[0].read_bytes())
    hits = [Hit(stored_videos[1], 0, 1, 0.9), Hit(hostile, 0, 1, 0.5)]
    contact_sheet(hits, page)
    made, _ = previews(hits, tmp_path)
    (tmp_path / "03-film-1.mp4").write_bytes(b"somebody's own")
    assert earlier_previews(page) == set(made)


def test_a_preview_is_written_as_its_images_come(
    stored_videos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, ahead = [], []

    def make(*how: Any) -> Any:
        made.append(how)
        return upright(*how)

    class Writer(VideoWriter):
        def add_frame(self, frame: av.VideoFrame) -> None:
            super().add_frame(frame)
            ahead.append(len(made) - self.frames)

    monkeypatch.setattr("speediness.search.contact_sheet.upright", make)
    monkeypatch.setattr("speediness.search.contact_sheet.VideoWriter", Writer)
    previews([Hit(stored_videos[0], 0, 2, 1.0)], tmp_path)
    assert ahead == [0] * 24


def test_a_library_is_searched_again_when_a_video_is_gone(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db, out, query = tmp_path / "db", tmp_path / "found", tmp_path / "asked.mp4"
    for copy in (query, videos / "again.mp4"):
        copy.write_bytes((videos / "film-0.mp4").read_bytes())
    update_library(videos, db, AnalysisOptions())
    command = ["search", str(query), "--db", str(db), "-o", str(out), "--json", "--force"]
    assert main(command) == 0
    first = json.loads(capsys.readouterr().out)
    assert {Path(hit["path"]).name for hit in first} == {"film-0.mp4", "again.mp4"}
    assert len(list(out.glob("*.mp4"))) == len(first) == 2
    (out / "09-mine.mp4").write_text("no search wrote this")
    gone = Path(first[1]["path"])
    gone.unlink()
    assert main([*command, "--top", "2"]) == 0
    printed, err = capsys.readouterr()
    assert json.loads(printed) == first[:2]
    assert f"no short video of a find: {gone} does not exist" in err
    left = f"01-{Path(first[0]['path']).name}"
    assert {path.name for path in out.iterdir()} == {left, "09-mine.mp4", "hits.html"}
