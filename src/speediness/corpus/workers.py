"""Films to workers: one after another in this process, or as Ray tasks on many machines."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from speediness.corpus.listing import FilmFile
from speediness.corpus.watching import Failed, Watched, Watching, ready, watch
from speediness.errors import DataError, SpeedinessError
from speediness.progress import Progress
from speediness.search.packages import load

RETRIES = 3
"""How often a film is given to another worker when the one that had it was lost."""

CPUS_A_FILM = 2  # decoding and the network side by side
REACHED_S = 10.0  # within which the head of a cluster takes a call
AHEAD = 2  # tasks given out for every one that runs

Outcome = tuple[FilmFile, Watched | Failed]
Workers = Callable[[Sequence[FilmFile], Watching, Progress], Iterator[Outcome]]


def here(films: Sequence[FilmFile], how: Watching, progress: Progress) -> Iterator[Outcome]:
    """Watch films in order.

    Args:
        films: all there are to watch.
        how: to watch them.
        progress: called with bytes of film watched and bytes in all.

    Yields:
        Every film once, with what was seen.
    """
    whole = sum(film.size_bytes for film in films)
    done = 0
    if films:
        ready(how)  # before time is taken
    for film in films:

        def within(time_s: float, end_s: float, done: int = done, film: FilmFile = film) -> None:
            progress(done + film.size_bytes * (time_s / end_s if end_s else 0), whole)

        yield film, watch(film, how, within)
        done += film.size_bytes
        progress(done, whole)


def on_ray(address: str | None) -> Workers:
    """Workers of a Ray cluster; the address of its head, or None for one on this machine.

    The films must be found under the same path on every machine. A film whose worker is lost goes
    to another, ``RETRIES`` times, and is then reported.

    Raises:
        DataError: Ray is not installed, or there is no cluster.
    """
    ray = load("ray")
    if not ray.is_initialized():
        try:
            _reach(address)
            ray.init(address=address or "local", log_to_driver=False, logging_level="CRITICAL")
        except (OSError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(
                f"there is no Ray cluster at {address or 'this machine'} ({reason}); "
                "start one with ray start --head"
            ) from error

    def workers(films: Sequence[FilmFile], how: Watching, progress: Progress) -> Iterator[Outcome]:
        return _ray_outcomes(ray, films, how, progress)

    return workers


def _reach(address: str | None) -> None:
    """See that somebody listens at HOST:PORT; Ray would try for minutes.

    Raises:
        OSError: nobody does.
        ValueError: no such port.
    """
    place = urlsplit(f"//{(address or '').removeprefix('ray://')}")
    if place.port:
        socket.create_connection((place.hostname or "", place.port), timeout=REACHED_S).close()


def _ray_outcomes(
    ray: Any, films: Sequence[FilmFile], how: Watching, progress: Progress
) -> Iterator[Outcome]:
    """As they come: the order is that of no one."""
    task = ray.remote(num_cpus=CPUS_A_FILM, max_retries=RETRIES)(watch)
    whole, done = sum(film.size_bytes for film in films), 0
    waiting = iter(films)
    running: dict[Any, FilmFile] = {}
    while True:
        # Asked anew each time, so that machines that join are given work.
        slots = int(ray.cluster_resources().get("CPU", 0)) // CPUS_A_FILM
        for film in islice(waiting, max(AHEAD * max(slots, 1) - len(running), 0)):
            running[task.remote(film, how)] = film
        if not running:
            return
        for finished in ray.wait(list(running), num_returns=1)[0]:
            film = running.pop(finished)
            try:
                outcome = ray.get(finished)
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, SpeedinessError):
                    raise error.cause from None
                reason = next(iter(str(error.cause).splitlines()), "")[:200]
                raise DataError(
                    f"a machine of the Ray cluster cannot watch films ({reason}); "
                    "every one needs the same Python and the same speediness"
                ) from error
            except ray.exceptions.RayError as error:
                outcome = Failed(
                    f"{film.file}: its worker was lost {RETRIES + 1} times ({type(error).__name__}); "
                    "run the same command again, or look at it on its own with speediness analyse"
                )
            done += film.size_bytes
            progress(done, whole)
            yield film, outcome
