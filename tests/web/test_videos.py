from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anyio import run

from speediness.web.api_error import ApiError
from speediness.web.database import Database
from speediness.web.settings import Limits, Settings
from speediness.web.videos import ServedVideo, ServedVideos, clean_name
from web_site import serving


@pytest.fixture
def videos(settings: Settings) -> ServedVideos:
    return ServedVideos(settings, Database(settings.state / "speediness.db"))


def upload(videos: ServedVideos, name: str, *blocks: bytes, promised: int | None = None) -> ServedVideo:
    async def body() -> AsyncIterator[bytes]:
        for block in blocks:
            yield block

    return run(videos.add, name, promised, body())


def names(videos: ServedVideos) -> list[str]:
    return [video.name for video in videos.all()]


def test_videos_of_the_folder_and_below_by_name(videos: ServedVideos, settings: Settings) -> None:
    (settings.folder / "sub").mkdir()
    (settings.folder / ".hidden").mkdir()
    for name in ("b.MP4", "a.mkv", "sub/c.webm", "notes.txt", ".hidden/d.mp4"):
        (settings.folder / name).write_bytes(b"x")
    assert names(videos) == ["a.mkv", "b.MP4", "sub/c.webm"]


def test_links_are_followed_only_within_the_folder(
    videos: ServedVideos, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "deep.mp4").write_bytes(b"secret")
    (settings.folder / "real.mp4").write_bytes(b"x")
    (settings.folder / "inside.mp4").symlink_to(settings.folder / "real.mp4")
    (settings.folder / "outside.mp4").symlink_to(tmp_path / "secret.mp4")
    (settings.folder / "dots.mp4").symlink_to("../secret.mp4")
    (settings.folder / "circle.mp4").symlink_to("circle.mp4")
    (settings.folder / "broken.mp4").symlink_to("nothing.mp4")
    (settings.folder / "folder").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(settings.folder / "pipe.mp4")  # reading it would wait for ever
    assert names(videos) == ["inside.mp4", "real.mp4"]


def test_a_video_that_became_a_link_to_elsewhere_is_gone(
    videos: ServedVideos, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "secret.mp4").write_bytes(b"x")
    path = settings.folder / "film.mp4"
    path.write_bytes(b"x")
    (video,) = videos.all()
    assert videos.find(video.id).path == path
    path.unlink()
    path.symlink_to(tmp_path / "secret.mp4")
    with pytest.raises(ApiError, match="no such video"):
        videos.find(video.id)


def test_a_video_that_changed_is_another_video(videos: ServedVideos, settings: Settings) -> None:
    path = settings.folder / "film.mp4"
    path.write_bytes(b"x")
    (before,) = videos.all()
    path.write_bytes(b"xy")
    (after,) = videos.all()
    assert before.id != after.id
    with pytest.raises(ApiError):
        videos.find(before.id)


def test_a_name_that_is_no_text_is_shown_and_found(videos: ServedVideos, settings: Settings) -> None:
    (settings.folder / os.fsdecode(b"caf\xe9\n.mp4")).write_bytes(b"x")
    (video,) = videos.all()
    assert video.name == "caf\\xe9�.mp4"
    assert videos.find(video.id).size_bytes == 1


def test_a_folder_whose_name_is_no_text_is_shown(settings: Settings) -> None:
    folder = settings.folder / os.fsdecode(b"films-\xe4")
    folder.mkdir()
    with serving(Settings(folder, settings.state)) as site:
        assert site.get("about")["folder"] == "films-\\xe4"


def test_an_upload_is_kept_under_a_name_of_our_own(videos: ServedVideos, settings: Settings) -> None:
    video = upload(videos, "../../etc/<b>passwd</b>.mp4", b"abc", b"def")
    assert video.name == "b>.mp4" and video.uploaded
    assert video.path.parent == settings.state / "uploads" and video.path.read_bytes() == b"abcdef"
    assert videos.find(video.id) == video
    assert [path.name for path in (settings.state / "uploads").iterdir()] == [video.id]


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("walk.mp4", "walk.mp4"),
        ("C:\\films\\walk.mp4", "walk.mp4"),
        ("a\x00b\r\nc.mp4", "a�b��c.mp4"),
        ("\u202egpj.exe", "�gpj.exe"),
        ("", "film"),
        ("..", ".."),
        ("x" * 500, "x" * 120),
    ],
)
def test_uploaded_names_are_for_showing_only(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned


@pytest.mark.parametrize("promised", [None, 11])
def test_an_upload_too_large_is_refused_and_leaves_nothing(
    settings: Settings, promised: int | None
) -> None:
    small = Settings(settings.folder, settings.state, limits=Limits(upload_bytes=10))
    videos = ServedVideos(small, Database(settings.state / "speediness.db"))
    with pytest.raises(ApiError, match="at most"):
        upload(videos, "film.mp4", b"12345", b"678901", promised=promised)
    assert not list((settings.state / "uploads").iterdir()) and not videos.all()
    assert upload(videos, "film.mp4", b"1234567890").size_bytes == 10


def test_an_empty_upload_is_refused(videos: ServedVideos) -> None:
    with pytest.raises(ApiError, match="empty"):
        upload(videos, "film.mp4")


def test_a_full_disk_takes_no_upload(videos: ServedVideos, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage("/")._replace(free=10)
    monkeypatch.setattr("speediness.web.videos.shutil.disk_usage", lambda _: full)
    with pytest.raises(ApiError, match="free some space"):
        upload(videos, "film.mp4", b"x")


def test_only_uploads_are_removed(videos: ServedVideos, settings: Settings) -> None:
    (settings.folder / "mine.mp4").write_bytes(b"x")
    uploaded = upload(videos, "theirs.mp4", b"x")
    videos.remove_upload(uploaded)
    (mine,) = videos.all()
    assert mine.name == "mine.mp4" and not uploaded.path.exists()
    with pytest.raises(ApiError, match="left alone"):
        videos.remove_upload(mine)
    assert mine.path.exists()
