"""How long until something is seen? Import, ``--help``, first progress line, the whole demo.

    python benchmarks/startup.py VIDEO

VIDEO should take some seconds to analyse, or there is no progress line to wait for. Every run is a
process of its own, as for a user; the rounds alternate between the commands, and the table gives
medians. Results go to a folder that is removed, and the cache of analyses is an empty one, so that
nothing is remembered from the run before. Below the table: which packages the time to import goes to.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from platform import python_version

import numpy as np

ROUNDS, HEAVIEST = 5, 8
DEMO = Path(__file__).parents[1] / "examples" / "bikes.mp4"
PYTHON = [sys.executable]
PROGRAM = [sys.executable, "-m", "speediness.cli.main"]
BEFORE_WORK = "import speediness.analysis.analyse, speediness.plots, rich.progress"
IMPORTS = f"{BEFORE_WORK}, rich.table, matplotlib.figure, matplotlib.backends.backend_agg"


def main() -> None:
    """Measure and print a Markdown table."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("video", metavar="VIDEO")
    video = parser.parse_args().video
    tasks: dict[str, Callable[[], float]] = {
        "python -c pass": lambda: whole([*PYTHON, "-c", "pass"]),
        "import speediness": lambda: whole([*PYTHON, "-c", "import speediness"]),
        "speediness --help": lambda: whole([*PROGRAM, "--help"]),
        "speediness analyse --help": lambda: whole([*PROGRAM, "analyse", "--help"]),
        "what analyse imports before it works": lambda: whole([*PYTHON, "-c", BEFORE_WORK]),
        "all that analyse imports, plot and tables too": lambda: whole([*PYTHON, "-c", IMPORTS]),
        "analyse: first progress line": lambda: first_line(["analyse", video, "-o", "results"]),
        "demo (speedup of the bundled clip)": lambda: whole(
            [*PROGRAM, "speedup", str(DEMO), "--rate", "2", "-o", "out.mp4"]
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            seconds[name].append(task())
    print(f"{os.cpu_count()} cores, Python {python_version()}, medians of {ROUNDS}\n")
    print("| what | s | fastest | slowest |")
    print("|---|---|---|---|")
    for name, taken in seconds.items():
        print(f"| {name} | {np.median(taken):.2f} | {min(taken):.2f} | {max(taken):.2f} |")
    print("\n| package | ms of all that analyse imports |")
    print("|---|---|")
    for package, taken_us in import_times_us(IMPORTS).most_common(HEAVIEST):
        print(f"| {package} | {taken_us / 1000:.0f} |")


def whole(command: list[str]) -> float:
    """Seconds that a command takes, in an empty folder and with an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        start_s = time.perf_counter()
        done = subprocess.run(
            command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
        )
        taken_s = time.perf_counter() - start_s
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return taken_s


def first_line(arguments: list[str]) -> float:
    """Seconds until the program says something on stderr; it is stopped then."""
    arguments = [str(Path(text).absolute()) if Path(text).is_file() else text for text in arguments]
    with tempfile.TemporaryDirectory() as folder:
        start_s = time.perf_counter()
        with subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=folder,
            env=environment(folder),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            assert running.stderr is not None
            line = running.stderr.readline()
            taken_s = time.perf_counter() - start_s
            running.terminate()
    return taken_s if line else float("nan")  # done before there was anything to tell


def environment(folder: str) -> dict[str, str]:
    """What a user's shell hands on, with a cache of its own."""
    return os.environ | {"SPEEDINESS_CACHE": str(Path(folder) / "cache"), "SPEEDINESS_DEBUG": "1"}


def import_times_us(statement: str) -> Counter[str]:
    """Microseconds that the modules of each package take themselves, as Python accounts for them."""
    done = subprocess.run(
        [*PYTHON, "-X", "importtime", "-c", statement], capture_output=True, text=True, check=True
    )
    times_us: Counter[str] = Counter()
    for line in done.stderr.splitlines():
        own_us, _, module = line.removeprefix("import time:").split("|")
        if own_us.strip().isdigit():
            package = module.strip().partition(".")[0]
            times_us["Python's own" if package in sys.stdlib_module_names else package] += int(own_us)
    return times_us


if __name__ == "__main__":
    main()
