"""Thousands of damaged files through the program, and what it did wrong."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

import speediness.analysis.analyse as analysis
from campaign.children import MEMORY_BYTES, Outcome, bound_memory, command, forked, more_cpu
from campaign.mutants import mutate
from campaign.seeds import SEEDS, make
from speediness import plots
from speediness.results.curve import SpeedinessCurve
from speediness.video.reader import VideoReader

DRAWN_EVERY, RENDERED_EVERY, HEATED_EVERY = 8, 8, 16  # mutants; all are analysed
LONGEST_S = 600.0  # of a video that is rendered: some mutants claim days
LENGTH_S = 0.1  # by which a rendered video may differ from what its summary says
BATCH = 20  # files of one child
OK, USER_ERROR = 0, 2
REGRESSIONS = sorted(path for path in Path(__file__).with_name("regressions").iterdir())
"""Files that were once handled wrongly."""


@dataclass
class Tally:
    """What came of many files."""

    files: Counter[str] = field(default_factory=Counter)
    """By their endings."""
    runs: Counter[str] = field(default_factory=Counter)
    """By verb and exit code."""
    faults: dict[str, list[str]] = field(default_factory=dict)
    """By file, what was wrong and what the program said."""
    peak_bytes: int = 0

    def merge(self, other: Tally) -> None:
        """Count the runs of another."""
        self.files += other.files
        self.runs += other.runs
        self.faults |= other.faults
        self.peak_bytes = max(self.peak_bytes, other.peak_bytes)


@contextmanager
def warm_folder() -> Iterator[Path]:
    """A folder with the seeds in ``seeds``; what every child needs is imported and has run once."""
    with tempfile.TemporaryDirectory(prefix="campaign-") as name:
        folder = Path(name)
        seeds = folder / "seeds"
        seeds.mkdir()
        for seed in SEEDS:
            make(seed, seeds)
        os.environ["SPEEDINESS_CACHE"] = str(folder / "cache")
        outcome = command(["speedup", str(seeds / SEEDS[0].name), "--rate", "2", "-o", "warm.mp4"], folder)
        assert outcome.code == OK, outcome.err
        yield folder


def run(numbers: range, seed: int, keep: Path | None, minutes: float = np.inf) -> Tally:
    """Send mutants through the program; number and seed make a mutant.

    Args:
        numbers: of the mutants.
        seed: of the run.
        keep: where files that were handled wrongly are kept.
        minutes: after which no more are begun.
    """
    with warm_folder() as folder:

        def mutant(number: int, work: Path) -> Path:
            original = folder / "seeds" / SEEDS[number % len(SEEDS)].name
            video = work / f"{seed}-{number}-{original.name}"
            video.write_bytes(mutate(original.read_bytes(), np.random.default_rng((seed, number))))
            return video

        return try_all(list(numbers), mutant, folder, keep, minutes)


def regression(number: int, work: Path) -> Path:
    """A copy of one of ``REGRESSIONS``."""
    return Path(shutil.copy(REGRESSIONS[number], work / f"{number}-{REGRESSIONS[number].name}"))


def fatal(number: int, work: Path) -> Path:
    """A file that is no video; the second one takes its maker with it."""
    if number == 1:
        os.abort()
    video = work / f"{number}-text.mp4"
    video.write_text("no video")
    return video


def try_all(
    numbers: list[int],
    make_file: Callable[[int, Path], Path],
    folder: Path,
    keep: Path | None = None,
    minutes: float = np.inf,
) -> Tally:
    """Send files through the program, in children that do one after the other until one kills them.

    Args:
        numbers: of the files.
        make_file: writes one into a folder.
        folder: to work in.
        keep: see :func:`run`.
        minutes: see :func:`run`.
    """
    tally, todo, results = Tally(), list(numbers), folder / "results"
    end_s = time.monotonic() + 60 * minutes
    while todo and time.monotonic() < end_s:
        batch = todo[:BATCH]
        results.write_bytes(b"")
        code = forked(lambda batch=batch: _batch(batch, make_file, folder, results, keep))
        done = list(_unpickled(results))
        for part in done:
            tally.merge(part)
        todo = todo[len(done) :]
        if len(done) < len(batch):
            video = next((folder / "work").glob("[0-9]*-*"), None)
            if video is not None:  # else the library that makes mutants did not survive it
                wrong = "hang" if code in (-signal.SIGXCPU, -signal.SIGKILL) else f"crash: {code}"
                tally.faults[video.name] = [wrong]
                tally.files[video.suffix] += 1
                if keep is not None:
                    _keep(video, [wrong], keep)
            todo = todo[1:]
        print(f"{len(numbers) - len(todo)} files, {len(tally.faults)} handled wrongly", flush=True)
    return tally


def _batch(
    batch: list[int],
    make_file: Callable[[int, Path], Path],
    folder: Path,
    results: Path,
    keep: Path | None,
) -> int:
    bound_memory()
    # Loaded once a child; a fork of the loaded one would lack its threads.
    analysis.load_network = cache(analysis.load_network)
    draw = plots.plot_curve
    work = folder / "work"
    for number in batch:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        more_cpu()
        # Drawing takes three quarters of the time, and of the file it needs no more than a few frames.
        plots.plot_curve = draw if number % DRAWN_EVERY == 0 else _only_look
        video = make_file(number, work)
        tally = try_file(video, work, number % RENDERED_EVERY == 0, number % HEATED_EVERY == 1)
        tally.files[video.suffix] += 1
        if tally.faults and keep is not None:
            _keep(video, tally.faults[video.name], keep)
        with results.open("ab") as file:
            pickle.dump(tally, file)
        if tally.peak_bytes > MEMORY_BYTES:
            return OK  # the next file is not to blame
    return OK


def _only_look(curve: SpeedinessCurve, out: Path, *_: object, video: Path, **__: object) -> None:
    out.write_bytes(bytes([1 + len(plots._thumbnails(video, curve.duration_s, len(curve.times_s)))]))


def _keep(video: Path, wrong: list[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(video, folder)
    (folder / f"{video.name}.txt").write_text("\n".join(wrong))


def _unpickled(path: Path) -> Iterator[Tally]:
    with path.open("rb") as file:
        while True:
            try:
                yield pickle.load(file)
            except (EOFError, pickle.UnpicklingError):
                return


def try_file(video: Path, work: Path, rendered: bool = True, heated: bool = True) -> Tally:
    """Send one file through the verbs.

    Args:
        video: in ``work``.
        work: a folder that holds nothing else.
        rendered: whether it is sped up too.
        heated: whether a heat map is made too.
    """
    os.environ["SPEEDINESS_CACHE"] = str(work / "cache")
    verbs = {"analyse": ["analyse", video.name, "-o", "curves", "--json"]}
    if rendered:
        verbs["speedup"] = ["speedup", video.name, "--rate", "2", "-o", "fast.mp4", "--json"]
    if heated:
        verbs["heatmap"] = ["heatmap", video.name, "-o", "heat.mp4"]
    tally, before = Tally(), {video}
    for verb, arguments in verbs.items():
        outcome = command(arguments, work)
        tally.runs[f"{verb} {outcome.code}"] += 1
        tally.peak_bytes = max(tally.peak_bytes, outcome.peak_bytes)
        after = {path for path in work.rglob("*") if path.is_file() and "cache" not in path.parts}
        wrong = [*_faults(outcome), *_faults_of_outputs(verb, outcome, after - before, work)]
        if wrong:
            tally.faults.setdefault(video.name, []).extend([f"{verb}: {line}" for line in wrong])
            tally.faults[video.name].append(outcome.err[-2000:])
        before = after
        if verb == "analyse" and outcome.code == OK and not wrong and _duration_s(outcome) > LONGEST_S:
            break
    return tally


def _duration_s(outcome: Outcome) -> float:
    return json.loads(outcome.out)["films"][0]["duration_s"]


def _faults(outcome: Outcome) -> Iterator[str]:
    """What no run may do."""
    if outcome.code not in (OK, USER_ERROR):
        yield f"wrong exit code: {outcome.code}"
    if "Traceback" in outcome.err:
        yield "traceback"
    if outcome.peak_bytes > MEMORY_BYTES:
        yield f"memory: {outcome.peak_bytes / 1e9:.1f} GB"
    said = [line for line in outcome.err.splitlines() if line.startswith("speediness: ")]
    if outcome.code == USER_ERROR and len(said) != 1:
        yield f"{len(said)} lines of explanation instead of one"


def _faults_of_outputs(verb: str, outcome: Outcome, made: set[Path], work: Path) -> Iterator[str]:
    """All of the output after success, nothing of it otherwise."""
    if outcome.code != OK:
        if made:
            yield f"partial output: {', '.join(sorted(path.name for path in made))}"
        return
    try:
        if verb == "analyse":
            (summary,) = json.loads(outcome.out)["films"]
            curve = SpeedinessCurve.load(Path(work, summary["outputs"]["curve"]))
            assert np.isfinite(curve.normal).all() and len(curve.times_s) == summary["frames"]
            assert Path(work, summary["outputs"]["plot"]).stat().st_size
        elif verb == "speedup":
            off_s = _length_s(work / "fast.mp4") - json.loads(outcome.out)["output_duration_s"]
            assert abs(off_s) < LENGTH_S, f"{off_s:+.2f} s off"
        else:
            assert _length_s(work / "heat.mp4") > 0
        assert not [path for path in made if path.suffix == ".partial"], "a partial file beside"
    except Exception as error:  # whatever is wrong with an output is a fault
        yield f"wrong output: {type(error).__name__}: {error}"


def _length_s(path: Path) -> float:
    reader = VideoReader(path)
    for _ in reader.decoded():
        pass
    assert not reader.warnings, reader.warnings
    return float(reader.end_s)
