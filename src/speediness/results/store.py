"""Results of earlier analyses on disk, found by what a video holds, so that no video is analysed twice."""

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from speediness.errors import OutputError, VideoError
from speediness.offline import cache_folder
from speediness.results.archive import (
    curve_from_arrays,
    curve_to_arrays,
    features_from_arrays,
    features_to_arrays,
    from_bytes,
    to_bytes,
)
from speediness.results.curve import SpeedinessCurve
from speediness.results.features import MotionFeatures
from speediness.version import __version__

LIMIT_BYTES = 1_000_000_000
"""Default bound: about a hundred hours of video at eleven factors."""

LAYOUT = 3  # of what an entry holds; part of every key, so that others are never found
RESUMED_WITHIN_S = 30 * 86_400  # nobody comes back to an analysis that was stopped before that
WRITTEN_WITHIN_S = 3_600  # a write takes seconds; what is older was left by a writer that was killed
CURVE, CHECKPOINT, PARTIAL = ".curve.npz", ".checkpoint.npz", ".partial"
# The folder may hold what is not ours to drop.
OURS = re.compile(r"[0-9a-f]{64}\.(curve|checkpoint)\.npz(\..+\.partial)?")


@dataclass(frozen=True)
class StoreSize:
    """How much lies in a store, or was removed from it."""

    entries: int
    """Curves, interrupted analyses, and what killed writers left."""
    bytes: int
    """Sum of the file sizes."""


@dataclass(frozen=True)
class _Entry:
    path: Path
    bytes: int
    used_s: float  # seconds since 1970: reading an entry touches its file


class ResultStore:
    """Curves, and states of interrupted analyses, in one folder of bounded size.

    Several processes may use a folder at once. A store that cannot be read or written (no home, a
    full or read-only disk) does without: it finds nothing, keeps nothing and never complains. Only
    :meth:`contents` and :meth:`clear`, which people ask for, say what is wrong.

    Args:
        folder: where entries lie, made when the first is kept; default :func:`cache_folder`.
        limit_bytes: entries used longest ago are dropped so that all together take no more.
    """

    def __init__(self, folder: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = folder or cache_folder()
        self.limit_bytes = limit_bytes

    def key(self, video: Path, settings: Mapping[str, Any], video_sha256: str | None = None) -> str:
        """Name of a result: SHA-256 of the video's bytes, the settings and this program's version.

        The video's name and date do not count.

        Args:
            video: path or decoded video.
            settings: all else that decides the result, as JSON values in any order.
            video_sha256: of the video's bytes if it is known; None: the whole file is read.

        Raises:
            VideoError: the video cannot be read.
            TypeError, ValueError: a setting that JSON has no words for.
        """
        try:
            video_sha256 = video_sha256 or file_sha256(video)
        except OSError as error:
            raise VideoError(
                f"cannot read {video}: {error.strerror}; check the name and its permissions"
            ) from error
        result = {
            "film": video_sha256,
            "layout": LAYOUT,
            "speediness": __version__,
            "settings": dict(settings),
        }
        canonical = json.dumps(result, allow_nan=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def result(self, key: str) -> tuple[SpeedinessCurve, MotionFeatures] | None:
        """What was kept under this key, bit for bit, or None; if damaged it is dropped.

        The curve's ``made_by`` is that of the video that was analysed, which may have had another name.
        """
        arrays = self._read(key + CURVE)
        if arrays is None:
            return None
        try:
            return curve_from_arrays(arrays), features_from_arrays(arrays)
        except (KeyError, TypeError, ValueError):  # whole, but not written by us
            self._drop(key + CURVE)
            return None

    def keep_result(self, key: str, curve: SpeedinessCurve, features: MotionFeatures) -> None:
        """Keep what an analysis found, as far as the disk allows.

        Raises:
            TypeError: ``made_by`` holds what JSON has no words for.
        """
        self._write(key + CURVE, curve_to_arrays(curve) | features_to_arrays(features))

    def checkpoint(self, key: str) -> dict[str, NDArray] | None:
        """The arrays an interrupted analysis left under this key, or None."""
        return self._read(key + CHECKPOINT)

    def keep_checkpoint(self, key: str, arrays: Mapping[str, NDArray]) -> None:
        """Keep what an analysis needs to go on, in place of what it kept before.

        Raises:
            ValueError: an array of Python objects, which would need pickle.
        """
        self._write(key + CHECKPOINT, arrays)

    def drop_checkpoint(self, key: str) -> None:
        """Forget where an analysis stopped, because it is done or must start anew."""
        self._drop(key + CHECKPOINT)

    def contents(self) -> StoreSize:
        """How many entries there are and what they take.

        Raises:
            OutputError: no folder is known, or it cannot be read.
        """
        entries = self._listed()
        return StoreSize(len(entries), sum(entry.bytes for entry in entries))

    def clear(self) -> StoreSize:
        """Remove every entry, and nothing else in the folder; returns what was removed.

        Raises:
            OutputError: no folder is known, or something in it cannot be removed.
        """
        entries, removed, stuck = self._listed(), [], None
        for entry in entries:
            try:
                entry.path.unlink(missing_ok=True)  # another process may be quicker
                removed.append(entry.bytes)
            except OSError as error:
                stuck = error
        if stuck is not None:
            raise OutputError(
                f"cannot empty {self.folder}: {len(entries) - len(removed)} of {len(entries)} entries "
                f"are left ({stuck.strerror}); remove them by hand"
            ) from stuck
        return StoreSize(len(removed), sum(removed))

    def _listed(self) -> list[_Entry]:
        if self.folder is None:
            raise OutputError(
                "no home folder is known to keep results in; set SPEEDINESS_CACHE to a folder"
            )
        try:
            return list(_entries(self.folder))
        except OSError as error:
            raise OutputError(
                f"cannot read {self.folder}: {error.strerror}; mend it, or set SPEEDINESS_CACHE to another"
            ) from error

    def _read(self, name: str) -> dict[str, NDArray] | None:
        if self.folder is None:
            return None
        path = self.folder / name
        try:
            content = path.read_bytes()
            with suppress(OSError):  # on a read-only disk
                os.utime(path)
        except OSError:
            return None
        arrays = from_bytes(content)
        if arrays is None:
            self._drop(name)
        return arrays

    def _write(self, name: str, arrays: Mapping[str, NDArray]) -> None:
        if self.folder is None:
            return
        content = to_bytes(arrays)
        if len(content) > self.limit_bytes:
            return
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            _replace(self.folder / name, content)
            self._tidy(self.folder)

    def _drop(self, name: str) -> None:
        if self.folder is not None:
            with suppress(OSError):
                (self.folder / name).unlink()

    def _tidy(self, folder: Path) -> None:
        """Drop leftovers and checkpoints past their time, then entries until the rest fits."""
        now_s = time.time()
        kept = []
        for entry in sorted(_entries(folder), key=lambda entry: entry.used_s):
            if now_s - entry.used_s > _kept_for_s(entry.path.name):
                self._drop(entry.path.name)
            else:
                kept.append(entry)
        total_bytes = sum(entry.bytes for entry in kept)
        for entry in kept:
            if total_bytes <= self.limit_bytes:
                return
            self._drop(entry.path.name)
            total_bytes -= entry.bytes


def file_sha256(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _entries(folder: Path) -> Iterator[_Entry]:
    """What the store has written; a folder that is missing is empty."""
    try:
        found = os.scandir(folder)
    except FileNotFoundError:
        return
    with found:
        for file in found:
            with suppress(FileNotFoundError):  # dropped by another process meanwhile
                if OURS.fullmatch(file.name) and file.is_file(follow_symlinks=False):
                    stat = file.stat(follow_symlinks=False)
                    yield _Entry(Path(file.path), stat.st_size, stat.st_mtime)


def _kept_for_s(name: str) -> float:
    if name.endswith(PARTIAL):
        return WRITTEN_WITHIN_S
    return RESUMED_WITHIN_S if name.endswith(CHECKPOINT) else float("inf")


def _replace(path: Path, content: bytes) -> None:
    """Write beside, under a name no other process has, then rename."""
    # Readable by its owner only, as tempfile makes it: videos are private.
    handle, partial = tempfile.mkstemp(PARTIAL, path.name + ".", path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.replace(partial, path)
    finally:
        with suppress(OSError):
            os.unlink(partial)
