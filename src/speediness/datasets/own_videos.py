"""Videos of one's own: a folder, or a manifest CSV that gives their splits and sources."""

from dataclasses import replace
from pathlib import Path

from speediness.datasets.data_set import DataSet, DataSetContents
from speediness.datasets.video_list import from_folder, manifest_lists

EXCLUSIVE = ("train", "val", "test")


def read(root: Path) -> DataSetContents:
    """The splits of a manifest, or of the ``manifest.csv`` in a folder; else all its videos as one list.

    Labels are left out: here they are anyone's words, and different ones do not excuse a source on
    both sides of a split.

    Raises:
        DataError: neither a folder with videos nor a manifest.
    """
    manifest = root / "manifest.csv" if root.is_dir() else root
    if root.is_dir() and not manifest.is_file():
        return DataSetContents({"all": [replace(item, label=None) for item in from_folder(root)]}, [])
    lists = {
        name: [replace(item, label=None) for item in items]
        for name, items in manifest_lists(manifest).items()
    }
    return DataSetContents(lists, [manifest.parent], [tuple(name for name in EXCLUSIVE if name in lists)])


OWN_VIDEOS = DataSet(
    origin="your own: a folder of videos, or a CSV with the columns file, split, source and perhaps label",
    read=read,
)
