"""Subtitle files beside a video: every time in them is mapped, all else stays as it is, to the byte."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path

import numpy as np

from speediness.errors import OutputError
from speediness.results.documents import write_bytes
from speediness.video.extras import When

SUFFIXES = {".srt", ".vtt", ".ass", ".ssa"}
_TIME = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2})([,.])(\d{2,3})")
_IN_TEXT = re.compile(rf"(?<=<){_TIME.pattern}(?=>)")  # WebVTT's, for text that appears word by word


def subtitle_files(video: Path) -> list[Path]:
    """Those that players open with a video: ``NAME.srt``, or with a language as in ``NAME.en.srt``."""
    found = [path for suffix in SUFFIXES for path in video.parent.glob(f"*{suffix}")]
    return sorted(path for path in found if video.stem in (path.stem, Path(path.stem).stem))


def mapped_name(subtitles: Path, video: Path, out: Path) -> Path:
    """What subtitles of a video are called beside another video."""
    return out.with_name(out.stem + subtitles.name.removeprefix(video.stem))


def map_subtitles(subtitles: Path, out: Path, when: When) -> None:
    """Write the subtitles with all times mapped; times are seconds from the video's first frame.

    Raises:
        OutputError: they cannot be read or written.
    """
    try:
        data = subtitles.read_bytes()
    except OSError as error:
        raise OutputError(f"cannot read {subtitles}: {error.strerror}; move it away or mend it") from error
    # Times are ASCII; what else a file of one byte a letter means need not be known.
    coding = "utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "latin-1"
    lines = data.decode(coding).splitlines(keepends=True)
    ass = subtitles.suffix.lower() in (".ass", ".ssa")
    write_bytes(out, "".join(_line(line, ass, when) for line in lines).encode(coding))


def _line(line: str, ass: bool, when: When) -> str:
    def moved(match: re.Match[str]) -> str:
        return _moved(match, when)

    if ass:
        return _TIME.sub(moved, line, count=2) if line.startswith(("Dialogue:", "Comment:")) else line
    return _TIME.sub(moved, line) if "-->" in line else _IN_TEXT.sub(moved, line)


def _moved(match: re.Match[str], when: When) -> str:
    """A time on the new clock, with as many digits as before."""
    hours, minutes, seconds, point, fraction = match.groups()
    ticks_a_s = 10 ** len(fraction)
    time_s = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction) / ticks_a_s
    ticks = round(float(when(np.array(time_s))) * ticks_a_s)
    rest, ticks = divmod(ticks, ticks_a_s)
    minutes_in_all, rest = divmod(rest, 60)
    whole_hours, left = divmod(minutes_in_all, 60)
    head = f"{whole_hours:0{len(hours or '00')}d}:" if hours or whole_hours else ""
    return f"{head}{left:02d}:{rest:02d}{point}{ticks:0{len(fraction)}d}"
