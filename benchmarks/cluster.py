"""Does the scheduler keep a thousand workers busy? A simulated Ray cluster, in virtual time.

    python benchmarks/cluster.py [--commit MS] [--slow SHARE] [-o DIR]

The product's own function gives the videos out (corpus/workers.py); this plays Ray: workers that are lost
and replaced, slow disks, videos of very uneven length, some that kill whatever worker has them, and one
process that writes, which takes MS a video (benchmarks/cost.py measures it). It does not play Ray's own
overhead, or the network.
"""

from __future__ import annotations

import argparse
import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from report import Results, arguments, markdown, report
from speediness.analysis.options import AnalysisOptions
from speediness.corpus import workers
from speediness.corpus.analysed_video import Failed
from speediness.video.listing import VideoFile

HOURS, MEAN_S, SPREAD = 20_000, 360.0, 1.3  # of video for 1 000 workers; lengths are log-normal
LONGEST_S = 6 * 3600.0
BYTES_PER_S = 250_000
REAL_TIME = 12.0  # seconds of video a second, by a worker of two cores: Full HD (benchmarks/analysis.py)
SLOW_DISKS, SLOWER = 0.05, 4.0  # share of workers, times as slow
LIFE_S, REPLACED_S = 12 * 3600.0, 300.0  # of a worker, mean; until there is another
DEADLY = 0.0002  # share of videos that kill their worker
POOLS = (10, 100, 1_000)


class WorkerLost(Exception):
    """Ray's own error of this kind."""


@dataclass(eq=False)
class Task:
    """A video that was given out."""

    video: VideoFile
    attempts: int = 0
    lost: bool = False


class SimulatedRay:
    """The part of Ray that the scheduler uses, on a clock of its own.

    Attributes:
        now_s: the clock, as the process that gives out sees it; it may be put forward.
        busy_s: what all workers worked.
        alive_s: how long all of them were there, up to the last event.
        deaths: of workers.
    """

    exceptions = SimpleNamespace(RayTaskError=ZeroDivisionError, RayError=WorkerLost)

    def __init__(
        self,
        n_workers: int,
        slow_disks: float = SLOW_DISKS,
        life_s: float = LIFE_S,
        seed: int = 0,
    ) -> None:
        self._rng = np.random.default_rng(seed)
        self._life_s = life_s
        slow = self._rng.random(n_workers) < slow_disks
        self._pace = np.where(slow, 1 / SLOWER, 1.0) * REAL_TIME
        self._idle = deque(range(n_workers))
        self._has: list[Task | None] = [None] * n_workers
        self._since_s = np.zeros(n_workers)
        self._lives = [0] * n_workers
        self._waiting: deque[Task] = deque()
        self._done: deque[Task] = deque()
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = count()
        self.now_s = self.busy_s = self.gone_s = 0.0
        self.n_workers = self._alive = n_workers
        self.deaths = self.retries = 0
        for worker in range(n_workers):
            self._at(self._rng.exponential(life_s), partial(self._die, worker, 0))

    @property
    def alive_s(self) -> float:
        """How long all workers were there."""
        return self.n_workers * self.now_s - self.gone_s

    def cluster_resources(self) -> dict[str, float]:
        """As of Ray."""
        return {"CPU": self._alive * workers.CPUS_PER_VIDEO}

    def remote(self, **options: Any) -> Callable[[Any], Any]:
        """As of Ray."""
        self._retries = options["max_retries"]
        return lambda function: SimpleNamespace(remote=self._give)

    def wait(self, running: Sequence[Task], num_returns: int) -> tuple[list[Task], list[Task]]:
        """As of Ray: the first that is done."""
        self._catch_up()
        while not self._done:
            self._next()
        return [self._done.popleft()], []

    def get(self, task: Task) -> Failed:
        """As of Ray; what was found is of no interest here."""
        if task.lost:
            raise WorkerLost
        return Failed("analysed")

    def _give(self, video: VideoFile, how: AnalysisOptions, windows: bool) -> Task:
        self._catch_up()
        task = Task(video)
        self._waiting.append(task)
        self._start(self.now_s)
        return task

    def _at(self, time_s: float, what: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (time_s, next(self._order), what))

    def _catch_up(self) -> None:
        while self._events and self._events[0][0] <= self.now_s:
            self._next()

    def _next(self) -> None:
        time_s, _, what = heapq.heappop(self._events)
        self.now_s = max(self.now_s, time_s)
        what(time_s)
        self._start(time_s)

    def _start(self, time_s: float) -> None:
        while self._waiting and self._idle:
            worker, task = self._idle.popleft(), self._waiting.popleft()
            task.attempts += 1
            takes_s = task.video.size_bytes / BYTES_PER_S / self._pace[worker]
            self._has[worker], self._since_s[worker] = task, time_s
            life = self._lives[worker]
            if task.video.path.startswith("deadly"):
                self._at(time_s + takes_s / 2, partial(self._die, worker, life))
            else:
                self._at(time_s + takes_s, partial(self._finish, worker, life, task))

    def _finish(self, worker: int, life: int, task: Task, time_s: float) -> None:
        if self._lives[worker] == life and self._has[worker] is task:
            self.busy_s += time_s - self._since_s[worker]
            self._has[worker] = None
            self._idle.append(worker)
            self._done.append(task)

    def _die(self, worker: int, life: int, time_s: float) -> None:
        if self._lives[worker] != life:
            return
        self._lives[worker] += 1
        self._alive -= 1
        self.deaths += 1
        task = self._has[worker]
        if task is None:
            self._idle.remove(worker)
        else:
            self.busy_s += time_s - self._since_s[worker]
            self._has[worker] = None
            task.lost = task.attempts > self._retries
            (self._done if task.lost else self._waiting).append(task)
            self.retries += not task.lost
        self._at(time_s + REPLACED_S, partial(self._come_back, worker))

    def _come_back(self, worker: int, time_s: float) -> None:
        self._alive += 1
        self.gone_s += REPLACED_S
        self._idle.append(worker)
        self._at(
            time_s + self._rng.exponential(self._life_s), partial(self._die, worker, self._lives[worker])
        )


def drawn_videos(hours: float, deadly: float = DEADLY, seed: int = 0) -> list[VideoFile]:
    """Videos that last so many hours together."""
    rng = np.random.default_rng(seed)
    n = max(round(hours * 3600 / MEAN_S), 1)
    lengths_s = np.minimum(rng.lognormal(np.log(MEAN_S) - SPREAD**2 / 2, SPREAD, n), LONGEST_S)
    kills = rng.random(n) < deadly
    return [
        VideoFile("/", f"{'deadly' if kill else 'video'}-{k}.mp4", max(round(length_s * BYTES_PER_S), 1), 0)
        for k, (length_s, kill) in enumerate(zip(lengths_s, kills, strict=True))
    ]


def simulated(n_workers: int, videos: Sequence[VideoFile], commit_s: float, ray: SimulatedRay) -> Results:
    """One run of the scheduler over a cluster."""
    lost, written = 0, 0
    given = workers.ray_outcomes(ray, videos, AnalysisOptions(), True, lambda done, whole: None)
    for _, outcome in given:
        if isinstance(outcome, Failed) and outcome.reason == "analysed":
            ray.now_s += commit_s
            written += 1
        else:
            lost += 1
    taken_s = float(ray.now_s)
    length_s = sum(video.size_bytes for video in videos) / BYTES_PER_S
    return {
        "workers": n_workers,
        "videos": len(videos),
        "commit_s": commit_s,
        "hours": taken_s / 3600,
        "real_time": length_s / taken_s,
        "idle": float(1 - ray.busy_s / ray.alive_s),
        "deaths": ray.deaths,
        "retries": ray.retries,
        "lost": lost,
        "videos_s": written / taken_s,
        "writer_busy": written * commit_s / taken_s,
    }


def main() -> None:
    """Simulate, print, draw."""
    parser = arguments(__doc__)
    parser.add_argument("--commit", type=float, default=39.0, metavar="MS", help="the writer takes a video")
    parser.add_argument("--slow", type=float, default=SLOW_DISKS, metavar="SHARE", help="of slow disks")
    given = parser.parse_args()
    report("cluster", given, partial(measure, given), tables, draw)


def measure(given: argparse.Namespace) -> Results:
    """Pools of all sizes; a run of each lasts about as long."""
    rows = []
    for n in POOLS:
        videos = drawn_videos(HOURS * n / 1_000)
        rows.append(simulated(n, videos, given.commit / 1e3, SimulatedRay(n, given.slow)))
    return {"rows": rows}


def tables(results: Results) -> str:
    """A row a pool."""
    columns = (
        *("workers", "videos", "hours taken", "x real time", "idle", "workers lost"),
        *("tasks given again", "videos lost", "videos/s", "writer busy"),
    )
    rows = [
        [
            f"{row['workers']:,}",
            f"{row['videos']:,}",
            f"{row['hours']:.2f}",
            f"{row['real_time']:,.0f}",
            f"{row['idle']:.1%}",
            f"{row['deaths']:,}",
            f"{row['retries']:,}",
            f"{row['lost']:,}",
            f"{row['videos_s']:.1f}",
            f"{row['writer_busy']:.0%}",
        ]
        for row in results["rows"]
    ]
    return markdown(columns, rows)


def draw(figure: Figure, results: Results) -> None:
    """Share of time that workers and the writer work, by the number of workers."""
    figure.set_size_inches(4.5, 3)
    axes = figure.subplots()
    n = [row["workers"] for row in results["rows"]]
    axes.plot(n, [1 - row["idle"] for row in results["rows"]], "o-", color="#222222", label="workers")
    axes.plot(n, [row["writer_busy"] for row in results["rows"]], "o-", color="#AA3377", label="writer")
    axes.set(xscale="log", xlabel="workers", ylabel="share of time at work", ylim=(0, 1.05))
    axes.legend(frameon=False)


if __name__ == "__main__":
    main()
