"""Motion capture as video: every capture before several simulated cameras, with exact time.

A folder holds ``manifest.csv`` with the columns ``file``, ``subject``, ``label``, ``seconds``,
``mean_joint_speed`` and ``licence_use`` (``any`` or ``noncommercial``), and ``sequences/*.npz`` with the
arrays ``joints`` (T, J, 3) in metres relative to the first joint, ``root`` (T, 3), ``parents`` (J,),
``names`` (J,), ``fps`` and ``up`` (y or z). What is not in motion, or too short, is left out.
"""

import hashlib
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from speediness.datasets.data_set import DataSet, DataSetContents
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, VideoError
from speediness.simulation.cameras import draw_stage
from speediness.simulation.capture import Capture, recorded
from speediness.simulation.render import render
from speediness.simulation.stage import Stage
from speediness.video.listing import read_manifest
from speediness.video.reader import Frame

LONGEST_S = 8.0  # of a video; longer captures make more of them
TAKES = 3  # videos of every stretch of LONGEST_S
LEAST_S = 4.5  # a window at twice its speed
LEAST_MPS = 0.1  # mean speed of the joints
RATES = (24, 25, 30)
SHAPES, CHANCES = (16 / 9, 4 / 3, 1.0, 9 / 16), (0.55, 0.2, 0.1, 0.15)
COLUMNS = ("file", "subject", "label", "seconds", "mean_joint_speed", "licence_use")


def read(root: Path) -> DataSetContents:
    """The captures of a folder, by what their licence allows; all are train and all are test.

    Raises:
        DataError: no manifest, or columns are missing.
    """
    manifest = root / "manifest.csv"
    lists: dict[str, list[VideoItem]] = {"any": [], "noncommercial": []}
    for row in read_manifest(manifest, COLUMNS):
        if row["licence_use"] not in lists:
            raise DataError(f"{manifest}: licence_use of {row['file']} is neither any nor noncommercial")
        if float(row["mean_joint_speed"]) < LEAST_MPS or float(row["seconds"]) < LEAST_S:
            continue
        path = root / "sequences" / row["file"]
        stretches = math.ceil(float(row["seconds"]) / LONGEST_S)
        lists[row["licence_use"]] += [
            VideoItem(path, f"capture of {row['subject']}", row["label"] or None, take=take)
            for take in range(1, TAKES * stretches + 1)
        ]
    return DataSetContents(lists, [root / "sequences"])


MOCAP = DataSet(origin="your own motion capture: see docs/datasets.md", read=read, train="any", test="any")


def load_capture(path: Path) -> Capture:
    """The capture in a file.

    Raises:
        VideoError: it is not one, or shorter than two samples.
    """
    try:
        with np.load(path, allow_pickle=False) as held:
            joints = held["joints"].astype(np.float64) + held["root"][:, None]
            names, parents = [str(name) for name in held["names"]], held["parents"].tolist()
            rate, up = float(held["fps"]), str(held["up"])
    except (KeyError, ValueError, EOFError, IndexError, BadZipFile) as error:
        raise VideoError(f"{path} is not a capture: {' '.join(str(error).split())}") from error
    if len(joints) < 2 or not rate > 0 or not np.isfinite(joints).all():
        raise VideoError(f"{path} holds no motion: {len(joints)} samples at {rate:g} a second")
    if up == "z":
        joints = joints[..., [0, 2, 1]] * (1, 1, -1)
    return recorded(joints, rate, names, parents)


class CaptureVideo:
    """One simulated video of a capture; what is seen depends on the file's name and the take alone.

    Attributes:
        stage: bodies and camera.
        times_s: of the frames, from 0.
        shape: width over height of the frame.
        rng: for what else is drawn of this video.

    Raises:
        VideoError: the file is no capture.
    """

    def __init__(self, item: VideoItem) -> None:
        capture = load_capture(item.path)
        name = hashlib.sha256(f"{item.path.name}|{item.take}".encode()).digest()
        self.rng = np.random.default_rng(int.from_bytes(name[:8], "big"))
        length_s = min(LONGEST_S, capture.duration_s)
        start_s = self.rng.uniform(0, capture.duration_s - length_s)
        self.rate = int(self.rng.choice(RATES))
        self.shape = float(self.rng.choice(SHAPES, p=CHANCES))
        self.stage: Stage = draw_stage(capture, start_s, length_s, self.rng)
        self.times_s = np.arange(int(length_s * self.rate + 1e-6) + 1) / self.rate

    def sides(self, short_side_px: int, unit_px: int = 1) -> tuple[int, int]:
        """Height and width, multiples of a unit."""
        height, width = short_side_px / min(self.shape, 1), short_side_px * max(self.shape, 1)
        return int(height / unit_px) * unit_px, int(width / unit_px) * unit_px

    def frames(
        self, short_side_px: int | None = None, channels: int = 3, scene_px: int | None = None
    ) -> Iterator[Frame]:
        """Every frame, drawn; see :meth:`speediness.video.reader.VideoReader.frames`."""
        looks = {int(np.searchsorted(self.times_s, n + 0.5)) for n in range(int(self.times_s[-1] + 0.5))}
        for n in range(len(self.times_s)):
            time_s = self.times_s[n : n + 1]
            height, width = self.sides(short_side_px or 256)
            pixels = render(self.stage, time_s, width, height)[0].repeat(channels, 2)
            scene = None
            if scene_px is not None and n in looks:
                height, width = self.sides(scene_px)
                scene = render(self.stage, time_s, width, height)[0].repeat(3, 2)
            yield Frame(Fraction(n, self.rate), pixels, scene)
