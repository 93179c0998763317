"""Options that several verbs share, and what they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from speediness.analysis.options import AnalysisOptions

if TYPE_CHECKING:
    from speediness.corpus.workers import Workers
    from speediness.progress import Bar
    from speediness.results.curve import SpeedinessCurve
    from speediness.results.features import MotionFeatures
    from speediness.speedup.job import SpeedupJob
    from speediness.speedup.rendering import Rendering

Json = Annotated[bool, Parameter(help="print one JSON document instead of tables")]
Quiet = Annotated[bool, Parameter(help="print nothing but errors")]
Force = Annotated[bool, Parameter(help="replace results that exist")]
Analysis = Annotated[AnalysisOptions, Parameter(name="*")]
Ray = Annotated[
    str | bool | None,
    Parameter(
        metavar="[ADDRESS]",
        help="analyse videos as tasks of a Ray cluster (without ADDRESS: one on this machine)",
    ),
]
Settings = Annotated[
    tuple[str, ...],
    Parameter(name="--set", metavar="KEY=VALUE", help="change one setting of the recipe; may be repeated"),
]
Videos = Annotated[
    str,
    Parameter(
        metavar="WHERE",
        help="videos at natural speed: a folder, a manifest CSV or NAME:ROOT of speediness data list",
    ),
]
LabelledVideos = Annotated[
    str,
    Parameter(
        metavar="WHERE",
        help="videos with labels: ucf101:ROOT, hmdb51:ROOT, or a manifest CSV with the column label",
    ),
]
CacheSize = Annotated[
    float | None,
    Parameter(
        metavar="GB", help="most that decoded videos may take on disk (default: as much as they need)"
    ),
]
Model = Annotated[
    str | None, Parameter(metavar="NAME", help="shipped network or weights file (default: the shipped one)")
]


@Parameter(name="*")
@dataclass(frozen=True)
class RunOptions:
    """Where a training run goes, what changes its recipe, and what bounds it."""

    out: Path
    """folder of the run, made if missing"""
    resume: bool = False
    """continue the run in --out from its last checkpoint"""
    settings: Settings = ()
    minutes: float | None = None
    """end the training after so many minutes, those before a resume counted in, if its steps take longer"""
    cache_size: CacheSize = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PlanningOptions:
    """What a plan is made from, and what it may not do."""

    curve: Annotated[Path | None, Parameter(name="--from")] = None
    """use this curve instead of analysing again"""
    limits: Annotated[tuple[str, ...], Parameter(name="--limit", metavar="[WHERE=]R")] = ()
    """play nothing faster than R: anywhere, from A to B (A-B=R) or in speech (speech=R); may be repeated"""

    def job(self, rate: float | None, duration_s: float | None = None) -> SpeedupJob:
        """What is wanted of a video.

        Raises:
            PlanError: it cannot be had.
        """
        from speediness.speedup.job import SpeedupJob
        from speediness.speedup.solver import PlanOptions
        from speediness.speedup.stretches import parse_limit

        limits = [parse_limit(text) for text in self.limits]
        anywhere = [most for where, most in limits if where is None]
        in_speech = [most for where, most in limits if where == "speech"]
        return SpeedupJob(
            rate=rate,
            duration_s=duration_s,
            options=PlanOptions(fastest=min(anywhere, default=PlanOptions.fastest)),
            limits_s=[(where, most) for where, most in limits if isinstance(where, tuple)],
            speech_rate=min(in_speech, default=None),
        )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RenderingOptions:
    """How a video is written."""

    audio: Annotated[str, Parameter(metavar="TRACKS")] = "all"
    """sound tracks kept, at their pitch: all, first, none, mute, or numbers such as 1,3"""
    blend: bool = False
    """mix neighbouring frames instead of picking one"""
    codec: Annotated[str, Parameter(metavar="NAME[-gpu][:Q]")] = "h264:19"
    """h264, hevc or av1, and its quality from 0, the best, to 51"""

    def rendering(self, force: bool) -> Rendering:
        """The same for the renderer.

        Raises:
            OutputError: no such codec or quality.
        """
        from speediness.speedup.rendering import Rendering
        from speediness.video.coding import Coding

        return Rendering(self.audio, self.blend, Coding.parse(self.codec), force)


def analyse_video(video: Path, options: AnalysisOptions, bar: Bar | None = None) -> SpeedinessCurve:
    """Analyse a video as the options say, with a progress bar unless another one is given.

    Raises:
        VideoError, WeightsError: as :func:`speediness.analyse`.
    """
    from speediness.analysis.analyse import analyse_with_features
    from speediness.progress import progress_bar

    with (bar or progress_bar)(f"analysing {video.name}") as progress:
        return analyse_with_features(
            video, network=options.model, engine=options.engine, store=options.store(), progress=progress
        )[0]


def features_of(video: Path, options: AnalysisOptions) -> MotionFeatures:
    """How things move in a video, with a progress bar.

    Raises:
        VideoError, WeightsError: as :func:`speediness.analyse`.
    """
    from speediness.analysis.analyse import embed
    from speediness.progress import progress_bar

    with progress_bar(f"analysing {video.name}") as progress:
        return embed(
            video, network=options.model, engine=options.engine, store=options.store(), progress=progress
        )


def workers(ray: str | bool | None) -> Workers:
    """Who analyses many videos.

    Raises:
        DataError: Ray is not installed, or there is no such cluster.
    """
    from speediness.corpus.workers import here, on_ray

    return on_ray(None if ray is True else ray) if ray else here


def to_bytes(gigabytes: float | None) -> int | None:
    """What ``--cache-size`` says; None: as much as there is."""
    return None if gigabytes is None else round(gigabytes * 1e9)
