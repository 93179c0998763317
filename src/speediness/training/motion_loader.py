"""Fields of motion to batches; sample (seed, step, index) is always the same window."""

# B views of a batch, T bins, N looks at the scene, K components of the scene, h w cells

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from speediness.clip import ClipSpec
from speediness.datasets.motion_cache import MotionVideo
from speediness.errors import DataError
from speediness.models.backbones.motion_net import SCENE_CHANNELS
from speediness.models.motion import CELL_PX, LEAST_CONFIDENCE
from speediness.models.scene import SceneNet
from speediness.motion_field import LONGEST_PAIR_S
from speediness.training.loader import balanced, shared_out
from speediness.training.tasks.playback_rate import DOUBLE, PlaybackRateTask
from speediness.training.tasks.task import Batch

SHAPES = (1, 20 / 14, 24 / 14)  # width over height of a batch's views: square, 4:3 and 16:9 nearly
SCENE_CELLS = 7  # rows of the scene map of a view
PAIRS_S = 0.028, LONGEST_PAIR_S  # of played time, as in natural video, where a view has a choice
CONTRAST = 0.5  # log of the factor by which contrast varies, at most


@dataclass(frozen=True)
class Place:
    """Which part of the frame a view shows, in shares of its height and width."""

    top: float
    left: float
    height: float
    width: float
    flip: bool


class MotionLoader:
    """Draws moments of video, source by source, where something moves, and plays them at several rates.

    Args:
        videos: measured videos; those too short for a window at 2x are left out.
        task: says which rates.
        clip: what the network looks at.
        windows: moments a batch, over all processes.
        seed: of the run.
        scene: projects the scenes; None: the network is told nothing of them.
        zoom: of the frame, at most.
        part: which of how many equal parts of every batch to give: the rank of a process and their count.
        log: told how many videos are too short.

    Raises:
        DataError: no video is long enough.
        SpeedinessError: the windows cannot be shared out evenly.
    """

    stream: torch.cuda.Stream | None = None

    def __init__(
        self,
        videos: Sequence[MotionVideo],
        task: PlaybackRateTask,
        clip: ClipSpec,
        windows: int,
        seed: int,
        scene: SceneNet | None,
        zoom: float,
        part: tuple[int, int] = (0, 1),
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.indices = shared_out(windows, part)
        longest_s = clip.duration_s * DOUBLE[1]
        self.videos = [video for video in videos if video.end_s > longest_s]
        if not self.videos:
            raise DataError(f"no video lasts {longest_s:.1f} s, a window at twice its speed")
        if too_short := len(videos) - len(self.videos):
            log(f"left out {too_short} videos shorter than {longest_s:.1f} s, a window at 2x")
        self.task, self.clip, self.seed, self.zoom = task, clip, seed, zoom
        scene = None if scene is None else copy.deepcopy(scene).cpu()
        self._scenes = [None if scene is None else _projected(scene, video) for video in self.videos]
        self.probability = balanced([(video.item.source, video.end_s) for video in self.videos])
        self._activity = [_activity(video) for video in self.videos]

    def batch(self, step: int) -> Batch:
        """The batch of one step; the same for the same seed, whatever was drawn before."""
        shape = SHAPES[int(np.random.default_rng((self.seed, step)).integers(len(SHAPES)))]
        views = [
            view
            for index in self.indices
            for view in self._views(np.random.default_rng((self.seed, step, index)), shape)
        ]
        motion, scene, rates, origins = zip(*views, strict=True)
        inputs: tuple[Tensor, ...] = (torch.stack(motion),)
        if self._scenes[0] is not None:
            own = torch.arange(len(views))[:, None].expand(-1, self.clip.n_frames)
            inputs += (torch.stack(scene), own.contiguous())
        return Batch(inputs, torch.tensor(rates), tuple(dict.fromkeys(origins)))

    def _views(self, rng: np.random.Generator, shape: float) -> list[tuple[Tensor, Tensor, float, str]]:
        number = int(rng.choice(len(self.videos), p=self.probability))
        video = self.videos[number]
        # Slower, motion would be even over several bins, as none is in video that was recorded faster.
        slowest = min(video.pair_s(0) / PAIRS_S[1], 1.0)
        rates = self.task.rates(slowest, video.end_s / self.clip.duration_s, rng)
        half_s = self.clip.duration_s * max(rates) / 2
        middle_s = self._busier_of_two(number, half_s, rng)
        place = _draw_place(video.flow_grid[0].shape[2:], shape, self.zoom, rng)
        backwards, contrast = rng.random() < 0.5, float(np.exp(2 * rng.uniform(-CONTRAST, CONTRAST)))
        height, width = self.clip.size_px // CELL_PX, 2 * round(self.clip.size_px / CELL_PX * shape / 2)
        hidden = rng.random() < self.task.drop_scene
        scene = torch.zeros(SCENE_CHANNELS, SCENE_CELLS, width // 2)
        maps = self._scenes[number]
        if maps is not None and len(maps) and not hidden:
            nearest = int(np.abs(video.scene_s - middle_s).argmin())
            scene = _cut(maps[nearest].float()[None], place, SCENE_CELLS, width // 2)[0]
        views = []
        for rate in rates:
            bins = self._bins(video, middle_s, rate, rng)
            motion = _cut(torch.from_numpy(bins), place, height, width)
            motion[:, :3] *= height / (
                place.height * video.flow_grid[0].shape[2]
            )  # larger, it moves by more
            if place.flip:
                motion[:, 0] *= -1
            if backwards:
                motion = motion.flip(0)
                motion[:, :2] *= -1
            seen = (motion[:, 3] - LEAST_CONFIDENCE).clamp(0, 1)
            motion[:, 3] = LEAST_CONFIDENCE + seen * contrast / (1 + seen * (contrast - 1))
            views.append(
                (motion, scene, float(np.log2(rate)), f"{video.item.path.name} at {middle_s:.2f} s")
            )
        return views

    def _bins(
        self, video: MotionVideo, middle_s: float, rate: float, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """(T, 4, h, w) around a moment, played at a rate.

        A video at another rate holds other frames, between which motion is measured with other errors.
        So the frames are drawn: any whose distance, as played, a natural video could have. Rates must not
        be told by it.
        """
        length_s = self.clip.duration_s * rate
        start_s = middle_s - length_s / 2
        pair_s = [video.pair_s(n) / rate for n in range(len(video.times_s))]
        usual = [n for n, s in enumerate(pair_s) if PAIRS_S[0] <= s <= PAIRS_S[1]]
        number = int(rng.choice(usual)) if usual else 0 if pair_s[0] > PAIRS_S[1] else len(pair_s) - 1
        field = video.field(number, start_s, start_s + length_s)
        assert field is not None, "a moment beyond the ends of the video"
        return field.bins(start_s, length_s / self.clip.n_frames, self.clip.n_frames)

    def _busier_of_two(self, number: int, half_s: float, rng: np.random.Generator) -> float:
        """Of two random moments with room around them, the one at which more moves."""
        times_s, moved = self._activity[number]
        end_s = self.videos[number].end_s
        middles_s = rng.uniform(half_s, max(end_s - half_s, half_s), size=2)
        reach_s = min(half_s, self.clip.duration_s)

        def busy(middle_s: float) -> float:
            first, last = np.searchsorted(times_s, (middle_s - reach_s, middle_s + reach_s))
            return float(moved[first : last + 1].mean())

        return float(max(middles_s, key=busy))


def _activity(video: MotionVideo) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """When, and by how many pixels a second, cells move on average."""
    times_s = video.times_s[0]
    moved = video.flow_grid[0][:, 2].astype(np.float32).mean((1, 2)) / np.diff(times_s)
    return (times_s[1:] + times_s[:-1]) / 2, moved.astype(np.float32)


@torch.inference_mode()
def _projected(scene: SceneNet, video: MotionVideo) -> Tensor:
    """(N, K, h, w) what the network is told of the scene, in half precision."""
    return scene.project(torch.from_numpy(video.scene_NChw.astype(np.float32))).half()


def _draw_place(cells_hw: tuple[int, ...], shape: float, zoom: float, rng: np.random.Generator) -> Place:
    """A part of a frame, its width ``shape`` times its height, enlarged at most ``zoom`` times."""
    rows, columns = cells_hw
    tall = min(rows, columns / shape) / zoom ** rng.uniform()
    height, width = tall / rows, tall * shape / columns
    return Place(
        float(rng.uniform(0, 1 - height)),
        float(rng.uniform(0, 1 - width)),
        height,
        width,
        bool(rng.random() < 0.5),
    )


def _cut(maps_NChw: Tensor, place: Place, height: int, width: int) -> Tensor:
    """(N, C, height, width) that part of maps, the values unchanged."""
    y = place.top + place.height * (torch.arange(height) + 0.5) / height
    x = place.left + place.width * (torch.arange(width) + 0.5) / width
    if place.flip:
        x = x.flip(0)
    grid = torch.stack(torch.broadcast_tensors(2 * x[None, :] - 1, 2 * y[:, None] - 1), -1)
    return F.grid_sample(
        maps_NChw, grid[None].expand(len(maps_NChw), -1, -1, -1), padding_mode="border", align_corners=False
    )
