"""How videos are to be rendered, and one of them rendered with the subtitle files beside it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speediness.progress import Bar
from speediness.results.plan import SpeedPlan
from speediness.speedup.render import RenderReport, chosen_tracks, render_speedup
from speediness.video.coding import Coding
from speediness.video.subtitle_files import map_subtitles, mapped_name, subtitle_files
from speediness.video.writer import check_file, check_output


@dataclass(frozen=True)
class Rendering:
    """See :func:`~speediness.speedup.render.render_speedup`."""

    audio: str = "all"
    blend: bool = False
    coding: Coding = field(default_factory=Coding)
    force: bool = False

    def check(self, video: Path, out: Path) -> None:
        """Refuse what cannot be written, before any work is done.

        Raises:
            OutputError: there are no such sound tracks, or a file cannot or must not be written.
        """
        check_output(out, video, self.force, self.coding)
        chosen_tracks(video, self.audio)
        for path in subtitle_files(video):
            check_file(mapped_name(path, video, out), video, self.force)

    def write(self, video: Path, plan: SpeedPlan, out: Path, bar: Bar) -> tuple[RenderReport, list[Path]]:
        """Render the video and map its subtitles; what was measured, and the files of subtitles.

        Raises:
            VideoError, OutputError: as :func:`~speediness.speedup.render.render_speedup`.
        """
        with bar(f"rendering {out.name}") as progress:
            report = render_speedup(
                video,
                plan,
                out,
                audio=self.audio,
                force=self.force,
                blend=self.blend,
                coding=self.coding,
                progress=progress,
            )
        subtitles = {path: mapped_name(path, video, out) for path in subtitle_files(video)}
        for path, mapped in subtitles.items():
            map_subtitles(path, mapped, plan.output_time)
        return report, list(subtitles.values())


def measured(report: RenderReport) -> dict[str, Any]:
    """What ``--json`` says of a video that was written (docs/formats.md)."""
    return {
        "frames": report.frames,
        "frame_rate": str(report.frame_rate),
        "film_duration_s": report.duration_s,
        "max_av_error_ms": report.max_av_error_ms,
    }
