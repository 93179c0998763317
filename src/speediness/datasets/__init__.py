"""Lists of videos and their decoded form; no transforms."""

from pathlib import Path

from speediness.datasets.data_set import DataSet
from speediness.datasets.hmdb51 import HMDB51
from speediness.datasets.kinetics import KINETICS400, KINETICS600, KINETICS700
from speediness.datasets.mocap import MOCAP
from speediness.datasets.nfs import NFS, NFS30
from speediness.datasets.own_videos import OWN_VIDEOS
from speediness.datasets.ucf101 import UCF101
from speediness.datasets.video_list import VideoItem, from_folder, from_manifest
from speediness.errors import DataError, suggest

DATASETS = {
    "folder": OWN_VIDEOS,
    "hmdb51": HMDB51,
    "kinetics400": KINETICS400,
    "kinetics600": KINETICS600,
    "kinetics700": KINETICS700,
    "mocap": MOCAP,
    "nfs": NFS,
    "nfs30": NFS30,
    "ucf101": UCF101,
}


def data_set(name: str) -> DataSet:
    """The data set of a name.

    Raises:
        DataError: there is none.
    """
    if name in DATASETS:
        return DATASETS[name]
    raise DataError(f"there is no data set {name}; {suggest(name, DATASETS)}")


def find_videos(where: str | Path, split: str | None = None) -> list[VideoItem]:
    """The videos that a user means by one word.

    Args:
        where: a folder of videos, all of which are meant; a manifest CSV; or ``NAME:ROOT``, a data
            set of :data:`DATASETS` and the folder of its copy, such as ``ucf101:/data/UCF-101``.
        split: ``train`` for what to learn from and ``test`` for what to measure on, which with
            Kinetics is the list ``val``; or a list by its own name, such as ``test02``. None: all
            that is listed. A folder has no splits.

    Returns:
        The listed videos, those missing on disk included, so that they are named where they are
        wanted rather than silently dropped.

    Raises:
        DataError: nothing there, no such data set or split, or nothing of it on disk.
    """
    name, root = _name_and_root(str(where))
    if name == "folder":
        return _own_videos(root, split)
    found = data_set(name)
    lists = found.read(root).lists
    wanted = {"train": found.train, "test": found.test}.get(split, split) if split else None
    if wanted is not None and wanted not in lists:
        raise DataError(f"{name} in {root} has no list {wanted}; it has {', '.join(lists)}")
    chosen = [items for list_name, items in lists.items() if wanted in (None, list_name)]
    items = list(dict.fromkeys(item for items in chosen for item in items))
    if not any(item.path.exists() for item in items):
        raise DataError(
            f"none of the {len(items)} videos that {name} lists is in {root}; see speediness data verify"
        )
    return items


def _name_and_root(where: str) -> tuple[str, Path]:
    """``NAME:ROOT`` in two; a path, even one with a colon in it, is a ``folder``."""
    name, colon, root = where.partition(":")
    is_drive = len(name) == 1  # C:\videos
    if not colon or is_drive or not name.isalnum() or Path(where).exists():
        return "folder", Path(where)
    data_set(name)
    return name, Path(root)


def _own_videos(path: Path, split: str | None) -> list[VideoItem]:
    if path.is_dir():
        return from_folder(path)
    if path.suffix.lower() == ".csv":
        return from_manifest(path, split)
    what = "is neither a folder nor a CSV" if path.exists() else "does not exist"
    raise DataError(
        f"{path} {what}; give a folder of videos, a manifest CSV or a data set such as ucf101:/data/UCF101"
    )
