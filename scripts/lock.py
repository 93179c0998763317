"""Print the versions of all that ``speediness[dev]`` needs, as they are installed here, one a line.

    make lock

No hashes: torch comes in builds for CPU and for CUDA, and each machine takes the one that it is told of.
What torch's CUDA build brings is left to torch, which asks for exact versions itself.
"""

import re
from importlib.metadata import distribution

from packaging.requirements import Requirement

CUDA = re.compile(r"nvidia-|cuda-|triton$")


def main() -> None:
    """Walk from the package to all that is needed."""
    versions: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [Requirement("speediness[dev]")]
    while todo:
        wanted = todo.pop()
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if CUDA.match(name):
            continue
        found = distribution(name)
        versions[name] = found.version.partition("+")[0]
        for extra in {"", *wanted.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            needed = map(Requirement, found.requires or [])
            todo += [one for one in needed if one.marker is None or one.marker.evaluate({"extra": extra})]
    del versions["speediness"]
    print("# Made by `make lock`: what the tests run with, on Linux and Python 3.11.")
    print(*(f"{name}=={version}" for name, version in sorted(versions.items())), sep="\n")


if __name__ == "__main__":
    main()
