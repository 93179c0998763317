"""Lists of videos: where they are and which source each comes from. No decoding here."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

from speediness.errors import DataError

VIDEO_SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif", ".m4v", ".mpg", ".mpeg"}


@dataclass(frozen=True)
class VideoItem:
    """One file of a data set."""

    path: Path
    source: str
    """Who filmed it: items of one source never end up on both sides of a split."""


def from_manifest(manifest: Path, split: str | None = None) -> list[VideoItem]:
    """Videos of a manifest CSV with the columns ``file``, ``split`` and ``source``.

    Args:
        manifest: the CSV; files are named relative to its folder.
        split: return only this split.

    Raises:
        DataError: missing file or columns.
    """
    if not manifest.is_file():
        raise DataError(f"{manifest} does not exist; give the CSV that lists the videos")
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    missing = {"file", "split", "source"} - set(rows[0] if rows else ())
    if missing:
        raise DataError(f"{manifest} lacks the columns {', '.join(sorted(missing))}")
    return [
        VideoItem(manifest.parent / row["file"], row["source"])
        for row in rows
        if split is None or row["split"] == split
    ]


def from_folder(root: Path) -> list[VideoItem]:
    """All videos below a folder, sorted; each file a source of its own.

    A ``manifest.csv`` beside or inside the folder names the sources of the files it lists.

    Raises:
        DataError: not a folder, or no videos in it.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give the folder that holds the videos")
    known: dict[Path, str] = {}
    for manifest in (root / "manifest.csv", root.parent / "manifest.csv"):
        if manifest.is_file():
            known = {item.path.resolve(): item.source for item in from_manifest(manifest)}
            break
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES)
    if not paths:
        raise DataError(f"no video files below {root}")
    return [VideoItem(p, known.get(p.resolve(), p.stem)) for p in paths]


def held_out(items: list[VideoItem], share: float) -> tuple[list[VideoItem], list[VideoItem]]:
    """Split by source into (kept, held out); a source's side depends on its name alone."""

    def is_held_out(source: str) -> bool:
        digest = hashlib.sha256(source.encode()).digest()
        return int.from_bytes(digest[:4], "big") / 2**32 < share

    return (
        [item for item in items if not is_held_out(item.source)],
        [item for item in items if is_held_out(item.source)],
    )
