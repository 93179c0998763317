"""A sample of the campaign (docs/reliability.md); the command in ``__main__`` runs all of it."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from campaign import files, kills, long, page, states
from campaign.mutants import KINDS, parts
from campaign.seeds import SEEDS, make

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and limits what children may take")


@pytest.fixture(scope="module")
def apart() -> Iterator[Callable[..., Any]]:
    """Calls a function in a process of its own, which forks without the threads of other tests."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield lambda function, *given, **named: pool.submit(function, *given, **named).result()


def test_what_once_went_wrong_goes_right(apart: Callable[..., Any], tmp_path: Path) -> None:
    numbers = list(range(len(files.REGRESSIONS)))
    tally = apart(files.try_all, numbers, files.regression, tmp_path)
    assert tally.faults == {} and sum(tally.files.values()) == len(numbers)


def test_a_file_that_could_not_be_made_is_not_counted(apart: Callable[..., Any], tmp_path: Path) -> None:
    tally = apart(files.try_all, [0, 1, 2], files.fatal, tmp_path)
    assert tally.faults == {} and tally.files == {".mp4": 2} and tally.runs["analyse 2"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_mutants_follow_from_their_number_and_differ(kind: str, tmp_path: Path) -> None:
    content = make(SEEDS[0], tmp_path).read_bytes()
    first, again, other = (KINDS[kind](content, np.random.default_rng(n)) for n in (4, 4, 5))
    assert first == again != content and other != first


@pytest.mark.parametrize("name", ["h264.mp4", "h264.mkv", "mpeg4.avi", "h264.ts"])
def test_containers_are_taken_apart(name: str, tmp_path: Path) -> None:
    (seed,) = [seed for seed in SEEDS if seed.name == name]
    content = make(seed, tmp_path).read_bytes()
    found = parts(content)
    assert len(found) > 20 and all(part.start < part.inside <= part.end <= len(content) for part in found)


@pytest.mark.slow
def test_a_sample_of_damaged_files(apart: Callable[..., Any]) -> None:
    tally = apart(files.run, range(2 * len(SEEDS)), seed=0, keep=None)
    assert tally.faults == {} and sum(tally.files.values()) == 2 * len(SEEDS)
    assert tally.runs["speedup 0"] and tally.runs["heatmap 0"]
    assert tally.runs["analyse 0"] >= len(SEEDS) > tally.runs["analyse 2"] > 0


@pytest.mark.slow
def test_a_sample_of_kills(apart: Callable[..., Any]) -> None:
    killed = apart(kills.run, times=2, seed=0, minutes=20)
    assert all(one.kills == 2 and not one.faults for one in killed.values()), killed


@pytest.mark.slow
@pytest.mark.parametrize("name", states.STATES)
def test_a_state_of_the_machine(apart: Callable[..., Any], name: str) -> None:
    assert apart(states.run, [name]) == {name: True}


@pytest.mark.slow
def test_a_sample_of_clients(apart: Callable[..., Any]) -> None:
    asked = apart(page.run, seconds=5, seed=0)
    assert asked.faults == [] and all(len(took_s) > 20 for took_s in asked.took_s.values())


@pytest.mark.slow
def test_a_video_of_minutes(apart: Callable[..., Any], tmp_path: Path) -> None:
    lasted = apart(long.run, minutes=2, folder=tmp_path)
    assert lasted.faults == [] and lasted.duration_s == 112 and len(lasted.off_s) > 10
