"""Does a network read artefacts instead of motion?

Every video is changed in ways that leave its speed alone, stored by a real encoder, read by the
product's reader and scored as in :mod:`speediness.evaluation.speed_accuracy`; the answers must
stay as they were.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import chain, repeat, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.evaluation.audit.report import Audit, change_row, speed_effect, zoom_row
from speediness.evaluation.audit.runner import VIDEO_S, AuditRunner
from speediness.evaluation.audit.video_changes import changes
from speediness.evaluation.speed_accuracy import VideoScores, pairs_ranked
from speediness.runtime.network import Network

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
