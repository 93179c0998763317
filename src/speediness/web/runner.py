"""Runs jobs, each in a process of its own that is killed when it takes too long."""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speediness.errors import SpeedinessError
from speediness.progress import Pace
from speediness.web.api_error import ApiError
from speediness.web.jobs import Job, JobKind, Jobs, State
from speediness.web.settings import Settings
from speediness.web.videos import FREE_BYTES, ServedVideo, ServedVideos

NEEDS_CURVE = ("render", "study", "export")
LANES: tuple[tuple[JobKind, ...], ...] = (
    ("look", "export"),
    ("analyse", "render", "study", "playable", "heatmap", "speedmap", "propagate"),
)
"""Looking at a video takes a second and must not wait for an analysis; the rest has the machine in turn."""
PAUSE_S = 2.0  # after an error of the server's own, which the next job may well meet again
GIVEN_UP = "the server could not go on with this job; its terminal says why: see to that and start it again"

_log = logging.getLogger(__name__)


@dataclass
class Progress:
    """How far a running job is."""

    done: float = 0.0
    total: float = 0.0
    left_s: float | None = None
    pace: Pace = field(default_factory=Pace)

    def report(self, done: float, total: float) -> None:
        """Take what a worker says."""
        self.done, self.total, self.left_s = done, total, self.pace.left_s(done, total)

    def fraction_and_left_s(self) -> tuple[float, float | None]:
        """Share done, 0..1, and the time it will still take, None before that can be told."""
        if self.done <= 0 or self.total <= 0:
            return 0.0, None
        return min(self.done / self.total, 1.0), self.left_s


class Runner:
    """Takes queued jobs in order, one at a time in each lane."""

    def __init__(self, settings: Settings, jobs: Jobs, videos: ServedVideos) -> None:
        self._limits, self._jobs, self._videos = settings.limits, jobs, videos
        self._alone = settings.token is None
        self._results = settings.state / "jobs"
        self._results.mkdir(exist_ok=True)
        self._progress: dict[str, Progress] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._news = [asyncio.Event() for _ in LANES]
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        """Begin; called within the running event loop."""
        self._tasks = [
            asyncio.create_task(self._serve(kinds, wake_up))
            for kinds, wake_up in zip(LANES, self._news, strict=True)
        ]

    async def stop(self) -> None:
        """Kill what runs; it is marked as interrupted. What is queued waits for the next server."""
        self._stopping = True
        for job_id in list(self._processes):
            self._kill(job_id)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def submit(self, kind: JobKind, video: ServedVideo, params: dict[str, Any]) -> Job:
        """Queue a job on a video.

        Raises:
            ApiError: 429 too many are queued, 409 something must be done first.
        """
        if len(self._jobs.active()) >= self._limits.queued_jobs:
            raise ApiError(429, "too many jobs are waiting; let some finish or cancel them")
        if kind != "look" and not self._jobs.latest_done("look", video.id):
            raise ApiError(409, "this video has not been looked at yet; open it first")
        if kind in NEEDS_CURVE and not self._jobs.latest_done("analyse", video.id):
            raise ApiError(409, "this video has no curve yet; analyse it first")
        job = self._jobs.add(kind, video.id, video.name, params)
        for wake_up in self._news:
            wake_up.set()
        return job

    def cancel(self, job_id: str) -> None:
        """End a job, and its process at once."""
        self._jobs.finish(job_id, "cancelled")
        self._kill(job_id)

    def progress(self, job_id: str) -> Progress | None:
        """How far a job is; None if it does not run."""
        return self._progress.get(job_id)

    def folder(self, job_id: str) -> Path:
        """Where a job's results lie."""
        return self._results / job_id

    def remove(self, job_id: str) -> None:
        """Cancel a job if need be, and forget it with its results."""
        self.cancel(job_id)
        self._jobs.remove(job_id)
        shutil.rmtree(self.folder(job_id), ignore_errors=True)

    async def _serve(self, kinds: tuple[JobKind, ...], wake_up: asyncio.Event) -> None:
        while True:
            wake_up.clear()
            job = None
            try:
                job = next(
                    (j for j in self._jobs.active() if j.kind in kinds and j.state == "queued"), None
                )
                if job is None:
                    await wake_up.wait()
                elif self._jobs.set_running(job.id):
                    await self._run(job)
            except Exception:  # a full disk, say: the jobs behind this one still have their turn
                _log.exception("a job was given up")
                if self._stopping:
                    raise  # it took the place of the cancellation that was to end this lane
                await asyncio.sleep(PAUSE_S)
                if job is not None:
                    with contextlib.suppress(Exception):  # else it can be cancelled once that works again
                        self._jobs.finish(job.id, "failed", GIVEN_UP)

    async def _run(self, job: Job) -> None:
        folder = self.folder(job.id)
        self._progress[job.id] = Progress()
        state: State = "failed"
        message, result = GIVEN_UP, {}
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            wall_s = self._wall_s(job)
            order = self._order(job, wall_s)
            result = await self._work(job.id, order, wall_s)
            state, message = "done", ""
        except (SpeedinessError, OSError) as error:
            message = str(error)
        except asyncio.CancelledError:
            self._stopping = True
            message = "the server had to stop; start it again"
            raise
        finally:
            self._kill(job.id)
            self._processes.pop(job.id, None)
            self._progress.pop(job.id, None)
            try:
                self._jobs.finish(
                    job.id, "interrupted" if self._stopping and state != "done" else state, message, result
                )
            finally:
                kept = self._jobs.get(job.id)
                if kept is None or kept.state != "done":
                    shutil.rmtree(folder, ignore_errors=True)

    def _wall_s(self, job: Job) -> float:
        if job.kind == "look":
            return self._limits.look_s
        seen = self._jobs.latest_done("look", job.video_id).get(job.video_id)
        video_s = (seen.result["duration_s"] if seen else None) or self._limits.video_s
        return self._limits.work_s + self._limits.work_s_per_video_s * video_s

    def _order(self, job: Job, wall_s: float) -> dict[str, Any]:
        video = self._videos.find(job.video_id)
        analysis = self._jobs.latest_done("analyse", job.video_id).get(job.video_id)
        return {
            "kind": job.kind,
            "film": str(video.path),
            "name": video.name,
            "media": self._media(video),
            "folder": str(self.folder(job.id)),
            "params": job.params,
            "curve": str(self.folder(analysis.id) / "curve.json") if analysis else None,
            "film_s": self._limits.video_s,
            "memory_bytes": self._limits.memory_bytes,
            "cpu_s": wall_s * (os.cpu_count() or 1),
            "file_bytes": max(shutil.disk_usage(self._results).free - FREE_BYTES, 1 << 20),
        }

    def _media(self, video: ServedVideo) -> str:
        """Where a timeline says that its video lies: editors ask for what is not there.

        The folders of this machine are told to nobody on another, and an upload lies under a name of ours.
        """
        return str(video.path) if self._alone and not video.uploaded else f"/{Path(video.name).name}"

    async def _work(self, job_id: str, order: dict[str, Any], wall_s: float) -> dict[str, Any]:
        """Have a process do it.

        Raises:
            ApiError: it could not, or was killed.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "speediness.web.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the server, which then ends its workers
        )
        self._processes[job_id] = process
        if (job := self._jobs.get(job_id)) is None or job.state != "running":
            raise ApiError(409, "cancelled while its worker started")
        assert process.stdin is not None and process.stdout is not None
        try:
            async with asyncio.timeout(wall_s):
                process.stdin.write(json.dumps(order).encode() + b"\n")
                with contextlib.suppress(ConnectionError):  # it ended already, and the exit code says why
                    await process.stdin.drain()
                while line := await process.stdout.readline():
                    message = json.loads(line)
                    if "result" in message:
                        return message["result"]
                    if "error" in message:
                        raise ApiError(422, message["error"])
                    progress = self._progress[job_id]
                    progress.report(*message["progress"])
                code = await process.wait()
        except TimeoutError:
            raise ApiError(422, f"stopped after {wall_s:.0f} s, far longer than it should take") from None
        except ValueError:
            raise ApiError(422, "the worker said something strange and was stopped") from None
        raise ApiError(422, _why(code))

    def _kill(self, job_id: str) -> None:
        process = self._processes.get(job_id)
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)


def _why(code: int) -> str:
    """What became of a worker that ended without a word."""
    if code == -getattr(signal, "SIGXCPU", 0):
        return "stopped: it took more processor time than a job may"
    return (
        f"the worker ended unexpectedly (exit code {code}): this video takes too much memory or is damaged;"
        " convert it first"
    )
