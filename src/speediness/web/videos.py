"""The videos a page may see: those in the allowed folder, and uploads."""

import hashlib
import os
import secrets
import shutil
import stat
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from speediness.errors import OutputError
from speediness.web.api_error import ApiError
from speediness.web.database import Database
from speediness.web.settings import GIB, Settings

# Names only keep the list short; what a file is, decoding decides.
VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
    *(".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".webm", ".wmv", ".y4m"),
)
MOST_LISTED = 1000
FREE_BYTES = GIB  # an upload that would leave less on the disk is refused


@dataclass(frozen=True)
class ServedVideo:
    """A file that may be a video."""

    id: str
    """Of an upload random, else of name, size and time of change: a file that changed is another video."""
    name: str
    """For people: relative to the folder, always text."""
    path: Path
    size_bytes: int
    uploaded: bool


class ServedVideos:
    """Finds videos and takes uploads; every path it gives is a regular file in one of its two folders.

    Args:
        settings: which folders.
        database: where the names of uploads are kept; on disk they bear random ones.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._folder, self._limits = settings.folder, settings.limits
        self._uploads = settings.state / "uploads"
        self._uploads.mkdir(exist_ok=True)
        for left_over in self._uploads.glob("*.partial"):
            left_over.unlink()
        self._database = database
        self._seen: dict[str, ServedVideo] = {}
        self._scanned_s = -1.0
        self._lock = threading.Lock()

    def all(self) -> list[ServedVideo]:
        """Videos of the folder and below it, by name, then uploads, newest first.

        Of a very large folder the first thousand found.
        """
        with self._lock:
            folder = sorted(self._in_folder(), key=lambda video: video.name.casefold())
            uploads = self._uploaded()
            self._seen = {video.id: video for video in [*folder, *uploads]}
            self._scanned_s = time.monotonic()
            return [*folder, *uploads]

    def find(self, video_id: str) -> ServedVideo:
        """The video of that id, if it is still what it was.

        Raises:
            ApiError: 404, there is none.
        """
        video = self._seen.get(video_id)
        if video is None and time.monotonic() - self._scanned_s > 1:
            video = {video.id: video for video in self.all()}.get(video_id)
        # Looked at again: since it was listed it may have become a link to elsewhere.
        if video is None or not self._is_ours(video):
            raise ApiError(404, "there is no such video here; it was moved, changed or removed")
        return video

    async def add(self, name: str, promised_bytes: int | None, body: AsyncIterator[bytes]) -> ServedVideo:
        """Take an upload, under a temporary name until it is whole.

        ``name`` is what its owner calls it, used for showing only; ``promised_bytes`` what the sender says
        it will send, None if it does not.

        Raises:
            ApiError: 413 too large, 507 the disk is too full, 400 empty.
        """
        most = min(self._limits.upload_bytes, shutil.disk_usage(self._uploads).free - FREE_BYTES)
        if most <= 0:
            raise ApiError(507, "the disk is too full for uploads; free some space")
        too_large = ApiError(
            413, f"uploads may have {most / GIB:.2g} GiB at most; cut or compress the video"
        )
        if promised_bytes is not None and promised_bytes > most:
            raise too_large
        upload_id, size = secrets.token_hex(12), 0
        final = self._uploads / upload_id
        partial = final.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                async for block in body:
                    size += len(block)
                    if size > most:
                        raise too_large
                    file.write(block)
            if not size:
                raise ApiError(400, "the upload is empty; choose a video")
            os.replace(partial, final)
        except OSError as error:
            raise OutputError(f"the upload cannot be stored: {error.strerror}; free some space") from error
        finally:
            partial.unlink(missing_ok=True)
        added_s = time.time()
        self._database.write("INSERT INTO uploads VALUES (?, ?, ?)", upload_id, clean_name(name), added_s)
        return self.find_upload(upload_id)

    def find_upload(self, upload_id: str) -> ServedVideo:
        """An upload that was just made."""
        self.all()
        return self.find(upload_id)

    def remove_upload(self, video: ServedVideo) -> None:
        """Delete an uploaded file; videos of the folder are their owner's.

        Raises:
            ApiError: 403, it is not an upload.
        """
        if not video.uploaded:
            raise ApiError(403, "only uploads can be removed here; videos in the folder are left alone")
        video.path.unlink(missing_ok=True)
        self._database.write("DELETE FROM uploads WHERE id = ?", video.id)
        self._seen.pop(video.id, None)

    def _uploaded(self) -> list[ServedVideo]:
        videos = []
        for row in self._database.rows("SELECT id, name FROM uploads ORDER BY added_s DESC"):
            path = self._uploads / row["id"]
            if path.is_file():
                videos.append(ServedVideo(row["id"], row["name"], path, path.stat().st_size, True))
        return videos

    def _in_folder(self) -> list[ServedVideo]:
        videos: list[ServedVideo] = []
        for parent, folders, names in os.walk(self._folder):  # does not enter folders through links
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in names:
                path = Path(parent, name)
                if path.suffix.lower() in VIDEO_SUFFIXES and (video := self._video(path)):
                    videos.append(video)
                    if len(videos) == MOST_LISTED:
                        return videos
        return videos

    def _video(self, path: Path) -> ServedVideo | None:
        """The video at a path below the folder; None if a link leads out of it, or it is no file."""
        if (found := _regular(path, self._folder)) is None:
            return None
        real, status = found
        relative = path.relative_to(self._folder)
        mark = b"%s\0%d\0%d" % (os.fsencode(relative), status.st_size, status.st_mtime_ns)
        video_id = hashlib.blake2b(mark, digest_size=12).hexdigest()
        return ServedVideo(video_id, shown_path(relative), real, status.st_size, False)

    def _is_ours(self, video: ServedVideo) -> bool:
        root = self._uploads if video.uploaded else self._folder
        found = _regular(video.path, root)
        return found is not None and found[1].st_size == video.size_bytes


def _regular(path: Path, root: Path) -> tuple[Path, os.stat_result] | None:
    """The file at a path, links followed; None if it is none, or a link leads out of the root."""
    try:
        real = path.resolve(strict=True)
        status = real.stat()
    except (OSError, RuntimeError):  # vanished, unreadable, or links in a circle
        return None
    return (real, status) if real.is_relative_to(root) and stat.S_ISREG(status.st_mode) else None


def clean_name(name: str) -> str:
    """What remains of an uploaded file's name: its last part, at most 120 visible characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return clean_text(last)[:120].strip() or "film"


def shown_path(path: str | Path) -> str:
    """A path of this machine for people: always text, bytes that are none as escapes."""
    return clean_text(os.fsencode(path).decode("utf-8", "backslashreplace"))


def clean_text(text: str) -> str:
    """The same without what does not print: controls, and marks that turn the direction of writing."""
    return "".join(character if character.isprintable() else "�" for character in text)
