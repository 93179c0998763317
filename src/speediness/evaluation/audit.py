"""Does a network read artefacts instead of motion?

Every film is changed in ways that leave its speed alone, stored by a real encoder, read by the
product's reader and judged as in :mod:`speediness.evaluation.speed_accuracy`; the answers must
stay as they were.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import chain, repeat, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from speediness.analysis.network import Network
from speediness.datasets.video_list import VideoItem
from speediness.errors import DataError
from speediness.evaluation.audit_bench import FILM_S, Bench
from speediness.evaluation.audit_report import Audit, change_row, is_ranked, speed_effect, zoom_row
from speediness.evaluation.film_changes import changes
from speediness.evaluation.speed_accuracy import FilmScores

DEFAULT_FILMS = 12
WALKERS, WALKER_FPS = 6, 30  # where no films are given
FAST_WALKERS, FAST_WALKER_FPS = 2, 120  # always, for what only such a film can show


def audit(
    network: Network,
    items: Sequence[VideoItem] = (),
    *,
    films: int = DEFAULT_FILMS,
    progress: Callable[[float, float], None] = lambda done_s, total_s: None,
) -> Audit:
    """Change films, judge them again, compare.

    Args:
        network: what is audited.
        items: films that play at natural speed; none: simulated walkers.
        films: at most so many of them, spread over their sources; always the same ones.
        progress: called with seconds of film judged and in all.

    Raises:
        DataError: none of the films can be used.
        VideoError: what an encoder wrote cannot be read.
    """
    chosen = sample(items, films)
    rows = changes(network.clip)
    possible = [change for change in rows if not change.missing_encoder]
    demanding = [change for change in possible if change.least_fps]
    steps = len(possible) * (len(chosen) or WALKERS) + len(demanding) * FAST_WALKERS
    done = 0
    originals: list[FilmScores] = []
    unreadable: dict[str, str] = {}
    answers: dict[str, list[tuple[FilmScores, FilmScores]]] = defaultdict(list)
    with TemporaryDirectory(prefix="speediness-audit-") as folder:
        bench = Bench(network, Path(folder))
        subjects = bench.films(chosen, unreadable) if items else bench.walkers(WALKERS, WALKER_FPS)
        fast_walkers = bench.walkers(FAST_WALKERS, FAST_WALKER_FPS)
        tasks = chain(zip(subjects, repeat(possible)), zip(fast_walkers, repeat(demanding)))
        for seed, (subject, wanted) in enumerate(tasks):
            original = bench.score(subject.original)
            if wanted is possible:
                originals.append(original)
            for change in wanted:
                if subject.fps >= change.least_fps:
                    answers[change.name].append(bench.compare(subject, change, seed, original))
                done += 1
                progress(FILM_S * (done + len(possible) * len(unreadable)), FILM_S * steps)
    if not originals:
        raise DataError(f"none of the films can be used: {next(iter(unreadable.values()))}")
    effect = speed_effect(originals)
    return Audit(
        network=network.name,
        network_sha256=network.sha256,
        films=tuple(film.name for film in originals),
        unreadable=unreadable,
        windows=sum(2 * len(film.score_1x) for film in originals),
        speed_effect=effect,
        pairs_ranked=float(np.mean([is_ranked(film) for film in originals])),
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
