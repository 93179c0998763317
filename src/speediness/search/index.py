"""Bringing a library up to date with the videos on disk."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from speediness.analysis.options import AnalysisOptions
from speediness.corpus.analysed_video import Failed
from speediness.corpus.workers import Workers, here
from speediness.errors import WeightsError
from speediness.progress import Progress
from speediness.results.store import file_sha256
from speediness.runtime.network import find_weights
from speediness.search.library import TIDIED_EVERY, VideoRow, Writer, video_row, writing
from speediness.video.listing import VideoFile, list_videos


@dataclass
class Changes:
    """What an update did; paths are relative to the root."""

    analysed: list[str] = field(default_factory=list)
    """New or changed, and analysed."""
    known: list[str] = field(default_factory=list)
    """New, renamed or touched, but of known content: their rows were copied."""
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """What is not in the library, and why."""

    def to_json(self) -> dict[str, object]:
        """Plain values for ``speediness.index/1``, where what was analysed is called ``watched``."""
        return {"watched" if name == "analysed" else name: value for name, value in vars(self).items()}


def update_library(
    source: Path,
    uri: str | os.PathLike[str],
    how: AnalysisOptions,
    workers: Workers = here,
    progress: Progress = lambda done, whole: None,
) -> Changes:
    """Analyse what is new or has changed below a folder or in a manifest, and forget what is gone.

    A file of the size and date it had is the same; one of known content is not analysed again. It
    can be stopped anywhere, by ``kill -9`` too, and goes on when it is called again. Videos of other
    roots stay as they are.

    Args:
        source: see :func:`speediness.video.listing.list_videos`.
        uri: of the library, see :class:`speediness.search.library.Library`; made if missing.
        how: videos are analysed.
        workers: that analyse them.
        progress: called with bytes of video analysed and bytes in all.

    Raises:
        DataError: no videos, a library of another network or version, or LanceDB is not installed.
        OutputError: the library cannot be written.
        WeightsError: no such network or engine.
        OSError: a folder cannot be read.
    """
    listing = list_videos(source)
    weights = find_weights(how.model, ".onnx")
    try:
        network_sha256 = file_sha256(weights)
    except OSError as error:
        raise WeightsError(f"cannot read the network {weights}: {error.strerror}") from error
    with writing(uri, weights.stem, network_sha256) as library:
        changes = Changes(failed=dict(listing.skipped))
        rows = {row.path: row for row in library.video_rows() if row.root == listing.root}
        new, replaced = _without_analysing(library, listing.videos, rows, changes)
        # After the copies, which need the rows of what was renamed, or has the name of another now.
        there = {video.path for video in listing.videos}
        gone = [
            row
            for path, row in rows.items()
            if path not in there and not (path in listing.skipped and row.file.exists())
        ]
        library.remove([*gone, *replaced])
        changes.removed = [row.path for row in gone]
        for n, (video, seen) in enumerate(workers(new, how, True, progress), 1):
            if isinstance(seen, Failed):
                changes.failed[video.path] = seen.reason
                if seen.sha256:
                    library.commit(video_row(video, seen.sha256, None, network_sha256, seen.reason), None)
            else:
                library.commit(video_row(video, seen.sha256, seen, network_sha256), seen)
                changes.analysed.append(video.path)
            if n % TIDIED_EVERY == 0:
                library.tidy()
        if new or gone or changes.known:
            library.tidy()
    return changes


def _without_analysing(
    library: Writer, videos: list[VideoFile], rows: dict[str, VideoRow], changes: Changes
) -> tuple[list[VideoFile], list[VideoRow]]:
    """Do what can be done by size, date and content; the videos that are left, the rows replaced."""
    known = library.video_rows()
    by_content = {row.sha256: row for row in known}
    sizes = {row.size_bytes for row in known}
    left, replaced = [], []
    for video in videos:
        row = rows.get(video.path)
        if row and (row.size_bytes, row.mtime_ns) == (video.size_bytes, video.mtime_ns):
            changes.unchanged += 1
            if row.error:
                changes.failed[video.path] = row.error
            continue
        try:
            same = by_content.get(file_sha256(video.file)) if video.size_bytes in sizes else None
        except OSError as error:
            changes.failed[video.path] = f"{error.strerror}; check the name and its permissions"
            continue
        if same is None or (same.error and same.path != video.path):
            left.append(video)
            continue
        replaced += library.commit_copy(_same_video(video, same), same)
        if same.error:
            changes.failed[video.path] = same.error
        else:
            changes.known.append(video.path)
    return left, replaced


def _same_video(video: VideoFile, same: VideoRow) -> VideoRow:
    named = video_row(video, same.sha256, None, same.network_sha256)
    return replace(same, **vars(video), video=named.video)
