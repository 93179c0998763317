"""What the routes share: one of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from speediness.errors import OutputError
from speediness.web.database import Database
from speediness.web.jobs import Jobs
from speediness.web.planner import Planner
from speediness.web.runner import Runner
from speediness.web.settings import Settings
from speediness.web.study import Study
from speediness.web.videos import ServedVideos


@dataclass(frozen=True)
class Services:
    """The parts of one server."""

    settings: Settings
    database: Database
    videos: ServedVideos
    jobs: Jobs
    runner: Runner
    planner: Planner
    study: Study

    @classmethod
    def open(cls, settings: Settings) -> Services:
        """Open the state folder, made if missing, and see what the last server left.

        Raises:
            OutputError: the folder cannot be used, or another server uses it.
        """
        try:
            settings.state.mkdir(parents=True, exist_ok=True)
            database = Database(settings.state / "speediness.db")
            videos = ServedVideos(settings, database)
            jobs = Jobs(database)
            jobs.mark_interrupted()
            runner = Runner(settings, jobs, videos)
        except OSError as error:
            raise OutputError(
                f"cannot keep anything in {settings.state}: {error.strerror}; choose another with --state"
            ) from error
        return cls(settings, database, videos, jobs, runner, Planner(), Study(database, jobs))

    def result(self, job_id: str, name: str) -> Path:
        """Where a file lies that a job made."""
        return self.runner.folder(job_id) / name
