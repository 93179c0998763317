"""Need for Speed: 100 scenes recorded at 240 fps (Kiani Galoogahi et al., ICCV 2017).

A scene is a folder of numbered images, ``SCENE/240/SCENE/00001.jpg``; the same scene at 30 fps is
in ``SCENE/30/SCENE/``. Images have no clock: image n is shown exactly (n - first) / 240 s after
the first.

SpeedNet §5.1 plays the scenes at x10 (24 fps, called natural) and x20 (12 fps, called sped up).
Here clips are drawn at the network's reference rate, once at factor 1 and once at factor 2, from
these exact times: the same comparison at whatever rate the network was made for, and at 24 fps
exactly every tenth and every twentieth image.
"""

from fractions import Fraction
from functools import partial
from pathlib import Path

from speediness.datasets.data_set import DataSet, DataSetContents
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError


def read(root: Path, frame_rate: int) -> DataSetContents:
    """Every scene below a folder that was unpacked there; there are no official lists.

    Raises:
        DataError: no scenes.
    """
    scenes = sorted(folder.parent for folder in root.glob(f"*/{frame_rate}") if folder.is_dir())
    if not scenes:
        raise DataError(
            f"no scene at {frame_rate} fps below {root}, such as {root / 'Gymnastics' / str(frame_rate)}; "
            f"unpack the archives of {ORIGIN} there"
        )
    items = [
        VideoItem(scene / str(frame_rate) / scene.name, source=scene.name, frame_rate=Fraction(frame_rate))
        for scene in scenes
    ]
    other_rates = [path for scene in scenes for path in scene.iterdir() if path.name != str(frame_rate)]
    return DataSetContents({"test": items}, [root], other_folders=other_rates)


ORIGIN = "http://ci2cv.net/nfs/index.html"

# All of it is for measuring: there is no training list, and none of it is to be trained on.
NFS = DataSet(origin=ORIGIN, read=partial(read, frame_rate=240), videos={"test": (100,)})
NFS30 = DataSet(origin=ORIGIN, read=partial(read, frame_rate=30), videos={"test": (100,)})
