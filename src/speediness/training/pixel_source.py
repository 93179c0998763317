"""Where the pixels of a clip come from: videos mapped from disk, or videos held on the device."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speediness.datasets.augment import Augmentation
from speediness.datasets.clip_cache import CachedVideo
from speediness.training.tasks.task import View

LARGEST_SHARE = 0.5  # of the free memory of a GPU that videos may take; the network needs the rest


@dataclass(frozen=True)
class ClipRequest:
    """One clip to cut: which frames of which video, under which look."""

    video: CachedVideo
    number: int
    """Which of the videos it is."""
    copy: int
    """0 the video as it is, 1 and on its recompressed copies."""
    frames: NDArray[np.int64]
    """(T,) indices."""
    view: View
    augmentation: Augmentation
    noise_offset: int

    @property
    def origin(self) -> str:
        """Video and time of its middle, to name it when something is wrong with it."""
        return (
            f"{self.video.item.path.name} at {self.video.times_s[self.frames[len(self.frames) // 2]]:.2f} s"
        )


class PixelSource(Protocol):
    """Gives the squares of frames that clips are made of."""

    @property
    def stream(self) -> torch.cuda.Stream | None:
        """Where work on the squares is queued, beside the network's; None outside CUDA."""
        ...

    def squares(self, requests: Sequence[ClipRequest]) -> list[Tensor]:
        """Per cut its frames, cut to its look's square: uint8 (T, side, side, C)."""
        ...


class MappedPixels:
    """Reads from the videos mapped from disk; the clips are made on the CPU."""

    @property
    def stream(self) -> None:
        """None: nothing is queued."""

    def squares(self, requests: Sequence[ClipRequest]) -> list[Tensor]:
        """See :class:`PixelSource`."""
        squares = []
        for request in requests:
            rows, columns = _square(request.augmentation)
            pixels = _encodings(request.video)[request.copy][request.frames, rows, columns]
            squares.append(torch.from_numpy(np.asarray(pixels)))
        return squares


class ResidentPixels:
    """Holds all videos, copies included, as uint8 on a device, where the clips are made too."""

    def __init__(self, videos: Sequence[CachedVideo], device: torch.device) -> None:
        self.device = device
        self._videos = [
            [torch.from_numpy(np.array(frames)).to(device) for frames in _encodings(video)]
            for video in videos
        ]
        self.stream = None
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            self.stream = torch.cuda.Stream(device)

    def squares(self, requests: Sequence[ClipRequest]) -> list[Tensor]:
        """See :class:`PixelSource`."""
        frames_BT = torch.from_numpy(np.stack([request.frames for request in requests])).to(self.device)
        squares = []
        for request, frames_T in zip(requests, frames_BT, strict=True):
            rows, columns = _square(request.augmentation)
            squares.append(self._videos[request.number][request.copy][frames_T, rows, columns])
        return squares


def choose_pixels(videos: Sequence[CachedVideo], device: torch.device, resident: bool) -> PixelSource:
    """Videos held on the device if asked for, and on CUDA whenever they fit."""
    if not resident and device.type == "cuda":
        free_bytes, _ = torch.cuda.mem_get_info(device)
        resident = sum(video.bytes for video in videos) < LARGEST_SHARE * free_bytes
    return ResidentPixels(videos, device) if resident else MappedPixels()


def _encodings(video: CachedVideo) -> tuple[NDArray[np.uint8], ...]:
    return video.frames_FHWC, *video.recompressed


def _square(augmentation: Augmentation) -> tuple[slice, slice]:
    return slice(augmentation.top, augmentation.top + augmentation.side_px), slice(
        augmentation.left, augmentation.left + augmentation.side_px
    )
