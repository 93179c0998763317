"""Videos to workers: one after another in this process, or as Ray tasks on many machines."""

import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from speediness.analysis.options import AnalysisOptions
from speediness.corpus.analysed_video import AnalysedVideo, Failed, analyse_file, ready
from speediness.errors import DataError, SpeedinessError
from speediness.packages import load
from speediness.progress import Progress
from speediness.video.listing import VideoFile

RETRIES = 3
"""How often a video is given to another worker when the one that had it was lost."""

CPUS_PER_VIDEO = 2  # decoding and the network side by side
REACHED_S = 10.0  # within which the head of a cluster takes a call
AHEAD = 2  # tasks given out for every one that runs

Outcome = tuple[VideoFile, AnalysedVideo | Failed]
Workers = Callable[[Sequence[VideoFile], AnalysisOptions, bool, Progress], Iterator[Outcome]]
"""Called with the videos, how to analyse them, whether windows are wanted, and progress in bytes."""


def here(
    videos: Sequence[VideoFile], how: AnalysisOptions, windows: bool, progress: Progress
) -> Iterator[Outcome]:
    """Analyse videos in order, with what search compares if ``windows`` are wanted.

    ``progress`` is called with bytes of video analysed and bytes in all.

    Yields:
        Every video once, with what was seen.
    """
    whole = sum(video.size_bytes for video in videos)
    done = 0
    if videos:
        ready(how)  # before time is taken
    for video in videos:

        def within(time_s: float, end_s: float, done: int = done, video: VideoFile = video) -> None:
            progress(done + video.size_bytes * (time_s / end_s if end_s else 0), whole)

        yield video, analyse_file(video, how, windows, within)
        done += video.size_bytes
        progress(done, whole)


def on_ray(address: str | None) -> Workers:
    """Workers of a Ray cluster; the address of its head, or None for one on this machine.

    The videos must be found under the same path on every machine. A video whose worker is lost goes
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

    return partial(ray_outcomes, ray)


def _reach(address: str | None) -> None:
    """See that somebody listens at HOST:PORT; Ray would try for minutes.

    Raises:
        OSError: nobody does.
        ValueError: no such port.
    """
    place = urlsplit(f"//{(address or '').removeprefix('ray://')}")
    if place.port:
        socket.create_connection((place.hostname or "", place.port), timeout=REACHED_S).close()


def ray_outcomes(
    ray: Any, videos: Sequence[VideoFile], how: AnalysisOptions, windows: bool, progress: Progress
) -> Iterator[Outcome]:
    """As they come. The largest are given out first, so that the others do not wait for one at the end.

    ``ray`` is the module, or something that plays it (benchmarks/cluster.py).
    """
    task = ray.remote(num_cpus=CPUS_PER_VIDEO, max_retries=RETRIES)(analyse_file)
    whole, done = sum(video.size_bytes for video in videos), 0
    waiting = iter(sorted(videos, key=lambda video: -video.size_bytes))
    running: dict[Any, VideoFile] = {}
    while True:
        # Asked anew each time, so that machines that join are given work.
        slots = int(ray.cluster_resources().get("CPU", 0)) // CPUS_PER_VIDEO
        for video in islice(waiting, max(AHEAD * max(slots, 1) - len(running), 0)):
            running[task.remote(video, how, windows)] = video
        if not running:
            return
        for finished in ray.wait(list(running), num_returns=1)[0]:
            video = running.pop(finished)
            try:
                outcome = ray.get(finished)
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, SpeedinessError):
                    raise error.cause from None
                reason = next(iter(str(error.cause).splitlines()), "")[:200]
                raise DataError(
                    f"a machine of the Ray cluster cannot analyse videos ({reason}); "
                    "every one needs the same Python and the same speediness"
                ) from error
            except ray.exceptions.RayError as error:
                outcome = Failed(
                    f"{video.file}: its worker was lost {RETRIES + 1} times ({type(error).__name__}); "
                    "run the same command again, or look at it on its own with speediness analyse"
                )
            done += video.size_bytes
            progress(done, whole)
            yield video, outcome
