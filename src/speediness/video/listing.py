"""Which videos there are: in a folder and those below it, or in a manifest."""

import csv
import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from speediness.errors import DataError

# Names only say which files to try; what a file is, decoding decides.
VIDEO_SUFFIXES = {
    *(".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
    *(".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".webm", ".wmv", ".y4m"),
}


@dataclass(frozen=True)
class VideoFile:
    """A file that may be a video, as it was when it was listed."""

    root: str
    """The folder that was asked for, or the manifest's; absolute."""
    path: str
    """From there, with / between folders."""
    size_bytes: int
    mtime_ns: int
    """Time of its last change, nanoseconds since 1970."""

    @property
    def file(self) -> Path:
        """The full path."""
        return Path(self.root, self.path)


@dataclass(frozen=True)
class Listing:
    """What was found in one place."""

    root: str
    videos: list[VideoFile]
    """Sorted by path."""
    skipped: dict[str, str]
    """Path of what is no usable video, and why not."""


def list_videos(source: Path) -> Listing:
    """All videos below a folder, or those a manifest lists.

    Args:
        source: a folder; or a CSV in UTF-8 whose column ``file`` names videos relative to it.

    Raises:
        DataError: neither, or there is no video in it.
        OSError: a folder cannot be read, so that it is not known what videos there are.
    """
    root = os.path.abspath(source if source.is_dir() else source.parent)
    if source.is_dir():
        paths = sorted(os.path.relpath(path, root) for path in _below(Path(root)))
    else:
        paths = sorted({os.path.normpath(row["file"]) for row in read_manifest(source)})
    videos, skipped = [], {}
    for path in paths:
        path = Path(path).as_posix()
        try:
            path.encode()
            stat = os.stat(os.path.join(root, path))
        except UnicodeEncodeError:
            skipped[path] = "its name is not UTF-8; rename it"
        except OSError as error:
            skipped[path] = f"{error.strerror}; check the name and its permissions"
        else:
            videos.append(VideoFile(root, path, stat.st_size, stat.st_mtime_ns))
    if not videos:
        raise DataError(f"no videos in {source}; give a folder that holds some, or a CSV that lists them")
    return Listing(root, videos, skipped)


def is_pattern(source: Path) -> bool:
    """Whether a name stands for several, as ``*.mp4`` does."""
    return glob.has_magic(str(source)) and not source.exists()


def named_videos(source: Path) -> Iterator[tuple[Path, Path]]:
    """Videos of a folder, of a pattern, or the one that is named.

    Yields:
        The video, and where its results lie in a folder of results.

    Raises:
        DataError: there is none in the folder.
    """
    if source.is_dir():
        for video in list_videos(source).videos:
            yield source / video.path, Path(video.path)
    elif is_pattern(source):
        for name in sorted(glob.glob(str(source), recursive=True)):
            if is_video(name):
                yield Path(name), Path(Path(name).name)
    else:
        yield source, Path(source.name)


def _below(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise error

    for parent, _, files in os.walk(folder, onerror=refuse):
        for name in files:
            if is_video(name):
                yield Path(parent, name)


def is_video(name: str) -> bool:
    """Whether a file is a video by its name; the ``._`` shadows that macOS leaves beside files are not."""
    return not name.startswith("._") and os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES


def read_manifest(manifest: Path, columns: tuple[str, ...] = ("file",)) -> list[dict[str, str]]:
    """The lines of a CSV in UTF-8 that lists videos, relative to it, in its column ``file``.

    Raises:
        DataError: missing file or ``columns``, or a line without a file.
    """
    if not manifest.is_file():
        raise DataError(f"{manifest} does not exist; give a folder of videos, or a CSV that lists them")
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.DictReader(file)
            missing = sorted(set(columns) - set(lines.fieldnames or ()))
            rows = list(lines)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{manifest} is not a CSV in UTF-8; give the CSV that lists the videos") from error
    if missing:
        raise DataError(f"{manifest} lacks the columns {', '.join(missing)}; add them")
    for number, row in enumerate(rows, 2):
        if not row["file"]:
            raise DataError(f"line {number} of {manifest} names no file; complete or remove it")
    return rows
