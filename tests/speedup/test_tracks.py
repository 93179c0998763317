"""What goes along with frames: subtitles, chapters, tags, and every sound track, in each container."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.subtitles.subtitle import AssSubtitle

from full_video import CHAPTERS, CUES, RATE_HZ, TAGS, clicks, write_full_video
from speediness.results.plan import SpeedPlan
from speediness.speedup.render import render_speedup
from speediness.video.audio_reader import AudioReader
from speediness.video.coding import Coding
from speediness.video.extras import Chapter, Extras
from speediness.video.reader import VideoReader, open_media
from speediness.video.sound_tracks import sound_tracks
from synthetic import Image, drifting_frame, tone

SECONDS = 6


def bent() -> SpeedPlan:
    """From 1x to 4x and back to 2x."""
    return SpeedPlan(np.array([0.0, 3.0, 6.0]), np.array([1.0, 0.25, 0.5]), 2)


def by_summing(plan: SpeedPlan, source_s: float) -> float:
    """The slow way to the moment of the output: add up slowness in steps of 0.1 ms."""
    steps_s = np.arange(0, source_s, 1e-4)
    return float(np.sum(np.interp(steps_s + 5e-5, plan.times_s, plan.slowness)) * 1e-4)


def plain_text(ass: bytes) -> str:
    return ass.decode().split(",", 8)[8].replace("{\\i0}", "")  # MP4 ends a style with its text


@pytest.mark.parametrize("out_name", ["out.mkv", "out.mp4", "out.mov"])
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mkv", "subrip"),
        ("a.mkv", "ass"),
        ("a.mkv", "webvtt"),
        ("a.mp4", "mov_text"),
        ("a.mov", "mov_text"),
    ],
)
def test_subtitles_chapters_and_tags_go_along_the_plan(
    tmp_path: Path, name: str, codec: str, out_name: str
) -> None:
    video = write_full_video(tmp_path / name, text_codec=codec)
    plan, out = bent(), tmp_path / out_name
    report = render_speedup(video, plan, out)
    assert report.warnings == ()
    made = Extras.read(out, Fraction(0))
    (track,) = made.texts
    assert (track.tags["language"], track.tags["title"]) == ("eng", "Words")
    assert len(track.cues) == len(CUES)
    for cue, (start_ms, end_ms, words) in zip(track.cues, CUES, strict=True):
        (line,) = cue.text
        assert isinstance(line, AssSubtitle)
        assert cue.start_s == pytest.approx(by_summing(plan, start_ms / 1000), abs=0.001)
        assert cue.end_s == pytest.approx(by_summing(plan, end_ms / 1000), abs=0.001)
        assert plain_text(line.ass) == words.replace("{\\i0}", "")
    assert [chapter.tags["title"] for chapter in made.chapters] == [title for _, _, title in CHAPTERS]
    for chapter, (start_ms, end_ms, _) in zip(made.chapters, CHAPTERS, strict=True):
        assert chapter.start_s == pytest.approx(by_summing(plan, start_ms / 1000), abs=0.001)
        assert chapter.end_s == pytest.approx(by_summing(plan, end_ms / 1000), abs=0.001)
    assert {tag: value for tag, value in made.tags.items() if tag.lower() in TAGS} == {
        tag if tag.lower() in made.tags else tag.upper(): value for tag, value in TAGS.items()
    }


def test_what_lies_outside_the_video_is_left_out() -> None:
    chapters = (Chapter(-2, -1, {}), Chapter(-1, 3, {}), Chapter(5, 9, {}), Chapter(7, 9, {}))
    plan = bent()
    kept = Extras(chapters=chapters).mapped(plan.output_time).chapters
    middle_s, end_s = by_summing(plan, 3), by_summing(plan, 6)
    assert [(c.start_s, c.end_s) for c in kept] == [
        (0, pytest.approx(middle_s, abs=1e-4)),
        (pytest.approx(by_summing(plan, 5), abs=1e-4), pytest.approx(end_s, abs=1e-4)),
    ]


def flashing(i: int) -> Image:
    """White for 0.2 s at every second."""
    return np.full((64, 96, 3), 235 if i >= 25 and i % 25 < 5 else 20, np.uint8)


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv"])
def test_every_sound_track_is_kept_in_sync_the_default_first(tmp_path: Path, name: str) -> None:
    at_s = [1.0, 2.0, 3.0, 4.0, 5.0]
    video = write_full_video(
        tmp_path / "a.mkv",
        SECONDS,
        sounds_CN=[clicks(SECONDS, at_s), 0.5 * clicks(SECONDS, at_s)],
        draw_frame=flashing,
    )
    plan = bent()
    report = render_speedup(video, plan, tmp_path / name)
    lost = ("languages that this container has no room for left out: deu",)
    assert report.warnings == (lost if name == "out.mov" else ())
    reader = VideoReader(tmp_path / name)
    with open_media(tmp_path / name) as container:
        tracks = sound_tracks(container)
    assert [track.tags["title"] for track in tracks] == ["Sound eng", "Sound deu"]
    assert [track.number for track in tracks] == [1, 2]
    if name != "out.mov":
        assert [track.tags["language"] for track in tracks] == ["eng", "deu"]
    for track, level in zip(tracks, (0.2, 0.4), strict=True):
        sound_N = np.abs(np.concatenate(list(AudioReader(reader, track).blocks()), 1)).max(0)
        assert abs(len(sound_N) / RATE_HZ - report.duration_s) < 0.04
        for time_s in at_s:
            planned_s = by_summing(plan, time_s)
            first = round((planned_s - 0.1) * RATE_HZ)
            around = sound_N[first : first + round(0.2 * RATE_HZ)]
            assert around.max() > level / 4
            assert (first + around.argmax()) / RATE_HZ == pytest.approx(planned_s, abs=0.02)


@pytest.mark.parametrize(
    ("audio", "titles"),
    [("all", ["Sound eng", "Sound deu"]), ("first", ["Sound eng"]), ("1", ["Sound deu"]), ("none", [])],
)
def test_sound_tracks_are_chosen(tmp_path: Path, audio: str, titles: list[str]) -> None:
    video = write_full_video(tmp_path / "a.mkv", 2, sounds_CN=[tone(2), tone(2)])
    plan = SpeedPlan(np.array([0.0, 2.0]), np.full(2, 0.5), 2)
    report = render_speedup(video, plan, tmp_path / "out.mkv", audio=audio)
    assert report.warnings == ()
    with open_media(tmp_path / "out.mkv") as container:
        assert [track.tags["title"] for track in sound_tracks(container)] == titles


@pytest.mark.parametrize(("codec", "found"), [("hevc", "hevc"), ("av1", "libdav1d"), ("h264", "h264")])
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_codecs_and_qualities(tmp_path: Path, codec: str, found: str, name: str) -> None:
    video = write_full_video(tmp_path / "a.mkv", 2, width_px=148, height_px=112, draw_frame=drifting_frame)
    plan = SpeedPlan(np.array([0.0, 2.0]), np.full(2, 0.5), 2)
    sizes, frames = [], 0
    for quality in (19, 40):
        coding = Coding(codec, quality)
        frames = render_speedup(video, plan, tmp_path / name, coding=coding, force=True).frames
        sizes.append((tmp_path / name).stat().st_size)
        with av.open(str(tmp_path / name)) as container:
            stream = container.streams.video[0]
            assert stream.codec_context.name == found
            if codec == "hevc" and name == "out.mp4":
                assert stream.codec_context.codec_tag == "hvc1"
    assert len(list(VideoReader(tmp_path / name).decoded())) == frames
    assert sizes[0] > 1.2 * sizes[1]
