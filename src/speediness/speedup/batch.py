"""Many videos sped up alike, one after the other; what is done already is skipped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speediness.errors import DataError, OutputError, SpeedinessError
from speediness.video.coding import CONTAINERS, Coding
from speediness.video.listing import is_pattern, named_videos


@dataclass
class Batch:
    """What came of each video."""

    summaries: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    skipped: list[Path] = field(default_factory=list[Path])
    """Outputs that were there already."""
    errors: dict[Path, str] = field(default_factory=dict[Path, str])
    """What is wrong, by video."""


def is_many(sources: Sequence[Path]) -> bool:
    """Whether a folder or a pattern is among them, or several videos."""
    return len(sources) > 1 or sources[0].is_dir() or is_pattern(sources[0])


def outputs_in(folder: Path, sources: Sequence[Path], coding: Coding) -> dict[Path, Path]:
    """From each video to its output in a folder, laid out as the videos are in theirs.

    An output is called as its video, ending and all where such a container is written, else ``.mp4``.

    Args:
        folder: of the outputs; what lies below it is no input.
        sources: videos, folders of videos, and patterns such as ``*.mp4`` or ``**/*.mkv``.
        coding: of the outputs.

    Raises:
        DataError: there is no video.
        OutputError: two videos would have the same output.
    """
    found: dict[Path, Path] = {}
    for source in sources:
        for video, name in named_videos(source):
            if folder.resolve() in video.resolve().parents:
                continue
            out = folder / name
            fits = out.suffix.lower() in CONTAINERS and not (coding.codec == "av1" and out.suffix == ".mov")
            found[video] = out if fits else out.with_suffix(".mp4")
    taken: dict[Path, Path] = {}
    for video, out in found.items():
        if out in taken:
            raise OutputError(f"{taken[out]} and {video} would both become {out}; give them one by one")
        taken[out] = video
    if not found:
        raise DataError(f"no video in {', '.join(map(str, sources))}; check the names")
    return found


def speed_up_all(
    outputs: dict[Path, Path],
    speed_up: Callable[[Path, Path], dict[str, Any]],
    told: Callable[[Path, str], None],
    force: bool = False,
) -> Batch:
    """Speed up one after the other; one that fails is told and the others go on.

    Args:
        outputs: as :func:`outputs_in` gives them; folders are made.
        speed_up: from a video and its output to a summary.
        told: called with a video and what is wrong with it.
        force: do again what is done.
    """
    batch = Batch()
    for video, out in outputs.items():
        if out.exists() and not force:
            batch.skipped.append(out)
            continue
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            batch.summaries.append(speed_up(video, out))
        except (SpeedinessError, OSError) as error:
            batch.errors[video] = str(error)
            told(video, str(error))
    return batch
