"""Jobs as they are kept: what was asked, how far it came, what came of it."""

import json
import secrets
import sqlite3
import time
from dataclasses import dataclass
from typing import Any, Literal

from speediness.web.database import Database

JobKind = Literal[
    "look", "analyse", "render", "study", "export", "playable", "heatmap", "speedmap", "propagate"
]
"""look: what a video is; study: adaptive and uniform for the comparison; export: timelines for editors;
playable: H.264 for a browser; heatmap: what drives the score; speedmap: what looks sped up; propagate: a
mask of the first frame carried through."""

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
ACTIVE: tuple[State, ...] = ("queued", "running")


@dataclass(frozen=True)
class Job:
    """One piece of work on one video, done by one process."""

    id: str
    kind: JobKind
    video_id: str
    video_name: str
    params: dict[str, Any]
    state: State
    message: str
    """Why it failed, for people; empty otherwise."""
    result: dict[str, Any]
    """What its worker reported in the end."""
    created_s: float
    """Unix time."""
    finished_s: float | None


class Jobs:
    """All jobs, in a database that outlives the server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: JobKind, video_id: str, video_name: str, params: dict[str, Any]) -> Job:
        """Queue a job; the same one if it is queued or running already."""
        text = json.dumps(params, sort_keys=True)
        for job in self.active():
            if (job.kind, job.video_id, job.params) == (kind, video_id, params):
                return job
        job_id = secrets.token_hex(8)
        self._database.write(
            "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, 'queued', '', '{}', ?, NULL)",
            *(job_id, kind, video_id, video_name, text, time.time()),
        )
        job = self.get(job_id)
        assert job is not None
        return job

    def get(self, job_id: str) -> Job | None:
        """The job of that id."""
        rows = self._database.rows("SELECT * FROM jobs WHERE id = ?", job_id)
        return _job(rows[0]) if rows else None

    def active(self) -> list[Job]:
        """Jobs queued or running, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM jobs WHERE state IN ('queued', 'running') ORDER BY created_s, rowid"
        )
        return [_job(row) for row in rows]

    def of_video(self, video_id: str) -> list[Job]:
        """Jobs of one video, newest first."""
        rows = self._database.rows(
            "SELECT * FROM jobs WHERE film_id = ? ORDER BY created_s DESC, rowid DESC", video_id
        )
        return [_job(row) for row in rows]

    def latest_done(self, kind: JobKind, video_id: str | None = None) -> dict[str, Job]:
        """For every video, or one, the newest job of a kind that succeeded, by video id."""
        return self.latest(kind, "done", video_id)

    def latest(self, kind: JobKind, state: State, video_id: str | None = None) -> dict[str, Job]:
        """For every video, or one, the newest job of a kind that ended so, by video id."""
        rows = self._database.rows(
            "SELECT * FROM jobs WHERE kind = ? AND state = ? AND film_id = coalesce(?, film_id)"
            " ORDER BY created_s, rowid",
            *(kind, state, video_id),
        )
        return {row["film_id"]: _job(row) for row in rows}

    def set_running(self, job_id: str) -> bool:
        """A worker takes it; False if it was cancelled in the meantime."""
        sql = "UPDATE jobs SET state = 'running' WHERE id = ? AND state = 'queued'"
        return self._database.write(sql, job_id) == 1

    def finish(
        self, job_id: str, state: State, message: str = "", result: dict[str, Any] | None = None
    ) -> None:
        """A job came to an end, this way or that; one that has ended stays as it is."""
        self._database.write(
            "UPDATE jobs SET state = ?, message = ?, result = ?, finished_s = ?"
            " WHERE id = ? AND state IN ('queued', 'running')",
            *(state, message, json.dumps(result or {}), time.time(), job_id),
        )

    def mark_interrupted(self) -> None:
        """What ran when the last server ended has ended too; what was queued still is."""
        for job in self.active():
            if job.state == "running":
                self.finish(job.id, "interrupted", "the server was stopped; start it again")

    def remove(self, job_id: str) -> None:
        """Forget a job."""
        self._database.write("DELETE FROM jobs WHERE id = ?", job_id)


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    values["params"], values["result"] = json.loads(row["params"]), json.loads(row["result"])
    values["video_id"], values["video_name"] = values.pop("film_id"), values.pop("film_name")
    return Job(**values)
