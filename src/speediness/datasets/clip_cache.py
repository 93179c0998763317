"""Decoded films on disk, memory-mapped, so that training never waits for a decoder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speediness.datasets.film import Film, read_film
from speediness.datasets.video_list import VideoItem
from speediness.errors import VideoError


@dataclass(frozen=True)
class CachedFilm(Film):
    """A film whose frames are mapped from disk rather than held in memory."""

    activity: NDArray[np.float32]
    """(F - 1,) mean absolute difference of neighbours in grey levels per second."""


class ClipCache:
    """One ``.npy`` of pictures and one of times per film, named by content of the request.

    Args:
        folder: where the arrays live; made if missing.
        short_side_px: pictures are stored at this size (never enlarged).
        channels: 1 luma, 3 RGB.
    """

    def __init__(self, folder: Path, short_side_px: int, channels: int) -> None:
        self.folder, self.short_side_px, self.channels = folder, short_side_px, channels
        folder.mkdir(parents=True, exist_ok=True)

    def film(self, item: VideoItem) -> CachedFilm:
        """The decoded film, from disk if it was decoded before.

        Raises:
            VideoError: the file cannot be decoded or holds a single frame.
        """
        stat = item.path.stat()
        key = f"{item.path.name}|{stat.st_size}|{stat.st_mtime_ns}|{self.short_side_px}|{self.channels}"
        name = hashlib.sha256(key.encode()).hexdigest()[:24]
        pictures, times = self.folder / f"{name}.npy", self.folder / f"{name}.times.npy"
        if not times.exists():  # written last, so its presence means the pair is whole
            film = read_film(item, self.short_side_px, self.channels)
            _save(pictures, film.frames_FHWC)
            _save(times, film.times_s)
        frames_FHWC = np.load(pictures, mmap_mode="r")
        times_s = np.load(times)
        activity = self.folder / f"{name}.activity.npy"
        if not activity.exists():
            small = frames_FHWC[:, ::2, ::2, 0].astype(np.int16)
            change = np.abs(np.diff(small, axis=0)).mean((1, 2)) / np.maximum(np.diff(times_s), 1e-3)
            _save(activity, change.astype(np.float32))
        return CachedFilm(item, times_s, frames_FHWC, np.load(activity))

    def films(self, items: Iterable[VideoItem], report: Callable[[str], None]) -> list[CachedFilm]:
        """All films that can be decoded; each that cannot is reported by name, none replaced."""
        films = []
        for item in items:
            try:
                films.append(self.film(item))
            except (VideoError, OSError) as error:
                report(f"left out {item.path}: {error}")
        return films


def _save(path: Path, array: NDArray) -> None:
    partial = path.with_suffix(".partial.npy")
    np.save(partial, array)
    os.replace(partial, path)
