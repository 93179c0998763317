"""The blind comparison of SpeedNet §5.3 (Fig. 6): which looks better, adaptive or uniform?"""

import csv
import io
import math
import random
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from speediness.web.api_error import ApiError
from speediness.web.database import Database
from speediness.web.jobs import Job, Jobs

Side = Literal["left", "right"]
Choice = Literal["left", "right", "neither"]
"""What a viewer says; neither: can't tell."""

Z_95 = 1.959963984540054  # the normal distribution's 97.5 % quantile


@dataclass(frozen=True)
class Trial:
    """One comparison as it is shown, without a word about which side is which."""

    id: str
    video_name: str
    rate: float
    first_side: Side
    """The side that plays first."""


@dataclass(frozen=True)
class Tally:
    """The votes on one video at one rate."""

    video_name: str
    rate: float
    adaptive: int
    uniform: int
    neither: int

    def to_json(self) -> dict[str, Any]:
        """With the share of viewers with an opinion who prefer adaptive, and its 95 % interval."""
        decided = self.adaptive + self.uniform
        low, high = wilson_interval(self.adaptive, decided)
        return {
            "film": self.video_name,
            "rate": self.rate,
            "adaptive": self.adaptive,
            "uniform": self.uniform,
            "neither": self.neither,
            "share": self.adaptive / decided if decided else None,
            "low": low,
            "high": high,
        }


class Study:
    """Draws trials of videos that study jobs made, hides what is what, and counts votes.

    ``rng`` decides videos, sides and order.
    """

    def __init__(self, database: Database, jobs: Jobs, rng: random.Random | None = None) -> None:
        self._database, self._jobs = database, jobs
        self._rng = rng or random.SystemRandom()

    def videos(self) -> list[Job]:
        """For every video in the study the job that made its newest pair."""
        return list(self._jobs.latest_done("study").values())

    def draw(self, video_id: str | None = None) -> Trial:
        """Show a video, the one asked for or one of those with the fewest votes, in random places.

        Raises:
            ApiError: 404, there is no pair to compare.
        """
        videos = [job for job in self.videos() if video_id in (None, job.video_id)]
        if not videos:
            raise ApiError(404, "nothing to compare yet; add a video to the comparison first")
        votes = {job.id: self._votes_on(job) for job in videos}
        least = min(votes.values())
        job = self._rng.choice([job for job in videos if votes[job.id] == least])
        trial = Trial(
            secrets.token_hex(12), job.video_name, job.params["rate"], self._rng.choice(("left", "right"))
        )
        self._database.write(
            "INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
            *(trial.id, job.id, job.video_id, job.video_name, trial.rate),
            *(self._rng.choice(("left", "right")), trial.first_side, time.time()),
        )
        return trial

    def shown(self, trial_id: str, side: Side) -> tuple[str, str]:
        """The job that made the video on this side, and whether it is ``adaptive`` or ``uniform``.

        Raises:
            ApiError: 404, no such trial.
        """
        row = self._row(trial_id)
        return row["job_id"], "adaptive" if row["adaptive_side"] == side else "uniform"

    def vote(self, trial_id: str, choice: Choice) -> str:
        """Count a vote, once a trial.

        Returns:
            What was chosen: ``adaptive``, ``uniform`` or ``neither``.

        Raises:
            ApiError: 404 no such trial, 409 it has been voted on.
        """
        row = self._row(trial_id)
        chosen = choice if choice == "neither" else self.shown(trial_id, choice)[1]
        changed = self._database.write(
            "UPDATE trials SET choice = ?, voted_s = ? WHERE id = ? AND choice IS NULL",
            *(chosen, time.time(), row["id"]),
        )
        if not changed:
            raise ApiError(409, "this comparison has been voted on; take the next")
        return chosen

    def tallies(self) -> list[Tally]:
        """The votes, video by video and rate by rate."""
        rows = self._database.rows(
            "SELECT film_name AS video_name, rate, sum(choice = 'adaptive') AS adaptive,"
            " sum(choice = 'uniform') AS uniform, sum(choice = 'neither') AS neither"
            " FROM trials WHERE choice IS NOT NULL GROUP BY film_id, rate ORDER BY film_name, rate"
        )
        return [Tally(**dict(row)) for row in rows]

    def to_csv(self) -> str:
        """Every vote, one a line."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["film", "rate", "adaptive_side", "first_side", "choice", "shown_at", "voted_at"])
        rows = self._database.rows("SELECT * FROM trials WHERE choice IS NOT NULL ORDER BY voted_s")
        for row in rows:
            table.writerow(
                [
                    _as_text(row["film_name"]),
                    f"{row['rate']:g}",
                    row["adaptive_side"],
                    row["first_side"],
                    row["choice"],
                    _stamp(row["shown_s"]),
                    _stamp(row["voted_s"]),
                ]
            )
        return text.getvalue()

    def _votes_on(self, job: Job) -> int:
        sql = "SELECT count(choice) AS votes FROM trials WHERE film_id = ? AND rate = ?"
        return self._database.rows(sql, job.video_id, job.params["rate"])[0]["votes"]

    def _row(self, trial_id: str) -> Any:
        rows = self._database.rows("SELECT * FROM trials WHERE id = ?", trial_id)
        if not rows:
            raise ApiError(404, "there is no such comparison; take the next")
        return rows[0]


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a binomial share (Wilson 1927); 0 to 1 before anybody was asked."""
    if not trials:
        return 0.0, 1.0
    share, z2 = successes / trials, Z_95**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    # At the ends the bound is exactly 0 or 1; rounding must not take it past the share.
    return (0.0 if successes == 0 else middle - half), (1.0 if successes == trials else middle + half)


def _as_text(name: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{name}" if name[:1] in "=+-@" else name


def _stamp(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="seconds")
