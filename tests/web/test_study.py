from __future__ import annotations

import csv
import io
import random
from collections import Counter

import pytest
from scipy.stats import binomtest

from speediness.web.api_error import ApiError
from speediness.web.database import Database
from speediness.web.jobs import Jobs
from speediness.web.settings import Settings
from speediness.web.study import Side, Study, wilson_interval


@pytest.fixture
def database(settings: Settings) -> Database:
    return Database(settings.state / "speediness.db")


@pytest.fixture
def study(database: Database) -> Study:
    return Study(database, Jobs(database), random.Random(1))


def add_pair(database: Database, name: str, rate: float = 2.0) -> str:
    jobs = Jobs(database)
    job = jobs.add("study", f"id of {name}", name, {"rate": rate, "locks": []})
    jobs.finish(job.id, "done")
    return job.video_id


def side_of(study: Study, trial_id: str, what: str) -> Side:
    return "left" if study.shown(trial_id, "left")[1] == what else "right"


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (5, 5), (3, 10), (50, 80), (1, 1), (812, 1000)])
def test_the_interval_is_wilsons(successes: int, trials: int) -> None:
    oracle = binomtest(successes, trials).proportion_ci(0.95, "wilson")
    assert wilson_interval(successes, trials) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_before_anybody_was_asked_anything_is_possible() -> None:
    assert wilson_interval(0, 0) == (0, 1)


def test_sides_and_order_are_random_and_independent(database: Database, study: Study) -> None:
    add_pair(database, "walk.mp4")
    seen = Counter()
    for _ in range(400):
        trial = study.draw()
        seen[side_of(study, trial.id, "adaptive"), trial.first_side] += 1
    assert len(seen) == 4 and min(seen.values()) > 70  # 100 expected; below 70 is one in 3000


def test_the_two_sides_show_the_two_videos_of_one_job(database: Database, study: Study) -> None:
    add_pair(database, "walk.mp4")
    trial = study.draw()
    left, right = study.shown(trial.id, "left"), study.shown(trial.id, "right")
    assert left[0] == right[0] and {left[1], right[1]} == {"adaptive", "uniform"}


def test_votes_count_for_what_was_shown_there(database: Database, study: Study) -> None:
    walk, run = add_pair(database, "walk.mp4"), add_pair(database, "run.mp4", 3)
    for video, what, times in ((walk, "adaptive", 7), (walk, "uniform", 2), (run, "uniform", 1)):
        for _ in range(times):
            trial = study.draw(video)
            assert study.vote(trial.id, side_of(study, trial.id, what)) == what
    assert study.vote(study.draw(walk).id, "neither") == "neither"
    on_run, on_walk = (tally.to_json() for tally in study.tallies())
    assert (on_run["film"], on_run["rate"], on_run["share"]) == ("run.mp4", 3, 0)
    assert (on_walk["adaptive"], on_walk["uniform"], on_walk["neither"]) == (7, 2, 1)
    assert on_walk["share"] == pytest.approx(7 / 9)
    assert (on_walk["low"], on_walk["high"]) == wilson_interval(7, 9)


def test_videos_get_equally_many_votes(database: Database, study: Study) -> None:
    for name in ("a", "b", "c"):
        add_pair(database, name)
    for _ in range(12):
        study.vote(study.draw().id, "neither")
    assert [tally.neither for tally in study.tallies()] == [4, 4, 4]


def test_a_trial_is_voted_on_once(database: Database, study: Study) -> None:
    add_pair(database, "walk.mp4")
    trial = study.draw()
    study.vote(trial.id, "left")
    with pytest.raises(ApiError, match="has been voted on"):
        study.vote(trial.id, "right")
    assert sum(tally.adaptive + tally.uniform for tally in study.tallies()) == 1


def test_a_video_made_again_replaces_its_pair_and_keeps_its_votes(database: Database, study: Study) -> None:
    video = add_pair(database, "walk.mp4", 2)
    study.vote(study.draw().id, "neither")
    add_pair(database, "walk.mp4", 3)
    assert [job.params["rate"] for job in study.videos()] == [3]
    study.vote(study.draw(video).id, "neither")
    assert [(tally.rate, tally.neither) for tally in study.tallies()] == [(2, 1), (3, 1)]


def test_without_videos_there_is_nothing_to_compare(study: Study) -> None:
    with pytest.raises(ApiError, match="add a video"):
        study.draw()
    with pytest.raises(ApiError, match="no such comparison"):
        study.vote("no-such-trial", "left")


def test_the_csv_holds_every_vote_and_no_formula(database: Database, study: Study) -> None:
    add_pair(database, "=cmd|' /C calc'!A0.mp4")
    trial = study.draw()
    study.vote(trial.id, side_of(study, trial.id, "uniform"))
    study.draw()  # shown, but nobody voted
    (row,) = csv.DictReader(io.StringIO(study.to_csv()))
    assert row["choice"] == "uniform" and row["rate"] == "2" and row["first_side"] == trial.first_side
    assert row["adaptive_side"] == side_of(study, trial.id, "adaptive")
    assert row["film"].startswith("'=")
