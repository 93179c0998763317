"""What every data set has: where to get it, what was published of it, and how its lists are read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from speediness.datasets.video_list import VideoItem, videos_below
from speediness.errors import DataError

ProblemKind = Literal[
    "count",
    "class map",
    "missing",
    "twice",
    "both sides",
    "shared source",
    "unlisted",
    "stray",
    "unreadable",
]


@dataclass(frozen=True)
class Finding:
    """Something about a copy of a data set that is not as it was published."""

    kind: ProblemKind
    what: str
    """The file, folder, list or class it is about."""
    detail: str


@dataclass(frozen=True)
class DataSetContents:
    """What the lists of one copy say, and where its videos lie."""

    lists: dict[str, list[VideoItem]]
    """Every listed video, present or not, by the name of its list."""
    folders: list[Path]
    """Where the videos lie; every video below is expected to be listed."""
    sides: list[tuple[str, ...]] = field(default_factory=list)
    """Names of lists that must share neither a video nor, within a class, a source."""
    other_folders: list[Path] = field(default_factory=list)
    """What else belongs below the folders, such as the lists."""
    findings: list[Finding] = field(default_factory=list)
    """What was odd about the lists themselves."""


@dataclass(frozen=True)
class DataSet:
    """A published set of videos."""

    origin: str
    """Where to get it."""
    read: Callable[[Path], DataSetContents]
    """Reads the lists of the copy below a folder; DataError where there are none."""
    train: str = "train"
    """The list to learn from."""
    test: str = "test"
    """The list to measure on."""
    videos: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Published length of each list; several where it was published in several editions."""
    classes: int | None = None
    """Published number of classes."""
    missing_is_normal: bool = False
    """Whether no copy of it is complete."""


def folder_holding(root: Path, candidates: Iterable[str], wanted: Callable[[Path], bool]) -> Path | None:
    """The first of some folders, named relative to ``root``, that holds what is wanted."""
    for name in candidates:
        folder = root / name
        if folder.is_dir() and wanted(folder):
            return folder
    return None


def class_folders(classes: Iterable[str]) -> Callable[[Path], bool]:
    """Asks of a folder whether it holds the folder of at least one class, in any spelling of case."""
    names = {name.casefold() for name in classes}
    return lambda folder: any(path.name.casefold() in names and path.is_dir() for path in folder.iterdir())


class VideosByClass:
    """Finds ``CLASS/NAME`` below a folder.

    Copies differ in the case of a class's name (UCF101's ``HandstandPushups``) and in the ending of
    files that were converted; neither matters here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: dict[tuple[str, str], Path] = {}
        for path in videos_below(folder):
            self._paths.setdefault(self._key(path), path)

    def path(self, listed: str) -> Path:
        """Where the listed video is, or would be if it were there."""
        expected = self.folder / listed
        return self._paths.get(self._key(expected), expected)

    def _key(self, path: Path) -> tuple[str, str]:
        return path.parent.name.casefold(), path.stem.casefold()


def read_lines(path: Path) -> list[str]:
    """The lines of a list that are not blank.

    Raises:
        DataError: it is not text.
    """
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8; unpack the published lists again") from error
