"""Kinetics-400, -600 and -700: ten seconds of YouTube each (Kay et al., arXiv 1705.06950).

The official CSVs have the columns ``label, youtube_id, time_start, time_end, split``; that of the
test split has no label. Clips are called ``ID_START_END.mp4`` with six digits each, in
``train/CLASS/`` or straight in ``train/``; only some old copies say ``ID.mp4``. YouTube has lost
some of the videos, and no copy has all of them.
"""

import csv
import re
from collections.abc import Iterable
from pathlib import Path

from speediness.datasets.data_set import DataSet, DataSetContents, Finding, folder_holding
from speediness.datasets.video_list import VideoItem, videos_below
from speediness.errors import DataError

COLUMNS = {"youtube_id", "time_start", "time_end", "split"}
LISTS = ("annotations", "")
SPLITS = {"train": "train", "val": "val", "validate": "val", "validation": "val", "test": "test"}
VIDEOS = {
    "train": ("train", "videos_train", "train_256"),
    "val": ("val", "validate", "validation", "videos_val", "val_256"),
    "test": ("test", "videos_test", "test_256"),
}


def read(root: Path) -> DataSetContents:
    """The official CSVs of the copy below a folder, in it or in ``annotations/``; whichever there are.

    Raises:
        DataError: no such CSV, two of the same split, or one with a line that is no clip.
    """
    rows, lists_folders = _rows(root)
    if not rows:
        raise DataError(
            f"neither {root} nor {root / LISTS[0]} holds a CSV with the columns label, youtube_id, "
            f"time_start, time_end, split; put train.csv and val.csv there, from {ORIGIN}"
        )
    named = [row["label"] for lines in rows.values() for row in lines if row.get("label")]
    labels = {_plain(label): label for label in named}
    folders = _folders(root, rows)
    stems = {folder: {path.stem: path for path in videos_below(folder)} for folder in folders.values()}
    lists: dict[str, list[VideoItem]] = {}
    findings: list[Finding] = []
    for split, lines in rows.items():
        folder, videos = folders[split], stems[folders[split]]
        lists[split] = []
        for row in lines:
            name = f"{row['youtube_id']}_{int(row['time_start']):06d}_{int(row['time_end']):06d}"
            label = row.get("label") or None
            expected = folder / (label or "").replace(" ", "_") / f"{name}.mp4"
            path = videos.get(name) or videos.get(row["youtube_id"]) or expected
            found_in = labels.get(_plain(path.parent.name))
            if label and found_in and found_in != label:
                findings.append(Finding("class map", str(path), f"listed as {label}, lies in {found_in}"))
            lists[split].append(VideoItem(path, row["youtube_id"], label))
    return DataSetContents(lists, list(stems), [tuple(lists)], lists_folders, findings)


def _folders(root: Path, splits: Iterable[str]) -> dict[str, Path]:
    """Where the videos of each split lie; all in the root if no split has a folder."""
    found = {split: folder_holding(root, VIDEOS[split], lambda _: True) for split in splits}
    none_found = not any(found.values())
    return {split: folder or (root if none_found else root / split) for split, folder in found.items()}


def _rows(root: Path) -> tuple[dict[str, list[dict[str, str]]], list[Path]]:
    """The lines of the official CSVs by split, and where those lie."""
    rows: dict[str, list[dict[str, str]]] = {}
    files: dict[str, Path] = {}
    for file in (file for name in LISTS for file in sorted((root / name).glob("*.csv"))):
        for row in _clips(file):
            split = SPLITS[row["split"]]
            if files.setdefault(split, file) != file:
                raise DataError(f"both {files[split]} and {file} list the split {split}; keep one of them")
            rows.setdefault(split, []).append(row)
    return rows, [file.parent for file in files.values()]


def _clips(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV; none if it is some other CSV."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.DictReader(file)
            if not set(lines.fieldnames or ()) >= COLUMNS:
                return []
            rows = list(lines)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV in UTF-8; get it again from {ORIGIN}") from error
    for number, row in enumerate(rows, 2):
        timed = all((row[column] or "").isdecimal() for column in ("time_start", "time_end"))
        if not timed or not row["youtube_id"] or row["split"] not in SPLITS:
            raise DataError(f"line {number} of {path} is no clip of Kinetics; get it again from {ORIGIN}")
    return rows


def _plain(name: str) -> str:
    """A class's name as folders have it: with spaces, underscores, brackets and quotes or without."""
    return re.sub(r"[^a-z0-9]+", "", name.casefold())


ORIGIN = "https://github.com/cvdfoundation/kinetics-dataset"

# 2017 as kept by ActivityNet and CVDF, and what DeepMind's archive lists since videos were lost.
KINETICS400 = DataSet(
    origin=ORIGIN,
    read=read,
    test="val",
    videos={"train": (246_534, 219_782), "val": (19_906, 18_035), "test": (38_685, 39_805, 35_357)},
    classes=400,
    missing_is_normal=True,
)
# The lists of these two are about in too many editions to hold a copy to one of them.
KINETICS600 = DataSet(origin=ORIGIN, read=read, test="val", classes=600, missing_is_normal=True)
KINETICS700 = DataSet(origin=ORIGIN, read=read, test="val", classes=700, missing_is_normal=True)
