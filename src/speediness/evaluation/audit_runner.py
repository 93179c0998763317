"""Where videos under audit are brought in, changed, stored, read back and scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import ceil
from pathlib import Path

import numpy as np

from speediness.analysis.network import Network
from speediness.datasets.decoded_video import DecodedVideo, open_item
from speediness.datasets.encoding import Encoding
from speediness.datasets.video_list import VideoItem
from speediness.errors import VideoError
from speediness.evaluation.speed_accuracy import MAGNIFICATION, VideoScores, score_video
from speediness.evaluation.video_changes import CLEAN, Change, Make
from speediness.reproduce.walker import Walker

VIDEO_S = 6.0  # of each video, its beginning
MASTER_PX = 256  # short side at which videos are changed and stored
MOST_FPS = 120  # of faster videos every n-th frame is used
WINDOWS_APART_S = 2.0
MARGIN_S = 0.1  # by less than this a change may alter the length of a video
WALKER_PX, WALKER_SHARE = (456, 256), 0.45


@dataclass(frozen=True)
class AuditVideo:
    """A video under audit."""

    master: DecodedVideo
    """At MASTER_PX or more; changed copies are made of it."""
    original: DecodedVideo
    """The same frames at the size at which videos are scored."""

    @property
    def fps(self) -> float:
        """Average frame rate."""
        return (len(self.master.times_s) - 1) / self.master.end_s


class AuditRunner:
    """Scores videos and their changed copies.

    Args:
        network: what is audited.
        folder: where copies lie for a moment.
    """

    def __init__(self, network: Network, folder: Path) -> None:
        self.network, self.folder = network, folder
        self.scored_px = MAGNIFICATION * network.clip.size_px
        self.master_px = max(MASTER_PX, self.scored_px)

    def videos(self, items: Sequence[VideoItem], unreadable: dict[str, str]) -> Iterator[AuditVideo]:
        """The beginnings of videos; one that cannot be used is noted in ``unreadable``."""
        for item in items:
            try:
                yield AuditVideo(self._opening(item, self.master_px), self._opening(item, self.scored_px))
            except VideoError as error:
                unreadable[item.path.name] = str(error)

    def walkers(self, count: int, rate_fps: int) -> Iterator[AuditVideo]:
        """Simulated people who walk at natural speed."""
        times_s = np.arange(round(VIDEO_S * rate_fps)) / rate_fps
        for seed in range(count):
            luma = Walker(seed).video(times_s, *WALKER_PX, WALKER_SHARE)
            item = VideoItem(Path(f"walker {seed + 1}"), f"walker {seed + 1}")
            master = DecodedVideo(item, times_s, luma.repeat(self.network.clip.channels, 3))
            yield AuditVideo(master, CLEAN.store(master, self.folder, self.scored_px))

    def score(self, video: DecodedVideo, like: DecodedVideo | None = None) -> VideoScores:
        """Score a video in as many windows as its reference."""
        return score_video(video, self.network.runtime, self.network.clip, self._stride_s(like or video))

    def compare(
        self, audited: AuditVideo, change: Change, seed: int, original: VideoScores
    ) -> tuple[VideoScores, VideoScores]:
        """The answers for what a change is compared with, and for the changed video."""
        if change.reference is None:
            before, video = original, audited.original
        else:
            video = self._copy(audited.master, *change.reference, seed)
            before = self.score(video)
        return before, self.score(self._copy(audited.master, change.make, change.encoding, seed), video)

    def _copy(self, master: DecodedVideo, make: Make, encoding: Encoding, seed: int) -> DecodedVideo:
        changed = make(master, np.random.default_rng(seed))
        return encoding.store(changed, self.folder, self.scored_px)

    def _opening(self, item: VideoItem, short_side_px: int) -> DecodedVideo:
        channels = self.network.clip.channels
        video = open_item(item).frames(short_side_px, channels)
        frames = list(takewhile(lambda frame: frame.time_s < VIDEO_S, video))
        if len(frames) < 2:
            raise VideoError(f"{item.path} holds a single frame in {VIDEO_S:g} s; motion needs two")
        times_s = np.array([float(frame.time_s) for frame in frames])
        # A video about as long as its 2x window is cut a little shorter, else the last frame, which
        # a change may keep on screen for longer or shorter, would decide how many windows fit.
        window_s = 2 * self.network.clip.duration_s
        end_s = window_s - MARGIN_S if abs(times_s[-1] - window_s) < MARGIN_S else VIDEO_S
        step = ceil((len(times_s) - 1) / times_s[-1] / MOST_FPS)
        kept = np.flatnonzero(times_s < end_s)[::step]
        return DecodedVideo(item, times_s[kept], np.stack([frames[i].pixels_HWC for i in kept]))

    def _stride_s(self, video: DecodedVideo) -> float:
        """About WINDOWS_APART_S, such that a video up to 5 % longer holds as many windows."""
        span_s = video.end_s - 2 * self.network.clip.duration_s
        gaps = max(1, ceil(span_s / WINDOWS_APART_S))
        return 1.05 * max(span_s, WINDOWS_APART_S / 2) / gaps
