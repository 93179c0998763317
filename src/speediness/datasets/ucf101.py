"""UCF101: 101 actions of daily life and sport from the web (Soomro et al., CRCV-TR-12-01).

Videos lie in ``CLASS/v_CLASS_gNN_cNN.avi``; the 25 groups of a class are cut from 25 videos of one
scene or actor each. Each of the three splits keeps a group on one side.
"""

import re
from pathlib import Path, PurePosixPath

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

LISTS = ("ucfTrainTestlist", "", "annotations", "../ucfTrainTestlist")
VIDEOS = ("UCF-101", "UCF101", "videos", "")
GROUP = re.compile(r"_(g\d+)_c\d+$")


def read(root: Path) -> DataSetContents:
    """The official recognition splits of the copy below a folder; split 1 is needed, 2 and 3 are optional.

    Raises:
        DataError: no lists, lists that are not UCF101's, or no class folders.
    """
    lists_folder = folder_holding(root, LISTS, lambda folder: (folder / "trainlist01.txt").is_file())
    if lists_folder is None:
        raise DataError(
            f"neither {root} nor {root / LISTS[0]} holds trainlist01.txt; unpack "
            f"UCF101TrainTestSplits-RecognitionTask.zip there, from {UCF101.origin}"
        )
    numbers = _class_numbers(lists_folder / "classInd.txt")
    videos_folder = folder_holding(root, VIDEOS, class_folders(numbers))
    if videos_folder is None:
        raise DataError(f"no folder of a UCF101 class in {root} or {root / VIDEOS[0]}; unpack UCF101.rar")
    videos = VideosByClass(videos_folder)
    lists: dict[str, list[VideoItem]] = {}
    findings: list[Finding] = []
    sides = []
    for split in ("01", "02", "03"):
        names = (f"train{split}", f"test{split}")
        files = [lists_folder / f"{name[:-2]}list{split}.txt" for name in names]
        if not all(file.is_file() for file in files):
            continue
        sides.append(names)
        for name, file in zip(names, files, strict=True):
            lists[name] = [_item(line, file, videos, numbers, findings) for line in read_lines(file)]
    return DataSetContents(lists, [videos_folder], sides, [lists_folder], findings)


def _class_numbers(path: Path) -> dict[str, int]:
    """The class map: ``1 ApplyEyeMakeup`` and so on."""
    if not path.is_file():
        raise DataError(f"{path} does not exist; unpack the UCF101 lists again, it comes with them")
    numbers = {}
    for line in read_lines(path):
        number, _, name = line.partition(" ")
        if not number.isdigit() or not name:
            raise DataError(f"{path} has a line that is no class: {line!r}; unpack the UCF101 lists again")
        numbers[name.strip()] = int(number)
    return numbers


def _item(
    line: str, file: Path, videos: VideosByClass, numbers: dict[str, int], findings: list[Finding]
) -> VideoItem:
    """The video of a line ``CLASS/v_CLASS_gNN_cNN.avi``, in training lists with the class's number."""
    listed, *number = line.split()
    path = PurePosixPath(listed)
    group = GROUP.search(path.stem)
    if len(path.parts) != 2 or group is None:
        raise DataError(
            f"{file} has a line that is no video of UCF101: {line!r}; take the lists for recognition"
        )
    spellings = {name.casefold(): name for name in numbers}
    label = spellings.get(path.parts[0].casefold())
    if label is None:
        findings.append(Finding("class map", listed, f"{path.parts[0]} is not in classInd.txt"))
        label = path.parts[0]
    elif number and number != [str(numbers[label])]:
        detail = f"{file.name} gives class {' '.join(number)}, classInd.txt {numbers[label]}"
        findings.append(Finding("class map", listed, detail))
    return VideoItem(videos.path(listed), f"{label} {group[1]}", label)


# Counted in the official lists; together they are the 13,320 videos of the report.
UCF101 = DataSet(
    origin="https://www.crcv.ucf.edu/data/UCF101.php",
    read=read,
    train="train01",
    test="test01",
    videos={
        "train01": (9537,),
        "test01": (3783,),
        "train02": (9586,),
        "test02": (3734,),
        "train03": (9624,),
        "test03": (3696,),
    },
    classes=101,
)
