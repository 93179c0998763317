"""One video sped up, with all that is written beside it; what can be refused is refused before the work."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from speediness.errors import OutputError, PlanError
from speediness.plots import plot_curve
from speediness.progress import Bar
from speediness.results.curve import SpeedinessCurve
from speediness.results.plan import SpeedPlan
from speediness.speedup.curve_file import curve_of
from speediness.speedup.pipes import PIPE
from speediness.speedup.rendering import Rendering, measured
from speediness.speedup.solver import (
    DEFAULT_OPTIONS,
    Limit,
    PlanOptions,
    check_target,
    compare_with_uniform,
    plan_speedup,
)
from speediness.speedup.speech import find_speech
from speediness.speedup.stretches import Span
from speediness.timeline.export import FORMATS, export_timeline, has_variable_rate
from speediness.video.coding import CONTAINERS
from speediness.video.reader import VideoReader
from speediness.video.writer import check_file

TABLE_RATES = (1.25, 1.5, 2.0, 3.0, 4.0)


@dataclass(frozen=True)
class SpeedupJob:
    """What is wanted of every video."""

    rate: float | None = None
    """How many times shorter it becomes."""
    duration_s: float | None = None
    """Or how long it becomes."""
    options: PlanOptions = DEFAULT_OPTIONS
    limits_s: Sequence[Limit] = ()
    """Stretches with a greatest speed of their own."""
    speech_rate: float | None = None
    """Speech is played at so many times at most; None: speech is not looked for."""
    rendering: Rendering = field(default_factory=Rendering)

    def rate_of(self, duration_s: float) -> float:
        """How many times shorter a video of this length becomes.

        Raises:
            PlanError: it cannot become as long.
        """
        if self.rate is not None:
            self.options.check_rate(self.rate)
            return self.rate
        shortest_s, longest_s = duration_s / self.options.fastest, duration_s / self.options.slowest
        if self.duration_s is None or not shortest_s <= self.duration_s <= longest_s:
            raise PlanError(
                f"a duration of {self.duration_s:g} s cannot be reached;"
                f" choose one from {shortest_s:.2f} to {longest_s:.2f} s"
            )
        return duration_s / self.duration_s

    def plan(self, curve: SpeedinessCurve, speech_s: Sequence[Span]) -> SpeedPlan:
        """The plan for a video of a curve, in which somebody speaks in some stretches.

        Raises:
            PlanError: as :func:`~speediness.speedup.solver.plan_speedup`.
        """
        # The sound may last longer than the frames.
        limits_s = [
            ((start_s, min(end_s, curve.duration_s)), self.speech_rate)
            for start_s, end_s in speech_s
            if self.speech_rate is not None and start_s < curve.duration_s
        ]
        rate = self.rate_of(curve.duration_s)
        return plan_speedup(curve, rate, self.options, limits_s=[*self.limits_s, *limits_s])

    def durations(
        self, curve: SpeedinessCurve, speech_s: Sequence[Span], plan: SpeedPlan
    ) -> list[dict[str, float]]:
        """What the usual rates and that of ``plan`` give, slowest first, as far as they can be reached."""
        plans = {plan.rate: plan}
        for rate in TABLE_RATES:
            with suppress(PlanError):
                plans.setdefault(rate, replace(self, rate=rate, duration_s=None).plan(curve, speech_s))
        return [
            {
                "rate": rate,
                "duration_s": plan.output_duration_s,
                "slowest": float(plan.factor.min()),
                "fastest": float(plan.factor.max()),
            }
            for rate, plan in sorted(plans.items())
        ]

    def speech_in(self, reader: VideoReader) -> list[Span]:
        """Where somebody speaks, if that is asked for.

        Raises:
            DataError: the detector is not installed.
        """
        return find_speech(reader) if self.speech_rate is not None else []


def told_apart(outputs: Sequence[Path]) -> tuple[Path | None, list[Path]]:
    """The video and the timelines among files to write, told apart by their endings.

    Raises:
        OutputError: an ending that is neither's, or two videos.
    """
    timelines = [path for path in outputs if path.suffix.lower() in FORMATS]
    videos = [path for path in outputs if path not in timelines]
    for path in videos:
        if path != PIPE and path.suffix.lower() not in CONTAINERS:
            raise OutputError(
                f"{path}: give a video a name that ends in {', '.join(CONTAINERS)},"
                f" a timeline one that ends in {', '.join(FORMATS)}"
            )
    if len(videos) > 1:
        raise OutputError(f"{videos[0]} and {videos[1]} would be the same video; name one with -o")
    return next(iter(videos), None), timelines


def speed_up(
    video: Path,
    job: SpeedupJob,
    analyse: Callable[[], SpeedinessCurve],
    bar: Bar,
    *,
    out: Path | None = None,
    exports: Sequence[Path] = (),
    curve_file: Path | None = None,
) -> dict[str, Any]:
    """Analyse, plan and render; returns what ``speedup --json`` prints (docs/formats.md).

    Without ``out`` and ``exports`` (timelines) only the plan is made, and compared with those at other
    rates. ``analyse`` is called for the curve unless ``curve_file`` is given; ``bar`` shows the rendering.

    Raises:
        VideoError, OutputError, PlanError, DataError: what is wrong and what to do.
    """
    if job.rate is not None:
        job.options.check_rate(job.rate)
    reader = VideoReader(video)
    info = reader.info
    if info.duration_s is not None:
        check_target(info.duration_s, job.rate_of(info.duration_s), job.options, limits_s=job.limits_s)
    stem = next(iter([*([out] if out else []), *exports]), video).with_suffix("")
    outputs = {
        kind: Path(f"{stem}{suffix}")
        for kind, suffix in (("curve", ".curve.json"), ("plan", ".plan.json"), ("plot", ".plan.png"))
    }
    _refuse(video, job.rendering, out, exports, outputs)
    speech_s = job.speech_in(reader)
    if curve_file:
        curve = curve_of(curve_file, info)
        outputs["curve"] = curve_file
    else:
        curve = analyse()
        curve.save(outputs["curve"])  # at once: whatever goes wrong later, this need not be done again
    plan = job.plan(curve, speech_s)
    plan.save(outputs["plan"])
    plot_curve(curve, outputs["plot"], plan, video=video)
    notes = list(curve.notes)
    for path in exports:
        export_timeline(plan, info, path)
    if exports and has_variable_rate(curve.times_s):
        notes.append("the frame rate varies: timelines place moments by time, not by counting frames")
    rendered: dict[str, Any] = {}
    if out:
        report, subtitles = job.rendering.write(video, plan, out, bar)
        outputs = {"film": out} | outputs
        rendered = measured(report) | {"subtitles": [str(path) for path in subtitles]}
        notes += [warning for warning in report.warnings if warning not in notes]
    summary = _summary(video, curve, plan) | {
        "speech_s": sum(end_s - start_s for start_s, end_s in speech_s),
        "notes": notes,
        "outputs": {kind: str(path) for kind, path in outputs.items()},
        "timelines": [str(path) for path in exports],
    }
    if not (out or exports):
        summary["durations"] = job.durations(curve, speech_s, plan)
    return summary | rendered


def _refuse(
    video: Path, rendering: Rendering, out: Path | None, exports: Sequence[Path], documents: dict[str, Path]
) -> None:
    """Whatever cannot be written; documents bear the name of the video and are made anew each time."""
    if out:
        rendering.check(video, out)
    for path in exports:
        check_file(path, video, rendering.force)
    for path in documents.values():
        check_file(path, video, force=True)


def _summary(video: Path, curve: SpeedinessCurve, plan: SpeedPlan) -> dict[str, Any]:
    adaptive, uniform = compare_with_uniform(curve, plan)
    sure_s = sum(each.end_s - each.start_s for each in curve.segments if each.label != "not_sure")
    return {
        "schema": "speediness.speedup/1",
        "video": str(video),
        "rate": plan.rate,
        "source_duration_s": plan.source_duration_s,
        "output_duration_s": plan.output_duration_s,
        "slowest": float(plan.factor.min()),
        "fastest": float(plan.factor.max()),
        "sure_share": sure_s / plan.source_duration_s,
        "adaptive": {"excess": adaptive},
        "uniform": {"excess": uniform},
    }
