"""Lists of videos: where they are and which source each comes from. No decoding here."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from speediness.errors import DataError
from speediness.video.listing import is_video, read_manifest

T = TypeVar("T")
MOST_SCORED = 1000
"""Videos that place a bias, a threshold or a point of a curve; more change nothing but the hours."""


@dataclass(frozen=True)
class VideoItem:
    """One video of a data set: a video file, or a folder of numbered frames."""

    path: Path
    source: str
    """Who recorded it: items of one source never end up on both sides of a split."""
    label: str | None = None
    """Class of the action shown, None where the data set does not say."""
    frame_rate: Fraction | None = None
    """Frames per second of a folder of frames, which has no clock of its own; None for a file."""
    take: int = 0
    """Which of the videos that are simulated of a motion capture; 0 for a video."""


def from_manifest(manifest: Path, split: str | None = None) -> list[VideoItem]:
    """Videos of a manifest CSV with the columns ``file``, ``split`` and ``source``.

    A column ``label`` is heeded where there is one; a video without a source is one of its own.

    Args:
        manifest: the CSV; files are named relative to its folder.
        split: return only this split.

    Raises:
        DataError: missing file or columns, a line without a file, or no line of this split.
    """
    lists = manifest_lists(manifest)
    if split is None:
        return [item for items in lists.values() for item in items]
    if split not in lists:
        raise DataError(f"{manifest} lists no split {split}; it has {', '.join(lists) or 'no videos'}")
    return lists[split]


def manifest_lists(manifest: Path) -> dict[str, list[VideoItem]]:
    """The videos of a manifest CSV by split, in the order of its lines; see :func:`from_manifest`.

    Raises:
        DataError: missing file or columns, or a line without a file.
    """
    lists: dict[str, list[VideoItem]] = {}
    for row in read_manifest(manifest, ("file", "split", "source")):
        path = manifest.parent / row["file"]
        item = VideoItem(path, row["source"] or path.stem, row.get("label") or None)
        lists.setdefault(row["split"] or "", []).append(item)
    return lists


def from_folder(root: Path) -> list[VideoItem]:
    """All videos below a folder, sorted; each file a source of its own.

    A ``manifest.csv`` beside or inside the folder names the sources of the files it lists.

    Raises:
        DataError: not a folder, or no videos in it.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give the folder that holds the videos")
    known: dict[Path, VideoItem] = {}
    for manifest in (root / "manifest.csv", root.parent / "manifest.csv"):
        if manifest.is_file():
            known = {item.path.resolve(): item for item in from_manifest(manifest)}
            break
    paths = sorted(videos_below(root))
    if not paths:
        raise DataError(f"no video files below {root}; give the folder that holds the videos")
    items = []
    for path in paths:
        listed = known.get(path.resolve(), VideoItem(path, path.stem))
        items.append(VideoItem(path, listed.source, listed.label))
    return items


def videos_below(folder: Path) -> Iterator[Path]:
    """Every video file below a folder, through links too, in an order that depends on names alone."""
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders.sort()
        for name in sorted(files):
            if is_video(name):
                yield Path(parent, name)


def digest(lists: Iterable[list[VideoItem]]) -> str:
    """Tells lists of videos apart, wherever they lie: 16 hexadecimal digits."""
    names = [[(item.path.name, item.source) for item in part] for part in lists]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]


def subsample(videos: Sequence[T], most: int | None = None) -> Sequence[T]:
    """At most so many of the videos, MOST_SCORED unless said, evenly spread over them."""
    return videos[:: -(-len(videos) // (most or MOST_SCORED))] if videos else videos


def held_out(items: list[VideoItem], share: float) -> tuple[list[VideoItem], list[VideoItem]]:
    """Split by source into (kept, held out); a source's side depends on its name alone."""

    def is_held_out(source: str) -> bool:
        digest = hashlib.sha256(source.encode()).digest()
        return int.from_bytes(digest[:4], "big") / 2**32 < share

    return (
        [item for item in items if not is_held_out(item.source)],
        [item for item in items if is_held_out(item.source)],
    )
