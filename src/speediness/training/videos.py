"""The videos of a run in the form that its task wants: frames, or motion measured before."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from speediness.clip import ClipSpec
from speediness.datasets.clip_cache import ClipCache
from speediness.datasets.decoded_video import DecodedVideo
from speediness.datasets.motion_cache import MotionCache, MotionVideo
from speediness.datasets.video_list import VideoItem
from speediness.evaluation.calibration import VideoAnswers, video_answers
from speediness.evaluation.motion_scores import answers, score_motion
from speediness.evaluation.speed_accuracy import VideoScores, score_video
from speediness.models.speednet import SpeedNet
from speediness.models.torch_runtime import runtime_for
from speediness.runtime.protocol import Runtime
from speediness.training.loader import Loader
from speediness.training.motion_loader import MotionLoader
from speediness.training.pixel_source import choose_pixels
from speediness.training.recipe import Recipe
from speediness.training.run import Run
from speediness.training.tasks.playback_rate import PlaybackRateTask
from speediness.training.tasks.task import ClipTask

T = TypeVar("T")
Videos = Sequence[Any]
"""Of :class:`speediness.datasets.clip_cache.CachedVideo`, or of
:class:`speediness.datasets.motion_cache.MotionVideo`."""


def open_videos(
    recipe: Recipe,
    items: Sequence[VideoItem],
    cache: Path,
    log: Callable[[str], None],
    cache_bytes: int | None = None,
    recompressed: int = 0,
) -> Videos:
    """All videos that can be used, decoded or measured first where they must be.

    ``log`` is told of the others. ``cache_bytes`` is the most that decoded videos may take, motion takes a
    hundredth of them; ``recompressed`` counts copies of every decoded video.
    """
    clip = recipe.config.clip
    if isinstance(recipe.task, PlaybackRateTask):
        return MotionCache(cache, clip.size_px).videos(items, log)
    return ClipCache.for_clips(cache, clip, cache_bytes).videos(items, log, recompressed)


def make_loader(
    run: Run, videos: Videos, resident: bool, log: Callable[[str], None]
) -> Loader | MotionLoader:
    """What draws the batches of a run; ``log`` is told of videos that it never draws."""
    recipe, processes = run.recipe, run.processes
    part = processes.rank, processes.count
    if isinstance(run.task, PlaybackRateTask):
        assert isinstance(run.network, SpeedNet)
        return MotionLoader(
            videos,
            run.task,
            recipe.config.clip,
            recipe.windows,
            recipe.seed,
            run.network.scene,
            recipe.zoom,
            part,
            log,
        )
    assert isinstance(run.task, ClipTask)
    return Loader(
        videos,
        run.task,
        recipe.config.clip,
        recipe.windows,
        recipe.seed,
        recipe.spatial,
        choose_pixels(videos, processes.device, resident),
        part,
        recipe.zoom,
        log,
        resize=recipe.resize,
    )


def scores_of(recipe: Recipe, network: SpeedNet, videos: Videos) -> list[VideoScores]:
    """The measurement of §5.1 on videos of :func:`open_videos`; without those too short for it."""
    return _asked(recipe, network, videos, score_motion, score_video)


def answers_of(recipe: Recipe, network: SpeedNet, videos: Videos) -> list[VideoAnswers]:
    """What calibration needs of videos of :func:`open_videos`; without those too short for it."""
    return _asked(recipe, network, videos, answers, video_answers)


def _asked(
    recipe: Recipe,
    network: SpeedNet,
    videos: Videos,
    of_motion: Callable[[MotionVideo, SpeedNet], T | None],
    of_frames: Callable[[DecodedVideo, Runtime, ClipSpec], T | None],
) -> list[T]:
    if isinstance(recipe.task, PlaybackRateTask):
        found = (of_motion(video, network) for video in videos)
    else:
        runtime, clip = runtime_for(network), network.config.clip
        found = (of_frames(video, runtime, clip) for video in videos)
    return [said for said in found if said is not None]
