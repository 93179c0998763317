"""Where videos under audit are brought in, changed, stored, read back and scored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import ceil
from pathlib import Path

import numpy as np

from speediness.analysis.shot import scene_px
from speediness.datasets.decoded_video import DecodedVideo, open_item
from speediness.datasets.encoding import Encoding
from speediness.datasets.video_list import VideoItem
from speediness.errors import VideoError
from speediness.evaluation.audit.video_changes import CLEAN, Change, Make
from speediness.evaluation.speed_accuracy import MAGNIFICATION, VideoScores, score_video
from speediness.runtime.network import Network
from speediness.simulation.render import render
from speediness.simulation.stage import side_view
from speediness.simulation.walk import walk

VIDEO_S = 6.0  # of each video, its beginning
MASTER_PX = 256  # short side at which videos are changed and stored
MOST_FPS = 120  # of faster videos every n-th frame is used
WINDOWS_APART_S = 0.5
MARGIN_S = 0.1  # by less than this a change may alter the length of a video
TOO_SHORT = f"no window at 2x fits into its first {VIDEO_S:g} s"
WALKER_PX, WALKER_SHARE = (456, 256), 0.45


@dataclass(frozen=True)
class AuditVideo:
    """A video under audit."""

    master: DecodedVideo
    """In RGB at MASTER_PX or more; changed copies are made of it."""
    original: DecodedVideo
    """The same frames as they are scored."""
    scores: VideoScores
    """Of the original."""

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
        self.scene_px = scene_px(network.runtime)

    def videos(self, items: Sequence[VideoItem], unreadable: dict[str, str]) -> Iterator[AuditVideo]:
        """The beginnings of videos; one that cannot be used is noted in ``unreadable``."""
        for item in items:
            try:
                master = self._opening(item, self.master_px, 3)
                original = self._opening(item, self.scored_px, self.network.clip.channels, self.scene_px)
                audited = AuditVideo(master, original, self.score(original))
            except VideoError as error:
                unreadable[item.path.name] = str(error)
            else:
                yield audited

    def walkers(self, count: int, rate_fps: int) -> Iterator[AuditVideo]:
        """Simulated people who walk at natural speed."""
        times_s = np.arange(round(VIDEO_S * rate_fps)) / rate_fps
        for seed in range(count):
            luma = render(side_view(walk(seed, VIDEO_S), WALKER_SHARE, seed), times_s, *WALKER_PX)
            item = VideoItem(Path(f"walker {seed + 1}"), f"walker {seed + 1}")
            master = DecodedVideo(item, times_s, luma.repeat(3, 3))
            original = self._stored(master, CLEAN)
            yield AuditVideo(master, original, self.score(original))

    def score(self, video: DecodedVideo, like: DecodedVideo | None = None) -> VideoScores:
        """Score a video in as many windows as its reference.

        Raises:
            VideoError: it is too short.
        """
        stride_s = self._stride_s(like or video)
        scores = score_video(video, self.network.runtime, self.network.clip, stride_s)
        if scores is None:
            raise VideoError(TOO_SHORT)
        return scores

    def compare(self, audited: AuditVideo, change: Change, seed: int) -> tuple[VideoScores, VideoScores]:
        """The answers for what a change is compared with, and for the changed video."""
        if change.reference is None:
            before, video = audited.scores, audited.original
        else:
            video = self._copy(audited.master, *change.reference, seed)
            before = self.score(video)
        return before, self.score(self._copy(audited.master, change.make, change.encoding, seed), video)

    def _copy(self, master: DecodedVideo, make: Make, encoding: Encoding, seed: int) -> DecodedVideo:
        return self._stored(make(master, np.random.default_rng(seed)), encoding)

    def _stored(self, video: DecodedVideo, encoding: Encoding) -> DecodedVideo:
        return encoding.store(video, self.folder, self.scored_px, self.network.clip.channels, self.scene_px)

    def _opening(
        self, item: VideoItem, short_side_px: int, channels: int, scene_px: int | None = None
    ) -> DecodedVideo:
        video = open_item(item).frames(short_side_px, channels, scene_px=scene_px)
        frames = list(takewhile(lambda frame: float(frame.time_s) < VIDEO_S, video))
        times_s = np.array([float(frame.time_s) for frame in frames])
        # Longer than the window, else the last frame, which a change may keep on screen for longer or
        # shorter, would decide whether one fits.
        if len(frames) < 2 or times_s[-1] < 2 * self.network.clip.duration_s + MARGIN_S:
            raise VideoError(TOO_SHORT)
        kept = np.arange(0, len(frames), ceil((len(frames) - 1) / times_s[-1] / MOST_FPS))
        scenes = {n: frame.scene_HWC for n, frame in enumerate(frames) if frame.scene_HWC is not None}
        scenes = {int(np.searchsorted(kept, n)): scene for n, scene in scenes.items() if n <= kept[-1]}
        pixels_FHWC = np.stack([frames[i].pixels_HWC for i in kept])
        return DecodedVideo(item, times_s[kept], pixels_FHWC, scenes=scenes)

    def _stride_s(self, video: DecodedVideo) -> float:
        """About WINDOWS_APART_S, such that a video up to MARGIN_S longer holds as many windows."""
        span_s = video.end_s - 2 * self.network.clip.duration_s
        return (span_s + MARGIN_S) / max(1, ceil(span_s / WINDOWS_APART_S))
