"""Where the pixels of a clip come from: films mapped from disk, or films held on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from speediness.datasets.augment import Look
from speediness.datasets.clip_cache import CachedFilm
from speediness.tasks.task import View

LARGEST_SHARE = 0.5  # of the free memory of a GPU that films may take; the network needs the rest


@dataclass(frozen=True)
class Cut:
    """One clip to cut: which frames of which film, under which look."""

    film: CachedFilm
    number: int
    """Which of the films it is."""
    copy: int
    """0 the film as it is, 1 and on its recompressed copies."""
    frames: NDArray[np.int64]
    """(T,) indices."""
    view: View
    look: Look
    noise_at: int
    intervals: NDArray[np.float32]
    """(T - 1,) see :func:`speediness.sampling.played_intervals`."""

    @property
    def origin(self) -> str:
        """Film and time of its middle, to name it when something is wrong with it."""
        return (
            f"{self.film.item.path.name} at {self.film.times_s[self.frames[len(self.frames) // 2]]:.2f} s"
        )


class Pixels(Protocol):
    """Gives the squares of pictures that clips are made of."""

    @property
    def stream(self) -> torch.cuda.Stream | None:
        """Where work on the squares is queued, beside the network's; None outside CUDA."""
        ...

    def squares(self, cuts: Sequence[Cut]) -> list[Tensor]:
        """Per cut its frames, cut to its look's square: uint8 (T, side, side, C)."""
        ...


class MappedPixels:
    """Reads from the films mapped from disk; the clips are made on the CPU."""

    @property
    def stream(self) -> None:
        """None: nothing is queued."""

    def squares(self, cuts: Sequence[Cut]) -> list[Tensor]:
        """See :class:`Pixels`."""
        squares = []
        for cut in cuts:
            rows, columns = _square(cut.look)
            pixels = _encodings(cut.film)[cut.copy][cut.frames, rows, columns]
            squares.append(torch.from_numpy(np.asarray(pixels)))
        return squares


class ResidentPixels:
    """Holds all films, copies included, as uint8 on a device, where the clips are made too."""

    def __init__(self, films: Sequence[CachedFilm], device: torch.device) -> None:
        self.device = device
        self._films = [
            [torch.from_numpy(np.array(frames)).to(device) for frames in _encodings(film)] for film in films
        ]
        self.stream = None
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            self.stream = torch.cuda.Stream(device)

    def squares(self, cuts: Sequence[Cut]) -> list[Tensor]:
        """See :class:`Pixels`."""
        frames_BT = torch.from_numpy(np.stack([cut.frames for cut in cuts])).to(self.device)
        squares = []
        for cut, frames_T in zip(cuts, frames_BT, strict=True):
            rows, columns = _square(cut.look)
            squares.append(self._films[cut.number][cut.copy][frames_T, rows, columns])
        return squares


def choose_pixels(films: Sequence[CachedFilm], device: torch.device, resident: bool) -> Pixels:
    """Films held on the device if asked for, and on CUDA whenever they fit."""
    if not resident and device.type == "cuda":
        free_bytes, _ = torch.cuda.mem_get_info(device)
        resident = sum(film.bytes for film in films) < LARGEST_SHARE * free_bytes
    return ResidentPixels(films, device) if resident else MappedPixels()


def _encodings(film: CachedFilm) -> tuple[NDArray[np.uint8], ...]:
    return film.frames_FHWC, *film.recompressed


def _square(look: Look) -> tuple[slice, slice]:
    return slice(look.top, look.top + look.side_px), slice(look.left, look.left + look.side_px)
