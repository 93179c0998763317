"""Videos and a task to batches; sample (seed, step, index) is always the same clip."""

# V windows a batch, B = V * views clips, T frames

import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from speediness.clip import ClipSpec
from speediness.datasets.augment import (
    MAX_ZOOM,
    Augmentation,
    apply_augmentations,
    centre_square,
    draw_augmentation,
)
from speediness.datasets.clip_cache import CachedVideo
from speediness.errors import DataError, SpeedinessError
from speediness.sampling import even_frames, nearest_frames
from speediness.training.pixel_source import ClipRequest, MappedPixels, PixelSource
from speediness.training.tasks.task import Batch, ClipTask


class BatchSource(Protocol):
    """Gives the batch of any step."""

    @property
    def stream(self) -> torch.cuda.Stream | None:
        """Where work on batches is queued, beside the network's; None: batches are made on the CPU."""
        ...

    def batch(self, step: int) -> Batch:
        """The batch of one step; the same for the same seed, whatever was drawn before."""
        ...


SIZES_PX, SIZE_STEP_PX = (64, 336), 16  # SpeedNet §3.1: N; the paper names no step


def shared_out(windows: int, part: tuple[int, int]) -> range:
    """The windows of a batch that one process draws: its rank and how many there are.

    Raises:
        SpeedinessError: they cannot be shared evenly.
    """
    rank, parts = part
    if windows % parts:
        raise SpeedinessError(
            f"{windows} windows a step cannot be shared evenly by {parts} processes: "
            "set windows to a multiple of that"
        )
    return range(rank * windows // parts, (rank + 1) * windows // parts)


def balanced(lengths_s: Sequence[tuple[str, float]]) -> NDArray[np.float64]:
    """(V,) how likely each video is drawn, of its source and seconds; one of 0 s never is.

    A source counts with the root of its length, its videos share that by theirs: a long source is neither
    drowned nor does it drown the others.
    """
    seconds: dict[str, float] = defaultdict(float)
    for source, length_s in lengths_s:
        seconds[source] += length_s
    weight = [length_s and length_s / seconds[source] ** 0.5 for source, length_s in lengths_s]
    return np.array(weight, np.float64) / sum(weight)


class Loader:
    """Draws windows of video, source by source, where something moves.

    A video that does not fit (:meth:`speediness.training.tasks.task.ClipTask.fits`) is never drawn.

    Args:
        videos: decoded videos.
        task: says which views to cut.
        clip: what the network looks at.
        windows: windows a batch, over all processes.
        seed: of the run.
        spatial: augment in space (§3.1); else every clip is the centre square.
        zoom: of the augmentation, at most.
        pixels: where the pixels come from.
        part: which of how many equal parts of every batch to give: the rank of a process and
            their count.
        log: told how many videos do not fit.
        resize: every batch at a size of its own (SpeedNet §3.1); else at the clip's.

    Raises:
        DataError: no video fits.
        SpeedinessError: the windows cannot be shared out evenly.
    """

    def __init__(
        self,
        videos: Sequence[CachedVideo],
        task: ClipTask,
        clip: ClipSpec,
        windows: int,
        seed: int,
        spatial: bool = True,
        pixels: PixelSource | None = None,
        part: tuple[int, int] = (0, 1),
        zoom: float = MAX_ZOOM,
        log: Callable[[str], None] = lambda line: None,
        resize: bool = False,
    ) -> None:
        self.videos, self.task, self.clip, self.seed = videos, task, clip, seed
        self.spatial, self.zoom, self.resize = spatial, zoom, resize
        self.pixels = pixels or MappedPixels()
        self.stream = self.pixels.stream
        self.view_s = task.longest_s(clip)
        self.indices = shared_out(windows, part)
        lengths_s = [
            (video.item.source, video.end_s if task.fits(video.times_s, clip) else 0.0) for video in videos
        ]
        unfit = sum(not length_s for _, length_s in lengths_s)
        wanted = f"{self.view_s:.3g} s, the longest view, at enough frames a second to tell speeds apart"
        if unfit == len(videos):
            raise DataError(f"none of the {unfit} videos lasts {wanted}")
        if unfit:
            log(f"left out {unfit} videos that do not last {wanted}")
        self.probability = balanced(lengths_s)

    def batch(self, step: int) -> Batch:
        """The batch of one step; the same for the same seed, whatever was drawn before."""
        requests = self.draw(step)
        with torch.cuda.stream(self.stream):
            clips_BTHWC = apply_augmentations(
                self.pixels.squares(requests),
                [request.augmentation for request in requests],
                [request.noise_offset for request in requests],
                self.size_px(step),
            )
        if self.stream is not None:
            self.stream.synchronize()
        return Batch(
            (clips_BTHWC,),
            torch.tensor([request.view.label for request in requests]),
            tuple(dict.fromkeys(request.origin for request in requests[:: self.task.views_per_window])),
        )

    def size_px(self, step: int) -> int:
        """N of the batch of a step, which all processes share."""
        if not self.resize:
            return self.clip.size_px
        low, high = (side // SIZE_STEP_PX for side in SIZES_PX)
        return SIZE_STEP_PX * int(np.random.default_rng((self.seed, step)).integers(low, high + 1))

    def draw(self, step: int) -> list[ClipRequest]:
        """What the batch of a step is made of."""
        return [
            request
            for index in self.indices
            for request in self._requests(np.random.default_rng((self.seed, step, index)))
        ]

    def _requests(self, rng: np.random.Generator) -> list[ClipRequest]:
        """The views of one window."""
        number = int(rng.choice(len(self.videos), p=self.probability))
        video = self.videos[number]
        views = self.task.draw(video.item, lambda: video.busier_of_two(self.view_s, rng), self.clip, rng)
        # Drawn before any subsampling, and the same for all views: compression says nothing of speed.
        copy = int(rng.integers(1 + len(video.recompressed)))
        augmentations = [
            self._augmentation(video, rng) for _ in range(1 + max(view.crop_group for view in views))
        ]
        shown = even_frames if self.task.even else nearest_frames
        requests = []
        for view in views:
            frames, noise_offset = shown(video.times_s, view.times_s), int(rng.integers(2**31))
            augmentation = augmentations[view.crop_group]
            requests.append(ClipRequest(video, number, copy, frames, view, augmentation, noise_offset))
        return requests

    def _augmentation(self, video: CachedVideo, rng: np.random.Generator) -> Augmentation:
        height, width = video.frames_FHWC.shape[1:3]
        return (
            draw_augmentation(height, width, rng, self.zoom)
            if self.spatial
            else centre_square(height, width)
        )


@contextmanager
def drawn_ahead(loader: BatchSource, first: int) -> Iterator[Iterator[Batch]]:
    """The batches from step ``first`` on, some drawn while the network works on the one before.

    One thread draws on a CPU, whose cores the network needs, and where videos are held on a GPU;
    otherwise several, since a GPU works faster than a core cuts clips.
    """
    ahead = 8 if torch.cuda.is_available() and loader.stream is None else 1
    with ThreadPoolExecutor(ahead) as pool:

        def draw() -> Iterator[Batch]:
            pending = deque(pool.submit(loader.batch, first + n) for n in range(ahead))
            for step in itertools.count(first + ahead):
                batch = pending.popleft().result()
                pending.append(pool.submit(loader.batch, step))
                yield batch

        yield draw()
