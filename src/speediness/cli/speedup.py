"""``speediness speedup``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from speediness.analysis.options import AnalysisOptions
from speediness.cli.options import Force, Json, PlanningOptions, RenderingOptions, analyse_video
from speediness.cli.outputs import make_folder
from speediness.cli.terminal import console, print_error, print_json, print_outputs, print_table
from speediness.errors import OutputError, PlanError

if TYPE_CHECKING:
    from speediness.speedup.job import SpeedupJob


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SpeedupOptions:
    """How fast, what is written, and how."""

    rate: Annotated[float | None, Parameter(metavar="R")] = None
    """how many times shorter the video becomes"""
    duration: Annotated[str | None, Parameter(metavar="S")] = None
    """how long the video becomes (seconds or mm:ss), instead of --rate"""
    outputs: Annotated[tuple[Path, ...], Parameter(name=("-o", "--export"))] = ()
    """video or timeline to write, by its ending; may be repeated; - for stdout; a folder for several"""
    planning: PlanningOptions = PlanningOptions()
    rendering: RenderingOptions = RenderingOptions()
    json: Json = False
    progress: Literal["bar", "json", "none"] = "bar"
    """a bar, lines of JSON, or nothing"""
    force: Force = False
    model: str = AnalysisOptions.model
    """shipped network or a .onnx file"""

    def job(self) -> SpeedupJob:
        """What is wanted of every video.

        Raises:
            PlanError, OutputError: it cannot be had.
        """
        from speediness.speedup.stretches import parse_moment

        if (self.rate is None) == (self.duration is None):
            raise PlanError("give either --rate or --duration; see speediness speedup --help")
        duration_s = None if self.duration is None else parse_moment(self.duration)
        job = self.planning.job(self.rate, duration_s)
        return replace(job, rendering=self.rendering.rendering(self.force))


def speedup(videos: list[Path], /, *, arguments: SpeedupOptions = SpeedupOptions()) -> int:
    """Play videos faster, most where it shows least.

    Args:
        videos: video to speed up, - for stdin; or several, a folder, a pattern in quotes
    """
    from speediness.progress import bar_for
    from speediness.speedup.batch import is_many
    from speediness.speedup.job import speed_up, told_apart
    from speediness.speedup.pipes import PIPE, piped

    job, bar = arguments.job(), bar_for(arguments.progress)

    def one(video: Path, out: Path | None, timelines: Sequence[Path] = ()) -> dict[str, Any]:
        return speed_up(
            video,
            job,
            lambda: analyse_video(video, AnalysisOptions(arguments.model), bar),
            bar,
            out=out,
            exports=timelines,
            curve_file=arguments.planning.curve,
        )

    if is_many(videos):
        return _speed_up_all(videos, arguments, job, one)
    (video,) = videos
    wanted, timelines = told_apart(arguments.outputs)
    if arguments.json and wanted == PIPE:
        raise OutputError("--json and -o - would both write to stdout; leave one out")
    with piped(video, wanted) as (source, out):
        summary = one(source, out, timelines)
    if arguments.json:
        print_json(summary)
    elif wanted != PIPE:
        _print_summary(summary)
    return 0


def _speed_up_all(
    videos: list[Path],
    arguments: SpeedupOptions,
    job: SpeedupJob,
    one: Callable[[Path, Path], dict[str, Any]],
) -> int:
    from speediness.speedup.batch import outputs_in, speed_up_all
    from speediness.speedup.pipes import PIPE

    if len(arguments.outputs) != 1 or arguments.outputs[0] == PIPE or arguments.planning.curve:
        raise OutputError("several videos need one folder for the results, -o DIR, and no --from")

    def shown(video: Path, out: Path) -> dict[str, Any]:
        summary = one(video, out)
        if not arguments.json:
            _print_summary(summary | {"outputs": {"film": str(out)}})
        return summary

    outputs = outputs_in(arguments.outputs[0], videos, job.rendering.coding)
    make_folder(arguments.outputs[0])
    batch = speed_up_all(outputs, shown, lambda _, error: print_error(error), arguments.force)
    if arguments.json:
        print_json(
            {
                "schema": "speediness.speedups/1",
                "films": batch.summaries,
                "skipped": [str(out) for out in batch.skipped],
                "errors": [{"video": str(video), "error": error} for video, error in batch.errors.items()],
            }
        )
    else:
        for out in batch.skipped:
            print(f"skipped, it is there already: {out}")
    return 2 if batch.errors else 0


def _print_summary(summary: dict[str, Any]) -> None:
    from speediness.progress import clock

    out = console()
    out.print(
        f"\n{Path(summary['video']).name}: {clock(summary['source_duration_s'])} becomes"
        f" {clock(summary['output_duration_s'])},"
        f" played at {summary['slowest']:.2f}× to {summary['fastest']:.2f}×"
    )
    if summary["sure_share"]:
        adaptive, uniform = (summary[way]["excess"] for way in ("adaptive", "uniform"))
        out.print(
            f"on average {adaptive - 1:.0%} faster than looks natural to the network,"
            f" {uniform - 1:.0%} at a uniform {summary['rate']:.3g}×"
        )
    rows = summary.get("durations", ())
    if rows:
        cells = [
            [
                f"{row['rate']:g}×",
                clock(row["duration_s"]),
                f"{row['slowest']:.2f}×",
                f"{row['fastest']:.2f}×",
            ]
            for row in rows
        ]
        print_table(("rate", "duration", "slowest", "fastest"), cells, left=())
    for note in summary["notes"]:
        out.print(f"note: {note}")
    print_outputs(summary["outputs"])
    for kind in ("timelines", "subtitles"):
        for path in summary.get(kind, ()):
            print_outputs({kind.removesuffix("s"): path})
    if rows:
        print("to write the video, add -o with its name")
