from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speediness.errors import OutputError
from speediness.results.plan import SpeedPlan
from speediness.video.subtitle_files import map_subtitles, mapped_name, subtitle_files

HALF = SpeedPlan(np.array([0.0, 8000.0]), np.full(2, 0.5), 2)

SRT = """1\r
00:00:01,000 --> 00:00:02,500\r
Hello --&gt; <i>world</i> at 00:00:09,000\r
\r
2\r
01:10:00,002 --> 01:59:59,998 X1:40 X2:600\r
Bye\r
"""
SRT_HALF = (
    SRT.replace("00:00:01,000 --> 00:00:02,500", "00:00:00,500 --> 00:00:01,250")
    .replace("01:10:00,002", "00:35:00,001")
    .replace("01:59:59,998", "00:59:59,999")
)
VTT = """WEBVTT - 00:10.000 is no time

STYLE
::cue { color: lime }

intro
00:10.000 --> 00:12.500 position:10% line:0
One <00:11.000>two

01:00:00.000 --> 01:30:00.000
Three
"""
VTT_HALF = (
    VTT.replace("00:10.000 -->", "00:05.000 -->")
    .replace("00:12.500", "00:06.250")
    .replace("<00:11.000>", "<00:05.500>")
    .replace("01:00:00.000 --> 01:30:00.000", "00:30:00.000 --> 00:45:00.000")
)
ASS = """[Script Info]
; 0:00:01.00 stays
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:03.50,Default,,0,0,0,,At 0:00:09.00, {\\k50}he
Comment: 0,1:00:00.00,2:00:00.02,Default,,0,0,0,,x
"""
ASS_HALF = ASS.replace("0:00:01.00,0:00:03.50", "0:00:00.50,0:00:01.75").replace(
    "1:00:00.00,2:00:00.02", "0:30:00.00,1:00:00.01"
)


@pytest.mark.parametrize("coding", ["utf-8", "latin-1", "utf-16"])
@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("a.srt", SRT, SRT_HALF),
        ("a.vtt", VTT, VTT_HALF),
        ("a.ass", ASS, ASS_HALF),
        ("a.ssa", ASS, ASS_HALF),
    ],
)
def test_times_are_mapped_and_nothing_else_changes(
    tmp_path: Path, name: str, text: str, wanted: str, coding: str
) -> None:
    (tmp_path / name).write_bytes(text.replace("two", "zwölf").encode(coding))
    map_subtitles(tmp_path / name, tmp_path / f"out{name}", HALF.output_time)
    assert (tmp_path / f"out{name}").read_bytes() == wanted.replace("two", "zwölf").encode(coding)


def test_times_lie_on_a_varying_plan_to_the_millisecond(tmp_path: Path) -> None:
    plan = SpeedPlan(np.array([0.0, 3.0, 6.0]), np.array([1.0, 0.25, 0.5]), 2)
    (tmp_path / "a.srt").write_text("1\n00:00:01,700 --> 00:00:04,321\nx\n")
    map_subtitles(tmp_path / "a.srt", tmp_path / "b.srt", plan.output_time)
    start, _, end = (tmp_path / "b.srt").read_text().splitlines()[1].split()
    for written, source_s in ((start, 1.7), (end, 4.321)):
        steps_s = np.arange(0, source_s, 1e-4) + 5e-5
        planned_s = float(np.sum(np.interp(steps_s, plan.times_s, plan.slowness))) * 1e-4
        assert float(written[6:].replace(",", ".")) == pytest.approx(planned_s, abs=0.0007)


def test_files_of_a_video_are_found_and_named(tmp_path: Path) -> None:
    for name in ("a.srt", "a.en.vtt", "a.b.mp4", "a.b.ass", "ab.srt", "a.txt", "a.b.c.srt"):
        (tmp_path / name).touch()
    video = tmp_path / "a.mp4"
    assert [path.name for path in subtitle_files(video)] == ["a.b.ass", "a.en.vtt", "a.srt"]
    assert mapped_name(tmp_path / "a.en.vtt", video, tmp_path / "x" / "fast.mkv").name == "fast.en.vtt"
    assert [path.name for path in subtitle_files(tmp_path / "a.b.mp4")] == ["a.b.ass", "a.b.c.srt"]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot read"):
        map_subtitles(tmp_path / "a.srt", tmp_path / "b.srt", HALF.output_time)
    assert not list(tmp_path.iterdir())
