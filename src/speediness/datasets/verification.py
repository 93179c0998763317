"""Is a copy of a data set what was published, and can its videos be decoded?"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from speediness.datasets.data_set import DataSet, DataSetContents, Finding
from speediness.datasets.decoded_video import open_item
from speediness.datasets.image_folder import ImageFolder
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, VideoError
from speediness.video.listing import is_video

BATCH = 64  # videos handed to the threads at a time: Ctrl-C waits for no more


@dataclass(frozen=True)
class ListCount:
    """How many videos a list names."""

    listed: int
    published: tuple[int, ...]
    """One number for each edition; empty where none was published."""
    present: int
    """Of those listed, on disk."""


@dataclass(frozen=True)
class Verification:
    """What was found; see :func:`verify`."""

    lists: dict[str, ListCount]
    classes: int
    """In the lists."""
    published_classes: int | None
    decoded: int
    """Videos whose first frame was decoded."""
    findings: list[Finding]
    shared_sources: int
    """Sources on both sides of a split in different classes, or where one side tells no class."""
    missing_is_normal: bool

    @property
    def missing(self) -> list[Finding]:
        """Listed videos that are not on disk."""
        return [finding for finding in self.findings if finding.kind == "missing"]

    @property
    def problems(self) -> list[Finding]:
        """All findings but those that are normal for the data set."""
        return [f for f in self.findings if not (self.missing_is_normal and f.kind == "missing")]

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        return {
            "lists": {name: asdict(count) for name, count in self.lists.items()},
            "classes": {"listed": self.classes, "published": self.published_classes},
            "decoded": self.decoded,
            "missing": len(self.missing),
            "missing_is_normal": self.missing_is_normal,
            "shared_sources": self.shared_sources,
            "problems": [asdict(problem) for problem in self.problems],
        }


def verify(
    data_set: DataSet,
    root: Path,
    jobs: int | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> Verification:
    """Hold a copy of a data set to what was published, and decode a frame of every video.

    Args:
        data_set: what it should be.
        root: folder of the copy.
        jobs: videos to open at a time; None: one for each core.
        progress: called with videos tried and videos in all.

    Raises:
        DataError: there is nothing to verify: no lists, or none of the listed videos.
    """
    contents = data_set.read(root)
    items = {item.path: item for items in contents.lists.values() for item in items}
    present = {path: item for path, item in items.items() if path.exists()}
    if not present:
        raise DataError(f"none of the {len(items)} listed videos is in {root}; name the folder they are in")
    counts = {
        name: ListCount(len(listed), data_set.videos.get(name, ()), sum(i.path in present for i in listed))
        for name, listed in contents.lists.items()
    }
    classes = {item.label for item in items.values() if item.label is not None}
    split_findings, shared_sources = _compare_sides(contents)
    findings = [
        *_compare_counts(counts, len(classes), data_set),
        *contents.findings,
        *_listed_twice(contents),
        *split_findings,
        *(Finding("missing", str(path), "listed, not on disk") for path in items if path not in present),
        *_not_listed(contents, set(items)),
        *_unreadable(list(present.values()), jobs or os.cpu_count() or 1, progress),
    ]
    return Verification(
        lists=counts,
        classes=len(classes),
        published_classes=data_set.classes,
        decoded=len(present) - sum(finding.kind == "unreadable" for finding in findings),
        findings=list(dict.fromkeys(findings)),
        shared_sources=shared_sources,
        missing_is_normal=data_set.missing_is_normal,
    )


def _compare_counts(counts: dict[str, ListCount], classes: int, data_set: DataSet) -> Iterator[Finding]:
    for name, published in data_set.videos.items():
        expected = " or ".join(f"{number:,}" for number in published)
        if name not in counts:
            if data_set.missing_is_normal:
                continue
            yield Finding("count", name, f"there is no such list; {expected} videos were published")
        elif counts[name].listed not in published:
            yield Finding("count", name, f"lists {counts[name].listed:,} videos; {expected} were published")
    if data_set.classes is not None and classes != data_set.classes:
        yield Finding("count", "classes", f"the lists name {classes}; {data_set.classes} were published")


def _listed_twice(contents: DataSetContents) -> Iterator[Finding]:
    for name, items in contents.lists.items():
        for (path, _), times in Counter((item.path, item.take) for item in items).items():
            if times > 1:
                yield Finding("twice", str(path), f"{times} times in {name}")


def _compare_sides(contents: DataSetContents) -> tuple[list[Finding], int]:
    """Videos and sources on both sides of a split; sources shared by different classes are counted alone.

    That a source serves several classes on different sides is so in HMDB51 as published.
    """
    findings = []
    elsewhere: set[str] = set()
    for one, other in (pair for names in contents.sides for pair in combinations(names, 2)):
        left, right = contents.lists[one], contents.lists[other]
        where = f"in {one} and {other}"
        both = {item.path for item in left} & {item.path for item in right}
        findings += [Finding("both sides", str(path), where) for path in sorted(both)]
        left = [item for item in left if item.path not in both]
        right = [item for item in right if item.path not in both]
        labelled = {(i.source, i.label) for i in left} & {(i.source, i.label) for i in right}
        within = {source for source, _ in labelled}
        findings += [Finding("shared source", source, where) for source in sorted(within)]
        elsewhere |= ({item.source for item in left} & {item.source for item in right}) - within
    return findings, len(elsewhere)


def _not_listed(contents: DataSetContents, listed: set[Path]) -> Iterator[Finding]:
    """Videos in no list, and folders without a place in the data set, each of these named once."""
    ancestors = {parent for path in listed for parent in path.parents}
    accounted = listed | set(contents.other_folders)
    for top in contents.folders:
        for parent, folders, files in os.walk(top, followlinks=True):
            kept = []
            for name in sorted(folders):
                path = Path(parent, name)
                if path in ancestors:
                    kept.append(name)
                elif path not in accounted and not name.startswith("."):
                    yield Finding("stray", str(path), "a folder that holds no listed video")
            folders[:] = kept
            for name in sorted(files):
                if is_video(name) and Path(parent, name) not in listed:
                    yield Finding("unlisted", str(Path(parent, name)), "a video in no list")


def _unreadable(
    items: list[VideoItem], jobs: int, progress: Callable[[float, float], None] | None
) -> Iterator[Finding]:
    threads = ThreadPoolExecutor(jobs)  # FFmpeg lets other threads run while it works
    try:
        for start in range(0, len(items), BATCH):
            batch = items[start : start + BATCH]
            for tried, (item, reason) in enumerate(zip(batch, threads.map(_reason, batch), strict=True), 1):
                if reason is not None:
                    yield Finding("unreadable", str(item.path), reason)
                if progress is not None:
                    progress(start + tried, len(items))
    finally:
        threads.shutdown(cancel_futures=True)


def _reason(item: VideoItem) -> str | None:
    """Why no frame of a video can be decoded; None if one can."""
    try:
        video = open_item(item)  # decodes the first frame of a file
        if isinstance(video, ImageFolder):
            next(video.frames(channels=1))
    except (VideoError, OSError) as error:
        return str(error).removeprefix(str(item.path)).lstrip(": ")
    except Exception as error:  # one odd file of a quarter of a million must not end the check
        return f"{type(error).__name__}: {error}"
    return None
