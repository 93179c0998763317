"""What ``reproduce`` has in common where networks start from somewhere: options, and the engine's call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter
from cyclopts.validators import mutually_exclusive

from speediness.cli.options import Json, LabelledVideos
from speediness.cli.outputs import make_folder
from speediness.cli.terminal import log
from speediness.errors import SpeedinessError

if TYPE_CHECKING:
    from speediness.experiments.transfer import Scale
    from speediness.training.recipe import Recipe

Seeds = Annotated[int, Parameter(metavar="N", help="networks a row")]
OutFolder = Annotated[
    Path, Parameter(help="folder of the results, made if missing; what is found there is not done again")
]
NamedWeights = Annotated[
    tuple[str, ...],
    Parameter(
        name="--weights",
        metavar="NAME=FILE",
        help="weights that NAME starts from, in tables also a row of their own; may be repeated",
    ),
]
SCALES = Parameter(group=Group(validator=mutually_exclusive, show=False))


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TransferOptions:
    """From what networks start, and on what they are pretrained and measured."""

    data: LabelledVideos
    out: OutFolder
    pretrain: str | None = None
    """videos to pretrain on, such as kinetics400:ROOT (default: the training list of --data)"""
    unseen: str | None = None
    """videos the pretext tasks are measured on (default: the test list of --data)"""
    weights: NamedWeights = ()
    small: Annotated[bool, SCALES] = False
    """a narrow 3D ResNet-18 for two CPU cores, instead of the paper's networks"""
    smoke: Annotated[bool, SCALES] = False
    """a few steps of the same code"""
    seeds: Seeds = 1
    json: Json = False

    @property
    def scale(self) -> Scale:
        """How large networks and runs are."""
        return "small" if self.small else "smoke" if self.smoke else "paper"


def transferred(
    name: str,
    measures: tuple[str, ...],
    options: TransferOptions,
    starts: list[str],
    weights: dict[str, Path],
    by: dict[str, Recipe],
    minutes: float | None = None,
) -> dict[str, Any]:
    """The document of :func:`speediness.experiments.transfer.transfer` by the options of a command.

    Raises:
        SpeedinessError: fewer than one network a start.
    """
    from speediness.datasets import find_videos
    from speediness.experiments.transfer import Data, estimate_s, transfer

    check_seeds(options.seeds)
    train, test = (find_videos(options.data, split) for split in ("train", "test"))
    data = Data(
        pretrain=find_videos(options.pretrain, "train") if options.pretrain else train,
        unseen=find_videos(options.unseen, "test") if options.unseen else test,
        train=train,
        test=test,
    )
    make_folder(options.out)
    if minutes is None:
        seconds = estimate_s(by, [start for start in starts if start not in weights], measures)
        long = _long(seconds * options.seeds)
        log(f"training takes about {long} on this machine; --small and --smoke less")
    return transfer(
        data,
        options.out,
        options.scale,
        options.seeds,
        log,
        starts=starts,
        weights=weights,
        measures=measures,
        where=(options.pretrain or options.data, options.data),
        name=name,
        by=by,
        minutes=minutes,
    )


def named_weights(given: Iterable[str]) -> dict[str, Path]:
    """Files by name, of ``NAME=FILE``.

    Raises:
        SpeedinessError: not of that form, or there is no such file.
    """
    weights = {}
    for one in given:
        name, equals, path = one.partition("=")
        if not equals or not Path(path).exists():
            raise SpeedinessError(f"--weights {one}: give NAME=FILE, a .safetensors file that exists")
        weights[name] = Path(path)
    return weights


def _long(seconds: float) -> str:
    for unit, length_s in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def check_seeds(seeds: int) -> None:
    """Refuse less than one network a row."""
    if seeds < 1:
        raise SpeedinessError("--seeds is the number of networks a row: give 1 or more")
