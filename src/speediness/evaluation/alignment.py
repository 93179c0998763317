"""How well videos are brought into step, beside ways that learn nothing.

Planted: a video and the same once more at another pace, which is known, and looking different. Marked: key
moments of several videos of one action, as a person found them.
"""

# F frames, A B frames of two videos, H W frame size, C channels, D features, K key moments

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from speediness.align.features import (
    DescribedVideo,
    Floats,
    FrameFeatures,
    Pixels,
    Times,
    described,
    load_features,
    whole_units,
)
from speediness.align.warp import TimeMap, align, between_frames
from speediness.datasets.augment import apply_augmentations, centre_square, draw_augmentation
from speediness.datasets.video_list import VideoItem, from_folder
from speediness.errors import DataError
from speediness.evaluation.moving_shapes import ACTIONS, HEIGHT_PX, draw
from speediness.video.reader import VideoReader

THUMBNAIL_PX = 16
PLANTED_FRAMES, PLANTED_PX = 60, 160
PACES = 0.45  # deviation of the logarithm of the pace
KEY_SHARES = np.array([0.25, 0.5, 0.75])  # where a planted video has its key moments
FOLLOWED_RATE = 25.0

Align = Callable[[DescribedVideo, DescribedVideo], TimeMap]
Progress = Callable[[float, float], None] | None


@dataclass(frozen=True)
class Method:
    """A way to bring videos into step."""

    features: FrameFeatures
    align: Align


@dataclass(frozen=True)
class Planted:
    """A video, and the same once more at another pace."""

    name: str
    frames: Pixels
    """(B, H, W, 3)."""
    again: Pixels
    """(A, H, W, 3)."""
    places_A: Times
    """For each frame of ``again`` its place among ``frames``, between them too."""


def evaluate_alignment(
    data: str | Path | None = None, model: str | Path | None = None, progress: Progress = None
) -> dict[str, Any]:
    """Errors in frames of the video that follows.

    Args:
        data: a CSV of marks, see :func:`read_marks`; or a folder of videos, which are planted; None: drawn
            sequences, planted.
        model: features to be measured besides those that are shipped.
        progress: called with videos, or pairs of them, done and their number.

    Returns:
        ``planted`` by video, or ``marked`` by action, and ``mean``; each by method ``tau``, Kendall's tau
        of the nearest frames; ``median_error`` of all frames (planted alone); ``key_moments`` and
        ``key_moments_median``, the mean and the median error of these.

    Raises:
        DataError: there are no videos, or marks that mean nothing.
        WeightsError: the features cannot be read.
    """
    found = methods(model)
    if data is not None and Path(data).is_file():
        kind, scores = "marked", _marked(read_marks(Path(data)), found, progress)
    else:
        items = [] if data is None else from_folder(Path(data))
        videos, count = (warped(items), len(items)) if items else (drawn(), len(ACTIONS))
        kind, scores = "planted", _planted(videos, count, found, progress)
    mean = {
        name: {
            key: float(np.mean([score[name][key] for score in scores.values()]))
            for key in next(iter(scores.values()))[name]
        }
        for name in found
    }
    return {"schema": "speediness.alignment_accuracy/1", kind: scores, "mean": mean}


def methods(model: str | Path | None) -> dict[str, Method]:
    """Linear time, dynamic time warping of thumbnails, and features as ``speediness align`` uses them."""
    thumbnails = FrameFeatures(64, _thumbnails)
    found = {
        "linear time": Method(thumbnails, _linear),
        "thumbnails": Method(thumbnails, warp_classically),
        "ImageNet": Method(load_features(), align),
    }
    return found | ({} if model is None else {Path(model).name: Method(load_features(model), align)})


def _thumbnails(frames_FHWC: Pixels, times_s: Times) -> Floats:
    small = [cv2.resize(frame, (THUMBNAIL_PX,) * 2, interpolation=cv2.INTER_AREA) for frame in frames_FHWC]
    lab = [cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2Lab) for frame in small]
    return np.stack(lab).reshape(len(lab), -1).astype(np.float32) / np.float32(100)


def _linear(a: DescribedVideo, b: DescribedVideo) -> TimeMap:
    return TimeMap(a.times_s[[0, -1]], b.times_s[[0, -1]])


def warp_classically(a: DescribedVideo, b: DescribedVideo) -> TimeMap:
    """Dynamic time warping (Sakoe and Chiba 1978) with steps of one frame in A, in B or in both."""
    cost_AB = between_frames(a.features_FD, b.features_FD, np.arange(len(b.times_s), dtype=np.float64))
    rows, columns = cost_AB.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    for n in range(rows):
        best = np.minimum(total[n, :-1], total[n, 1:])
        for m in range(columns):
            total[n + 1, m + 1] = cost_AB[n, m] + min(best[m], total[n + 1, m])
    matched: dict[int, list[int]] = defaultdict(list)
    n, m = rows, columns
    while n and m:
        matched[n - 1].append(m - 1)
        n, m = min(((n - 1, m - 1), (n - 1, m), (n, m - 1)), key=lambda place: total[place])
    return TimeMap(a.times_s, np.array([b.times_s[matched[n]].mean() for n in range(rows)]))


def kendall_tau(values: NDArray[Any]) -> float:
    """Tau b of values against their order, -1..1; 0 where all are alike."""
    first, second = np.triu_indices(len(values), 1)
    signs = np.sign(values[second].astype(np.float64) - values[first])
    return float(signs.sum() / max(np.sqrt(np.abs(signs).sum() * len(signs)), 1e-9))


def _tau(a: DescribedVideo, b: DescribedVideo) -> float:
    places_B = np.arange(len(b.times_s), dtype=np.float64)
    return kendall_tau(between_frames(a.features_FD, b.features_FD, places_B).argmin(1))


def random_pace(count: int, rng: np.random.Generator) -> Times:
    """(count,) moments from 0 to 1 whose pace changes smoothly, up to about threefold."""
    knots = rng.normal(0, PACES, 6)
    pace = np.exp(np.interp(np.linspace(0, 5, count - 1), np.arange(6), knots))
    moments = np.concatenate([[0], np.cumsum(pace)])
    return moments / moments[-1]


def drawn() -> Iterator[Planted]:
    """The actions of :mod:`speediness.evaluation.moving_shapes`, twice, their frames made square."""
    for seed, (name, shapes) in enumerate(ACTIONS.items()):
        moments_A = random_pace(PLANTED_FRAMES, np.random.default_rng(seed))
        paces = np.linspace(0, 1, PLANTED_FRAMES), moments_A
        frames, again = (
            np.stack(
                [
                    cv2.resize(frame, (HEIGHT_PX, HEIGHT_PX)).astype(np.uint8)
                    for frame in draw(name, shapes, seed, pace).frames
                ]
            )
            for pace in paces
        )
        yield _in_other_light(name, frames, again, moments_A * (PLANTED_FRAMES - 1), seed)


def warped(items: Sequence[VideoItem]) -> Iterator[Planted]:
    """Videos, at most PLANTED_FRAMES frames of each; of the second time every frame is one of them."""
    for number, item in enumerate(items):
        frames = np.stack([frame.pixels_HWC for frame in VideoReader(item.path).frames(PLANTED_PX)])
        frames = frames[:: -(-len(frames) // PLANTED_FRAMES)]
        moments_A = random_pace(len(frames), np.random.default_rng(number))
        numbers_A = np.rint(moments_A * (len(frames) - 1)).astype(int)
        places_A = numbers_A.astype(np.float64)
        yield _in_other_light(item.path.name, frames, frames[numbers_A], places_A, number)


def _in_other_light(name: str, frames: Pixels, again: Pixels, places_A: Times, seed: int) -> Planted:
    """The middle square of a video; of the second time a part of the frame in other light, with noise."""
    height, width = frames.shape[1:3]
    look = replace(draw_augmentation(height, width, np.random.default_rng(seed + 1000), 1.3), flip=False)
    clips = []
    for part, a in ((frames, centre_square(height, width)), (again, look)):
        square = part[:, a.top : a.top + a.side_px, a.left : a.left + a.side_px].copy()
        clips.append(apply_augmentations([torch.from_numpy(square)], [a], [seed], PLANTED_PX)[0].numpy())
    return Planted(name, clips[0], clips[1], places_A)


def _planted(
    videos: Iterator[Planted], count: int, found: dict[str, Method], progress: Progress
) -> dict[str, dict[str, dict[str, float]]]:
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for done, video in enumerate(videos, 1):
        scores[video.name] = {}
        truth_A, key_A = video.places_A, np.searchsorted(video.places_A, KEY_SHARES * video.places_A[-1])
        for name, method in found.items():
            a, b = (_shown(frames, method.features) for frames in (video.again, video.frames))
            error_A = np.abs(method.align(a, b)(a.times_s) * FOLLOWED_RATE - truth_A)
            scores[video.name][name] = {
                "tau": _tau(a, b),
                "median_error": float(np.median(error_A)),
                "key_moments": float(error_A[key_A].mean()),
                "key_moments_median": float(np.median(error_A[key_A])),
            }
        if progress is not None:
            progress(done, count)
    return scores


def _shown(frames_FHWC: Pixels, features: FrameFeatures) -> DescribedVideo:
    height, width = frames_FHWC.shape[1:3]
    scale = features.short_side_px / min(height, width)
    size = round(width * scale), round(height * scale)
    scaled = np.stack(
        [whole_units(cv2.resize(frame, size, interpolation=cv2.INTER_AREA)) for frame in frames_FHWC]
    )
    times_s = np.arange(len(scaled)) / FOLLOWED_RATE
    return DescribedVideo(times_s, float(times_s[-1]), features.describe(scaled, times_s))


@dataclass(frozen=True)
class Marked:
    """A video and its key moments."""

    path: Path
    action: str
    moments_s: Times


def read_marks(path: Path) -> list[Marked]:
    """Marks of a CSV: columns ``file``, relative to it, ``action``, and one of seconds for each moment.

    Raises:
        DataError: no such columns, no number, a file that is missing, or an action of one video.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file))
        marks = []
        for row in lines:
            name, action = row.pop("file"), row.pop("action")
            moments_s = np.array([float(value) for value in row.values()])
            marks.append(Marked(path.parent / name, action, moments_s))
    except (UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} holds no marks: it needs the columns file, action, and seconds for each key moment"
        ) from error
    for mark in marks:
        if not mark.path.is_file():
            raise DataError(
                f"{path} names {mark.path}, which does not exist; put the CSV where its files are"
            )
        if sum(other.action == mark.action for other in marks) < 2:
            raise DataError(f"{path} marks one video of {mark.action} alone; an action needs two")
    if not marks:
        raise DataError(f"{path} marks no video; add a line for each")
    return marks


def _marked(
    marks: Sequence[Marked], found: dict[str, Method], progress: Progress
) -> dict[str, dict[str, dict[str, float]]]:
    """Key moments of each video carried to each other of its action."""
    errors: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    taus: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    pairs = [
        pair
        for pair in permutations(range(len(marks)), 2)
        if marks[pair[0]].action == marks[pair[1]].action
    ]
    readers = [VideoReader(mark.path) for mark in marks]
    seen: dict[FrameFeatures, list[DescribedVideo]] = {}
    for count, (name, method) in enumerate(found.items()):
        if method.features not in seen:
            seen[method.features] = [described(reader, method.features) for reader in readers]
        videos = seen[method.features]
        for done, (n, m) in enumerate(pairs, 1):
            one, other, action = videos[n], videos[m], marks[n].action
            moved_s = method.align(one, other)(marks[n].moments_s)
            rate = float(readers[m].info.frame_rate)
            errors[action][name] += (np.abs(moved_s - marks[m].moments_s) * rate).tolist()
            taus[action][name].append(_tau(one, other))
            if progress is not None:
                progress(count * len(pairs) + done, len(found) * len(pairs))
    return {
        action: {
            name: {
                "tau": float(np.mean(taus[action][name])),
                "key_moments": float(np.mean(values)),
                "key_moments_median": float(np.median(values)),
            }
            for name, values in by_method.items()
        }
        for action, by_method in errors.items()
    }
