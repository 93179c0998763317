"""Does a network read artefacts instead of motion?

Every video is changed in ways that leave its speed alone, stored by a real encoder, read by the
product's reader and scored as in :mod:`speediness.evaluation.speed_accuracy`; the answers must
stay as they were.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat, takewhile, zip_longest
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from speediness.analysis.shot import scene_px
from speediness.datasets.decoded_video import DecodedVideo, open_item
from speediness.datasets.encoding import Encoding
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError, VideoError
from speediness.evaluation.audit.report import Audit, change_row, speed_effect, zoom_row
from speediness.evaluation.audit.video_changes import CLEAN, Change, Make, changes
from speediness.evaluation.speed_accuracy import MAGNIFICATION, VideoScores, pairs_ranked, score_video
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


DEFAULT_VIDEOS = 12
WALKERS, WALKER_FPS = 6, 30  # where no videos are given
FAST_WALKERS, FAST_WALKER_FPS = 2, 120  # always, for what only such a video can show


def audit(
    network: Network,
    items: Sequence[VideoItem] = (),
    *,
    videos: int = DEFAULT_VIDEOS,
    progress: Callable[[float, float], None] = lambda done_s, total_s: None,
) -> Audit:
    """Change videos, score them again, compare.

    Args:
        network: what is audited.
        items: videos that play at natural speed; none: simulated walkers.
        videos: at most so many of them, spread over their sources; always the same ones.
        progress: called with seconds of video scored and in all.

    Raises:
        DataError: none of the videos can be used.
        VideoError: what an encoder wrote cannot be read.
    """
    chosen = sample(items, videos)
    rows = changes()
    possible = [change for change in rows if not change.missing_encoder]
    demanding = [change for change in possible if change.least_fps]
    steps = len(possible) * (len(chosen) or WALKERS) + len(demanding) * FAST_WALKERS
    done = 0
    originals: list[VideoScores] = []
    unreadable: dict[str, str] = {}
    answers: dict[str, list[tuple[VideoScores, VideoScores]]] = defaultdict(list)
    with TemporaryDirectory(prefix="speediness-audit-") as folder:
        runner = AuditRunner(network, Path(folder))
        subjects = runner.videos(chosen, unreadable) if items else runner.walkers(WALKERS, WALKER_FPS)
        fast_walkers = runner.walkers(FAST_WALKERS, FAST_WALKER_FPS)
        tasks = chain(zip(subjects, repeat(possible)), zip(fast_walkers, repeat(demanding)))
        for seed, (audited, wanted) in enumerate(tasks):
            if wanted is possible:
                originals.append(audited.scores)
            for change in wanted:
                if audited.fps >= change.least_fps:
                    answers[change.name].append(runner.compare(audited, change, seed))
                done += 1
                progress(VIDEO_S * (done + len(possible) * len(unreadable)), VIDEO_S * steps)
    if not originals:
        raise DataError(f"none of the videos can be used: {next(iter(unreadable.values()))}")
    effect = speed_effect(originals)
    return Audit(
        network=network.name,
        network_sha256=network.sha256,
        videos=tuple(video.name for video in originals),
        unreadable=unreadable,
        windows=sum(2 * len(video.score_1x) for video in originals),
        speed_effect=effect,
        pairs_ranked=pairs_ranked(originals),
        rows=(zoom_row(originals), *(change_row(change, answers[change.name], effect) for change in rows)),
    )


def sample(items: Sequence[VideoItem], count: int) -> list[VideoItem]:
    """So many items, in turn one of every source; which ones depends on their names alone."""

    def by_digest(name: str) -> bytes:
        return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()

    of_source: dict[str, list[VideoItem]] = defaultdict(list)
    for item in sorted(items, key=lambda item: by_digest(item.path.name)):
        of_source[item.source].append(item)
    in_turn = zip_longest(*(of_source[source] for source in sorted(of_source, key=by_digest)))
    return [item for turn in in_turn for item in turn if item is not None][:count]
