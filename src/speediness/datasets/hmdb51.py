"""HMDB51: 51 actions, mostly from feature videos (Kuehne et al., ICCV 2011).

Videos lie in ``CLASS/VIDEO_CLASS_BODY_CAMERA_PEOPLE_VIEW_QUALITY_N.avi``. A split keeps the clips of
one video and one class on one side, but a video that serves several classes can be on both: its
clips are of one source here.
"""

import re
from pathlib import Path

from speediness.datasets.data_set import (
    DataSet,
    DataSetContents,
    Finding,
    VideosByClass,
    class_folders,
    folder_holding,
    read_lines,
)
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError

LISTS = (
    "testTrainMulti_7030_splits",
    "test_train_splits/testTrainMulti_7030_splits",
    "test_train_splits",
    "splits",
    "annotations",
    "",
    "../testTrainMulti_7030_splits",
)
VIDEOS = ("hmdb51_org", "hmdb51", "videos", "")
USES = {"1": "train", "2": "test", "0": "unused"}  # the code behind each name in a list
TAGS = re.compile(r"_[hluf]_(cm|nm)_np\d+_(fr|ba|le|ri)_(goo|med|bad)_\d+$")


def read(root: Path) -> DataSetContents:
    """The official splits of the copy below a folder; split 1 is needed, 2 and 3 are optional.

    Raises:
        DataError: no lists, lists that are not HMDB51's, or no class folders.
    """
    lists_folder = folder_holding(root, LISTS, lambda folder: any(folder.glob("*_test_split1.txt")))
    if lists_folder is None:
        raise DataError(
            f"neither {root} nor {root / LISTS[0]} holds the lists CLASS_test_split1.txt; unpack "
            f"test_train_splits.rar there, from {HMDB51.origin}"
        )
    classes = [path.name.removesuffix("_test_split1.txt") for path in lists_folder.glob("*_split1.txt")]
    videos_folder = folder_holding(root, VIDEOS, class_folders(classes))
    if videos_folder is None:
        raise DataError(
            f"no folder of an HMDB51 class in {root} or {root / VIDEOS[0]}; unpack hmdb51_org.rar "
            "and then the archive of every class, CLASS.rar, that it holds"
        )
    videos = VideosByClass(videos_folder)
    lists: dict[str, list[VideoItem]] = {}
    findings: list[Finding] = []
    sides = []
    for split in "123":
        files = sorted(lists_folder.glob(f"*_test_split{split}.txt"))
        if not files:
            continue
        sides.append((f"train{split}", f"test{split}"))
        for use in USES.values():
            lists[f"{use}{split}"] = []
        for file in files:
            label = file.name.removesuffix(f"_test_split{split}.txt")
            for line in read_lines(file):
                use, item = _item(line, file, label, videos, findings)
                lists[f"{use}{split}"].append(item)
    return DataSetContents(lists, [videos_folder], sides, [lists_folder], findings)


def _item(
    line: str, file: Path, label: str, videos: VideosByClass, findings: list[Finding]
) -> tuple[str, VideoItem]:
    """Use and video of a line ``NAME.avi 1``."""
    name, _, code = line.rpartition(" ")
    if code not in USES or not name:
        raise DataError(f"{file} has a line without 0, 1 or 2 at its end: {line!r}; unpack the lists again")
    listed = f"{label}/{name.strip()}"
    video, tags, _ = TAGS.sub("\0", Path(listed).stem).partition("\0")
    if not tags or not video.endswith(f"_{label}"):
        findings.append(Finding("class map", listed, f"the name does not say that it shows {label}"))
    return USES[code], VideoItem(videos.path(listed), video.removesuffix(f"_{label}"), label)


# 70 videos of each class to train on and 30 to test on (§4 of the paper), of 6,766.
HMDB51 = DataSet(
    origin="https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database/",
    read=read,
    train="train1",
    test="test1",
    videos={
        f"{use}{split}": (count,)
        for split in "123"
        for use, count in (("train", 3570), ("test", 1530), ("unused", 1666))
    },
    classes=51,
)
