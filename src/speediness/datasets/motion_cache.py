"""The motion of videos on disk, measured once, with what the ImageNet network sees of their scenes."""

# F frames, P pairs, N looks at the scene, C channels of the ImageNet network, h w cells

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from speediness.analysis.shot import SCENE_PX, fit
from speediness.datasets.clip_cache import fingerprint, make_folder, usable, written_by_one
from speediness.datasets.decoded_video import open_item
from speediness.datasets.mocap import CaptureVideo
from speediness.datasets.video_list import VideoItem
from speediness.errors import VideoError
from speediness.models.motion import CELL_PX, MotionCells
from speediness.models.scene import features, trunk
from speediness.motion_field import REFERENCE_PX, SHORTEST_PAIR_S, MotionField
from speediness.simulation.cells import Sight, motion_cells

STRIDES = (1, 2, 4)
"""Frames from one to the next that motion is measured between: what faster video is made of."""
PAIRS, LOOKS = 64, 4  # measured in one call
MEASURED = 1  # goes up whenever the same video is measured to other values: old files are left alone


@dataclass(frozen=True)
class MotionVideo:
    """What moves in a video, whose frames are not kept."""

    item: VideoItem
    times_s: tuple[NDArray[np.float64], ...]
    """By stride, (P + 1,) the frames that motion was measured between."""
    flow_grid: tuple[NDArray[np.float16], ...]
    """By stride, (P, 4, h, w) of :class:`speediness.models.motion.MotionCells`, in pixels at short side
    REFERENCE_PX."""
    scene_s: NDArray[np.float64]
    """(N,) when the scene was looked at, about once a second."""
    scene_NChw: NDArray[np.float16]
    """The last maps of the ImageNet network."""

    @property
    def end_s(self) -> float:
        """Until when motion is known at every stride: the longest end a little before the video does."""
        return min(float(times_s[-1]) for times_s in self.times_s)

    def pair_s(self, number: int) -> float:
        """Mean seconds between the frames of a stride."""
        times_s = self.times_s[number]
        return float(times_s[-1] - times_s[0]) / (len(times_s) - 1)

    def field(self, number: int, start_s: float, end_s: float) -> MotionField | None:
        """Motion over a stretch of the video, as measured at the stride of a number; None: not known."""
        times_s = self.times_s[number]
        first = max(int(np.searchsorted(times_s, start_s + 1e-9, "right")) - 1, 0)
        last = int(np.searchsorted(times_s, end_s - 1e-9))
        if last >= len(times_s) or last <= first:
            return None
        field = MotionField(float(times_s[first]))
        for time_s, flow_grid in zip(
            times_s[first + 1 : last + 1], self.flow_grid[number][first:last], strict=True
        ):
            field.add(float(time_s), flow_grid.astype(np.float32))
        return field


class MotionCache:
    """Motion of every video, in one folder that several processes may share.

    Args:
        folder: where the files live; made if missing.
        size_px: short side at which motion is measured, a multiple of 8.
    """

    def __init__(self, folder: Path, size_px: int) -> None:
        self.folder, self.size_px = folder, size_px
        make_folder(folder)

    def video(self, item: VideoItem) -> MotionVideo:
        """The motion of a video, measured if it must be.

        Raises:
            OutputError: the folder cannot be written.
            VideoError: the file cannot be decoded or holds fewer frames than the largest stride needs.
        """
        name = f"{fingerprint(item)}|motion {MEASURED}|{self.size_px}"
        path = self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.motion.npz"
        try:
            with np.load(path) as held:
                arrays = dict(held)
        except FileNotFoundError:
            arrays = measure(item, self.size_px)
            _save(path, arrays)
        of_stride = [(arrays[f"times_s.{n}"], arrays[f"flow_grid.{n}"]) for n in STRIDES]
        times_s, flow_grid = zip(*of_stride, strict=True)
        return MotionVideo(item, times_s, flow_grid, arrays["scene_s"], arrays["scene"])

    def videos(self, items: Sequence[VideoItem], report: Callable[[str], None]) -> list[MotionVideo]:
        """All videos that can be measured; each that cannot is reported by name.

        Raises:
            OutputError: the folder cannot be written.
        """
        with _one_thread_each():
            return usable(items, self.video, "measuring motion", report)


@torch.inference_mode()
def measure(item: VideoItem, size_px: int) -> dict[str, NDArray]:
    """Arrays of a :class:`MotionVideo` by name.

    Raises:
        VideoError: the file cannot be decoded or holds fewer frames than the largest stride needs.
    """
    if item.take:
        return simulate(CaptureVideo(item), size_px)
    cells, times_s, images, scenes_s, scenes = MotionCells(), [], [], [], []
    for frame in open_item(item).frames(size_px, 1, scene_px=SCENE_PX):
        time_s = float(frame.time_s)
        if not times_s or time_s - times_s[-1] >= SHORTEST_PAIR_S - 1e-6:
            times_s.append(time_s)
            images.append(fit(frame.pixels_HWC, 8))
        if frame.scene_HWC is not None:
            scenes_s.append(time_s)
            scenes.append(fit(frame.scene_HWC, 32))
    if len(times_s) <= max(STRIDES):
        raise VideoError(f"{item.path} holds {len(times_s)} frames; motion needs {max(STRIDES) + 1}")
    arrays: dict[str, NDArray] = {}
    for stride in STRIDES:
        frames = torch.from_numpy(np.stack(images[::stride]))
        parts = [
            cells(frames[i : i + PAIRS], frames[i + 1 : i + 1 + PAIRS])
            if i + 1 + PAIRS <= len(frames)
            else cells(frames[i:-1], frames[i + 1 :])
            for i in range(0, len(frames) - 1, PAIRS)
        ]
        flow_grid = torch.cat(parts)
        flow_grid[:, :3] *= REFERENCE_PX / size_px
        arrays[f"flow_grid.{stride}"] = flow_grid.numpy().astype(np.float16)
        arrays[f"times_s.{stride}"] = np.array(times_s[::stride])
    maps = [
        features(trunk(), torch.from_numpy(np.stack(scenes[i : i + LOOKS])))
        for i in range(0, len(scenes), LOOKS)
    ]
    arrays["scene_s"] = np.array(scenes_s)
    arrays["scene"] = (
        torch.cat(maps).numpy().astype(np.float16) if maps else np.zeros((0, 1, 1, 1), np.float16)
    )
    return arrays


def simulate(video: CaptureVideo, size_px: int) -> dict[str, NDArray]:
    """Arrays of a :class:`MotionVideo` of a capture: limbs move cells, no frame is drawn, no scene seen."""
    rng = video.rng
    sight = Sight(
        bodies=float(np.exp(rng.normal(np.log(4), 0.7))),
        background=float(np.exp(rng.normal(np.log(0.4), 0.9))),
        uneven=float(rng.uniform(0.8, 2)),
        noise_px=float(np.exp(rng.normal(np.log(0.05), 1.0))),
    )
    rows, columns = (side // CELL_PX for side in video.sides(size_px, 8))
    arrays: dict[str, NDArray] = {"scene_s": np.zeros(0), "scene": np.zeros((0, 1, 1, 1), np.float16)}
    for stride in STRIDES:
        times_s = video.times_s[::stride]
        flow_grid = motion_cells(video.stage, times_s, (rows, columns), sight, rng)
        flow_grid[:, :3] *= REFERENCE_PX / size_px
        arrays[f"flow_grid.{stride}"], arrays[f"times_s.{stride}"] = flow_grid.astype(np.float16), times_s
    return arrays


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Every video on one core: small operations shared by all cores wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _save(path: Path, arrays: dict[str, NDArray]) -> None:
    with written_by_one(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
