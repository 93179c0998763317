"""Decoded videos on disk, memory-mapped, so that training never waits for a decoder."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, overload
from weakref import WeakValueDictionary

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from speediness.clip import ClipSpec
from speediness.datasets.decoded_video import DecodedVideo, decode_video, open_item
from speediness.datasets.encoding import recompress
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, OutputError, VideoError
from speediness.progress import progress_bar
from speediness.results.documents import written_whole

T = TypeVar("T")
MAGNIFICATION = 2
"""Videos are kept at so many times the size of the clips cut from them: matched pairs show the middle of a
frame as large as the whole (:mod:`speediness.evaluation.speed_accuracy`)."""


@dataclass(frozen=True)
class CachedVideo(DecodedVideo):
    """A video whose frames are mapped from disk rather than held in memory."""

    activity: NDArray[np.float32]
    """(F - 1,) mean absolute difference of neighbours in grey levels per second."""
    recompressed: tuple[NDArray[np.uint8], ...] = ()
    """Its frames after other encodings, see :func:`speediness.datasets.encoding.recompress`."""

    @property
    def bytes(self) -> int:
        """What its frames take, copies included."""
        return self.frames_FHWC.nbytes + sum(frames.nbytes for frames in self.recompressed)

    def busier_of_two(self, length_s: float, rng: np.random.Generator) -> tuple[float, float]:
        """Start and end, in seconds, of two random stretches of a length: the one in which more changes."""
        starts = rng.uniform(0, max(self.end_s - length_s, 0), size=2)
        moments = (self.times_s[1:] + self.times_s[:-1]) / 2

        def busy(start_s: float) -> float:
            inside = (moments >= start_s) & (moments <= start_s + length_s)
            return float(self.activity[inside].mean()) if inside.any() else 0.0

        start_s = max(starts, key=busy)
        return start_s, start_s + length_s

    def for_clips(self, clip: ClipSpec) -> CachedVideo:
        """The video at MAGNIFICATION times the size of such clips, or more."""
        return self.at(MAGNIFICATION * clip.size_px)

    def at(self, short_side_px: int) -> CachedVideo:
        """The video with its short side at least so long: enlarged if it was stored smaller.

        What is enlarged is held in memory, without the copies.
        """
        height, width = self.frames_FHWC.shape[1:3]
        if min(height, width) >= short_side_px:
            return self
        scale = short_side_px / min(height, width)
        size = round(width * scale), round(height * scale)
        parts = np.array_split(self.frames_FHWC, os.cpu_count() or 1)
        with ThreadPoolExecutor() as pool:
            enlarged = list(pool.map(lambda part: list(_scaled(part, *size)), parts))
        frames_FHWC = np.stack([pixels for part in enlarged for pixels in part])
        return CachedVideo(self.item, self.times_s, frames_FHWC, self.activity)


class ClipCache:
    """Arrays of frames, of times and of activity for every video, in one folder.

    Several processes may share a folder.

    Args:
        folder: where the arrays live; made if missing.
        short_side_px: frames are stored at this size, smaller videos at their own.
        channels: 1 luma, 3 RGB.
        most_bytes: the frames take no more than this; None: as much as there is. Videos used
            longest ago are dropped to make room, one in use never, and decoded again when needed.
    """

    def __init__(
        self, folder: Path, short_side_px: int, channels: int, most_bytes: int | None = None
    ) -> None:
        self.folder, self.short_side_px, self.channels = folder, short_side_px, channels
        self.most_bytes = most_bytes
        self._lock = threading.Lock()
        self._in_use: WeakValueDictionary[str, CachedVideo] = WeakValueDictionary()
        make_folder(folder)

    @classmethod
    def for_clips(cls, folder: Path, clip: ClipSpec, most_bytes: int | None = None) -> ClipCache:
        """The cache of videos that such clips are cut from."""
        return cls(folder, MAGNIFICATION * clip.size_px, clip.channels, most_bytes)

    def video(self, item: VideoItem) -> CachedVideo:
        """The decoded video, its short side at ``short_side_px`` whatever the file's size.

        Raises:
            DataError: the cache is too small for the videos in use.
            OutputError: the folder cannot be written, for example because the disk is full.
            VideoError: the file cannot be decoded or holds a single frame.
        """
        return self.stored(item).at(self.short_side_px)

    def stored(self, item: VideoItem, recompressed: int = 0) -> CachedVideo:
        """The video as it is stored, with so many recompressed copies; decoded if it must be.

        Raises:
            DataError, OutputError, VideoError: as :meth:`video`.
        """
        key = f"{fingerprint(item)}|{self.short_side_px}|{self.channels}"
        name = hashlib.sha256(key.encode()).hexdigest()[:24]
        held = self._in_use.get(name)
        if held is not None and len(held.recompressed) == recompressed:
            return held
        frames_FHWC, times_s, activity = self._arrays(item, name)
        copies = tuple(
            self._copy(item, name, number, frames_FHWC, times_s) for number in range(recompressed)
        )
        video = CachedVideo(item, times_s, frames_FHWC, activity, copies)
        self._in_use[name] = video
        return video

    def videos(
        self, items: Sequence[VideoItem], report: Callable[[str], None], recompressed: int = 0
    ) -> CachedVideos:
        """All videos that can be decoded; each that cannot is reported by name, none replaced.

        Raises:
            DataError, OutputError: as :meth:`video`; videos that cannot be decoded are left out.
        """

        def size(item: VideoItem) -> tuple[VideoItem, int]:
            return item, self.stored(item, recompressed).bytes

        kept = usable(items, size, "decoding videos", report)
        whole_bytes = sum(size_bytes for _, size_bytes in kept)
        if self.most_bytes is not None and whole_bytes > self.most_bytes:
            report(
                f"the videos take {whole_bytes / 1e9:.2f} GB, the cache is kept at "
                f"{self.most_bytes / 1e9:.2f} GB: videos will be decoded again and again"
            )
        return CachedVideos(self, [item for item, _ in kept], recompressed)

    def _arrays(
        self, item: VideoItem, name: str
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float32]]:
        frames, times, activity = (
            self.folder / f"{name}{end}" for end in (".npy", ".times.npy", ".activity.npy")
        )
        try:
            frames_FHWC, times_s = self._mapped(frames), np.load(times)
        except FileNotFoundError:
            video = decode_video(item, _stored_side_px(item, self.short_side_px), self.channels)
            frames_FHWC, times_s = self._keep(frames, video.frames_FHWC), video.times_s
            _save(times, times_s)
        try:
            return frames_FHWC, times_s, np.load(activity)
        except FileNotFoundError:
            small = frames_FHWC[:, ::2, ::2, 0].astype(np.int16)
            change = np.abs(np.diff(small, axis=0)).mean((1, 2)) / np.maximum(np.diff(times_s), 1e-3)
            change = np.asarray(change, np.float32)
            _save(activity, change)
            return frames_FHWC, times_s, change

    def _copy(
        self,
        item: VideoItem,
        name: str,
        number: int,
        frames_FHWC: NDArray[np.uint8],
        times_s: NDArray[np.float64],
    ) -> NDArray[np.uint8]:
        path = self.folder / f"{name}.copy{number}.npy"
        try:
            return self._mapped(path)
        except FileNotFoundError:
            seed = hashlib.sha256(f"{item.path.name}|{number}".encode()).digest()[:8]
            copy = recompress(DecodedVideo(item, times_s, frames_FHWC), int.from_bytes(seed))
            return self._keep(path, copy.frames_FHWC)

    def _mapped(self, path: Path) -> NDArray[np.uint8]:
        frames_FHWC = np.load(path, mmap_mode="r")
        with suppress(PermissionError):  # somebody else's videos; theirs to drop
            os.utime(path)  # used just now
        return frames_FHWC

    def _keep(self, path: Path, frames_FHWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        with self._lock:
            self._make_room(frames_FHWC.nbytes)
            _save(path, frames_FHWC)
            return np.load(path, mmap_mode="r")

    def _make_room(self, wanted_bytes: int) -> None:
        if self.most_bytes is None:
            return
        kept = [entry for entry in os.scandir(self.folder) if _holds_images(entry.name)]
        total_bytes = sum(entry.stat().st_size for entry in kept)
        for entry in sorted(kept, key=lambda entry: entry.stat().st_mtime_ns):
            if total_bytes + wanted_bytes <= self.most_bytes:
                return
            if entry.name.partition(".")[0] not in self._in_use:
                total_bytes -= entry.stat().st_size
                os.unlink(entry.path)
        if total_bytes + wanted_bytes > self.most_bytes:
            raise DataError(
                f"a cache of {self.most_bytes / 1e9:.2f} GB is too small: the videos in use take "
                f"{(total_bytes + wanted_bytes) / 1e9:.2f} GB; give more with --cache-size"
            )


class CachedVideos(Sequence[CachedVideo]):
    """Videos of a cache, each opened when it is asked for."""

    def __init__(
        self, cache: ClipCache, items: list[VideoItem], recompressed: int, short_side_px: int = 1
    ) -> None:
        self._cache, self._items, self._recompressed = cache, items, recompressed
        self._short_side_px = short_side_px

    def at(self, short_side_px: int) -> CachedVideos:
        """The same videos, see :meth:`CachedVideo.at`."""
        return CachedVideos(self._cache, self._items, self._recompressed, short_side_px)

    def __len__(self) -> int:
        """How many videos there are."""
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> CachedVideo: ...

    @overload
    def __getitem__(self, index: slice) -> CachedVideos: ...

    def __getitem__(self, index: int | slice) -> CachedVideo | CachedVideos:
        """A video, decoded again if it was dropped, or some of the videos."""
        if isinstance(index, slice):
            return CachedVideos(self._cache, self._items[index], self._recompressed, self._short_side_px)
        return self._cache.stored(self._items[index], self._recompressed).at(self._short_side_px)


def usable(
    items: Sequence[VideoItem], make: Callable[[VideoItem], T], title: str, report: Callable[[str], None]
) -> list[T]:
    """What is made of videos, one on each core; a video that cannot be read is reported and left out."""

    def tried(item: VideoItem) -> T | str:
        try:
            return make(item)
        except VideoError as error:
            return f"left out {item.path}: {error}"
        except FileNotFoundError:
            return f"left out {item.path}: there is no such file"

    made: list[T] = []
    with progress_bar(title, "videos") as progress, ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, found in enumerate(pool.map(tried, items), 1):
            if isinstance(found, str):
                report(found)
            else:
                made.append(found)
            progress(done, len(items))
    return made


def _stored_side_px(item: VideoItem, short_side_px: int) -> int:
    """The size to decode at: never enlarged, since that is done as well when a clip is cut."""
    first = next(iter(open_item(item).frames(channels=1)), None)
    if first is None:
        raise VideoError(f"{item.path} holds no frame that can be decoded; get a whole copy")
    return min(short_side_px, *first.pixels_HWC.shape[:2])


def _scaled(frames_FHWC: NDArray[np.uint8], width_px: int, height_px: int) -> Iterator[NDArray[np.uint8]]:
    """Frames at another size, by the scaler that videos are read with."""
    scaler, grey = VideoReformatter(), frames_FHWC.shape[-1] == 1
    for pixels in frames_FHWC:
        source = np.ascontiguousarray(pixels[:, :, 0] if grey else pixels)
        frame = av.VideoFrame.from_ndarray(source, format="gray" if grey else "rgb24")
        scaled = scaler.reformat(frame, width=width_px, height=height_px, interpolation="AREA")
        array = np.asarray(scaled.to_ndarray(), np.uint8)
        yield array[:, :, None] if grey else array


def fingerprint(item: VideoItem) -> str:
    """What tells a video from another of its name; a folder of frames by what lies in it."""
    if item.frame_rate is None:
        stat = item.path.stat()
        name = f"{item.path.name}#{item.take}" if item.take else item.path.name
        return f"{name}|{stat.st_size}|{stat.st_mtime_ns}"
    stats = [entry.stat() for entry in os.scandir(item.path)]
    size = sum(stat.st_size for stat in stats)
    changed_ns = max((stat.st_mtime_ns for stat in stats), default=0)
    return f"{item.path.name}|{size}|{changed_ns}|{len(stats)}|{item.frame_rate}"


def _holds_images(name: str) -> bool:
    return name.endswith(".npy") and not name.endswith((".times.npy", ".activity.npy"))


def make_folder(folder: Path) -> None:
    """Make a folder for what is kept; OutputError where that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror}; choose another folder") from error


def written_by_one(path: Path) -> AbstractContextManager[Path]:
    """A file of a cache; named by process and thread, since others may decode the same video meanwhile."""
    remedy = "free some space, choose another folder or bound the cache with --cache-size"
    return written_whole(path, remedy, f".{os.getpid()}-{threading.get_ident()}")


def _save(path: Path, array: NDArray) -> None:
    with written_by_one(path) as partial, partial.open("wb") as file:
        np.save(file, array)
