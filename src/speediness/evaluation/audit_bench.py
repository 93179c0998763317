"""Where films under audit are brought in, changed, stored, read back and judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import ceil
from pathlib import Path

import numpy as np

from speediness.analysis.network import Network
from speediness.datasets.encoding import Encoding
from speediness.datasets.film import Film, open_film
from speediness.datasets.video_list import VideoItem
from speediness.errors import VideoError
from speediness.evaluation.film_changes import CLEAN, Change, Make
from speediness.evaluation.speed_accuracy import ZOOM, FilmScores, score_film
from speediness.reproduce.walker import Walker

FILM_S = 6.0  # of each film, its beginning
MASTER_PX = 256  # short side at which films are changed and stored
MOST_FPS = 120  # of faster films every n-th frame is used
WINDOWS_APART_S = 2.0
MARGIN_S = 0.1  # by less than this a change may alter the length of a film
WALKER_PX, WALKER_SHARE = (456, 256), 0.45


@dataclass(frozen=True)
class Subject:
    """A film under audit."""

    master: Film
    """At MASTER_PX or more; changed copies are made of it."""
    original: Film
    """The same frames at the size at which films are judged."""

    @property
    def fps(self) -> float:
        """Average frame rate."""
        return (len(self.master.times_s) - 1) / self.master.end_s


class Bench:
    """Judges films and their changed copies.

    Args:
        network: what is audited.
        folder: where copies lie for a moment.
    """

    def __init__(self, network: Network, folder: Path) -> None:
        self.network, self.folder = network, folder
        self.judged_px = ZOOM * network.clip.size_px
        self.master_px = max(MASTER_PX, self.judged_px)

    def films(self, items: Sequence[VideoItem], unreadable: dict[str, str]) -> Iterator[Subject]:
        """The beginnings of films; one that cannot be used is noted in ``unreadable``."""
        for item in items:
            try:
                yield Subject(self._opening(item, self.master_px), self._opening(item, self.judged_px))
            except VideoError as error:
                unreadable[item.path.name] = str(error)

    def walkers(self, count: int, rate_fps: int) -> Iterator[Subject]:
        """Simulated people who walk at natural speed."""
        times_s = np.arange(round(FILM_S * rate_fps)) / rate_fps
        for seed in range(count):
            luma = Walker(seed).film(times_s, *WALKER_PX, WALKER_SHARE)
            item = VideoItem(Path(f"walker {seed + 1}"), f"walker {seed + 1}")
            master = Film(item, times_s, luma.repeat(self.network.clip.channels, 3))
            yield Subject(master, CLEAN.store(master, self.folder, self.judged_px))

    def score(self, film: Film, like: Film | None = None) -> FilmScores:
        """Judge a film, in as many windows as the film it is like."""
        return score_film(film, self.network.judge, self.network.clip, self._stride_s(like or film))

    def compare(
        self, subject: Subject, change: Change, seed: int, original: FilmScores
    ) -> tuple[FilmScores, FilmScores]:
        """The answers for what a change is compared with, and for the changed film."""
        if change.reference is None:
            before, film = original, subject.original
        else:
            film = self._copy(subject.master, *change.reference, seed)
            before = self.score(film)
        return before, self.score(self._copy(subject.master, change.make, change.encoding, seed), film)

    def _copy(self, master: Film, make: Make, encoding: Encoding, seed: int) -> Film:
        changed = make(master, np.random.default_rng(seed))
        return encoding.store(changed, self.folder, self.judged_px)

    def _opening(self, item: VideoItem, short_side_px: int) -> Film:
        channels = self.network.clip.channels
        film = open_film(item).frames(short_side_px, channels)
        frames = list(takewhile(lambda frame: frame.time_s < FILM_S, film))
        if len(frames) < 2:
            raise VideoError(f"{item.path} holds a single frame in {FILM_S:g} s; motion needs two")
        times_s = np.array([float(frame.time_s) for frame in frames])
        # A film about as long as its 2x window is cut a little shorter, else the last frame, which
        # a change may keep on screen for longer or shorter, would decide how many windows fit.
        window_s = 2 * self.network.clip.duration_s
        end_s = window_s - MARGIN_S if abs(times_s[-1] - window_s) < MARGIN_S else FILM_S
        step = ceil((len(times_s) - 1) / times_s[-1] / MOST_FPS)
        kept = np.flatnonzero(times_s < end_s)[::step]
        return Film(item, times_s[kept], np.stack([frames[i].pixels_HWC for i in kept]))

    def _stride_s(self, film: Film) -> float:
        """About WINDOWS_APART_S, such that a film up to 5 % longer holds as many windows."""
        span_s = film.end_s - 2 * self.network.clip.duration_s
        gaps = max(1, ceil(span_s / WINDOWS_APART_S))
        return 1.05 * max(span_s, WINDOWS_APART_S / 2) / gaps
