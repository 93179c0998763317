from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest

from speediness.results.curve import Float64s
from speediness.results.plan import SpeedPlan
from speediness.timeline.export import FORMATS, export_timeline, has_variable_rate
from speediness.video.frame_choice import STANDARD_RATES
from speediness.video.info import VideoInfo
from speediness.video.reader import VideoReader
from speeds import random_plan
from synthetic import read_number, steady, tone, uneven, write_video

HOUR_S = 3600.0


class Read(NamedTuple):
    """What a reader found: for each stretch its first output frame and the next, and source seconds."""

    rate: float
    stretches: list[tuple[float, float, float, float]]

    def source_s(self, frames: Float64s) -> Float64s:
        starts, ends, source_s, source_end_s = np.array(self.stretches).T
        at = np.searchsorted(starts, frames, "right") - 1
        share = (frames - starts[at]) / (ends - starts)[at]
        return source_s[at] + share * (source_end_s - source_s)[at]


def between(rate: float, knots: list[tuple[float, float]]) -> Read:
    """Straight lines between (output frame, source_s)."""
    return Read(rate, [(a[0], b[0], a[1], b[1]) for a, b in pairwise(knots)])


def found(root: Element, path: str) -> Element:
    element = root.find(path)
    assert element is not None, path
    return element


def text(root: Element, path: str) -> str:
    return found(root, path).text or ""


def rational(time: str) -> Fraction:
    assert re.fullmatch(r"\d+(/\d+)?s", time)
    value = Fraction(time[:-1])
    assert value.denominator < 2**31 and value.numerator < 2**63  # the format's own limits
    return value


def read_fcpxml(path: Path) -> Read:
    root = ElementTree.parse(path).getroot()
    rate = 1 / rational(found(root, "resources/format").attrib["frameDuration"])
    clip = found(root, "library/event/project/sequence/spine/asset-clip")
    points = clip.findall("timeMap/timept")
    assert {point.attrib["interp"] for point in points} == {"linear"}
    knots = [(rational(p.attrib["time"]) * rate, rational(p.attrib["value"])) for p in points]
    assert knots[-1][0] == rational(clip.attrib["duration"]) * rate
    return between(float(rate), [(float(a), float(b)) for a, b in knots])


def read_fcp7(path: Path) -> Read:
    root = ElementTree.parse(path).getroot()
    clip = found(root, "sequence/media/video/track/clipitem")
    rate = float(text(clip, "rate/timebase"))
    if text(clip, "rate/ntsc") == "TRUE":
        rate *= 1000 / 1001
    graph = next(p for p in clip.iter("parameter") if text(p, "parameterid") == "graphdict")
    knots = [(float(text(k, "when")), float(text(k, "value")) / rate) for k in graph.findall("keyframe")]
    assert knots[-1][0] == float(text(clip, "end")) == float(text(root, "sequence/duration"))
    return between(rate, knots)


def read_mlt(path: Path) -> Read:
    root = ElementTree.parse(path).getroot()
    profile = found(root, "profile").attrib
    rate = int(profile["frame_rate_num"]) / int(profile["frame_rate_den"])
    keys = text(root, "chain/link/property[@name='time_map']")
    assert keys == text(root, "chain/link/property[@name='map']")
    knots = [(float(key.split("=")[0]), float(key.split("=")[1])) for key in keys.split(";")]
    entry = found(root, "playlist/entry").attrib
    assert knots[-1][0] == int(entry["out"]) - int(entry["in"]) + 1  # both ends belong to it
    return between(rate, knots)


def read_otio(path: Path) -> Read:
    document = json.loads(path.read_text())
    (track,) = [t for t in document["tracks"]["children"] if t["kind"] == "Video"]
    stretches, frame, rate = [], 0.0, 0.0
    for clip in track["children"]:
        span = clip["source_range"]
        rate = span["start_time"]["rate"]
        frames, start_s = span["duration"]["value"], span["start_time"]["value"] / rate
        (warp,) = clip["effects"]
        end_s = start_s + frames * warp["time_scalar"] / rate
        stretches.append((frame, frame + frames, start_s, end_s))
        frame += frames
    return Read(rate, stretches)


def read_edl(path: Path, rate: float) -> Read:
    base, stretches = int(np.ceil(rate)), []
    events = re.split(r"\n(?=\d{3,} )", path.read_text())[1:]
    for event in events:
        codes = re.findall(r"\b(\d\d):(\d\d):(\d\d):(\d\d)\b", event.splitlines()[0])
        in_, out, start, end = (
            ((int(h) * 60 + int(m)) * 60 + int(s)) * base + int(f) for h, m, s, f in codes
        )
        speed = re.search(r"^M2 +AX +([\d.]+) ", event, re.MULTILINE)
        exact = rate * (out - in_) / (end - start)
        assert (float(speed[1]) if speed else rate) == pytest.approx(exact, abs=0.0501)
        hour = 3600 * base
        stretches.append((start - hour, end - hour, in_ / rate, out / rate))
    return Read(rate, stretches)


def read_csv(path: Path) -> Read:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    rate = float(rows[-1]["output_frame"]) / float(rows[-1]["output_s"])
    return between(rate, [(float(row["output_frame"]), float(row["source_s"])) for row in rows])


READERS: dict[str, Callable[..., Read]] = {
    ".fcpxml": read_fcpxml,
    ".xml": read_fcp7,
    ".mlt": read_mlt,
    ".otio": read_otio,
    ".edl": read_edl,
    ".csv": read_csv,
}


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    path = tmp_path_factory.mktemp("video") / "a & b <c>.mp4"
    return VideoReader(write_video(path, steady(10), sound_CN=tone(0.4))).info


def read_back(path: Path, rate: Fraction) -> Read:
    return read_edl(path, float(rate)) if path.suffix == ".edl" else READERS[path.suffix](path)


def check_round_trip(plan: SpeedPlan, info: VideoInfo, rate: Fraction, path: Path) -> None:
    """Every output frame shows what the plan shows at most half a frame away, to the last one."""
    export_timeline(plan, replace(info, frame_rate=rate), path)
    read = read_back(path, rate)
    assert read.rate == pytest.approx(float(rate), rel=1e-6)
    starts, ends, source_s, source_end_s = np.array(read.stretches).T
    np.testing.assert_array_equal(starts[1:], ends[:-1])
    np.testing.assert_allclose(source_s[1:], source_end_s[:-1], atol=1e-5)
    assert (starts[0], ends[-1]) == (0, round(plan.output_duration_s * rate))
    assert -1e-5 <= source_end_s[-1] - plan.source_duration_s < 1 / float(rate)
    frames = np.arange(ends[-1])
    late = plan.output_time(read.source_s(frames)) * float(rate) - frames
    assert np.abs(late).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("rate", STANDARD_RATES)
def test_round_trip(suffix: str, rate: Fraction, info: VideoInfo, tmp_path: Path) -> None:
    for seed in range(3):
        check_round_trip(random_plan(seed, 50 + seed / 7), info, rate, tmp_path / f"a{suffix}")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", FORMATS)
def test_round_trip_over_an_hour(suffix: str, info: VideoInfo, tmp_path: Path) -> None:
    for seed in range(100):
        rate = STANDARD_RATES[seed % len(STANDARD_RATES)]
        check_round_trip(random_plan(seed, HOUR_S + seed / 7), info, rate, tmp_path / f"a{suffix}")


def test_every_format_has_a_reader() -> None:
    assert set(READERS) == set(FORMATS)


# What the DTDs of FCPXML 1.10 and of MLT 7 say of the elements that are written: children in order,
# attributes that must be there, attributes that may.
FCPXML = {
    "fcpxml": ("(import-options )?(resources )?(library )?", "version", ""),
    "resources": ("((asset|effect|format|media|locator) )*", "", ""),
    "format": ("", "id", "name frameDuration width height"),
    "asset": (
        "(media-rep )+(metadata )?",
        "id",
        "name start duration hasVideo format hasAudio videoSources audioSources audioChannels audioRate",
    ),
    "media-rep": ("(bookmark )?", "src", "kind"),
    "library": ("((event|smart-collection) )*", "", "location"),
    "event": ("(project )*", "", "name"),
    "project": ("sequence ", "", "name"),
    "sequence": ("(note )?spine (metadata )?", "format", "duration tcStart tcFormat"),
    "spine": ("(asset-clip )*", "", ""),
    "asset-clip": ("(note )?(conform-rate )?(timeMap )?", "ref", "name offset start duration tcFormat"),
    "timeMap": ("(timept )*", "", "frameSampling preservesPitch"),
    "timept": ("", "time value", "interp"),
}
MLT = {
    "mlt": ("((profile|producer|playlist|tractor|chain) )+", "", "LC_NUMERIC version title producer"),
    "profile": (
        "",
        "frame_rate_den frame_rate_num height width progressive sample_aspect_den sample_aspect_num",
        "display_aspect_den display_aspect_num",
    ),
    "chain": ("((property|filter|link) )*", "", "id in out"),
    "link": ("(property )*", "", "in out"),
    "property": ("", "name", ""),
    "playlist": ("(property )*((entry|blank) )*", "", "id"),
    "entry": ("", "producer", "in out"),
    "tractor": ("(property )*(track )+", "", "id in out"),
    "track": ("", "producer", "hide"),
}
# Elements of xmeml 5 as Apple's catalogue lists them: children in any order, those that must be there.
XMEML = {
    "xmeml": ("sequence", ""),
    "sequence": ("name duration rate media", "timecode"),
    "media": ("video", "audio"),
    "clipitem": ("name duration rate start end in out file filter", "sourcetrack link"),
    "effect": ("name effectid effectcategory effecttype mediatype parameter", ""),
    "keyframe": ("when value", "speedkfin speedkfout"),
    "rate": ("timebase ntsc", ""),
    "link": ("linkclipref mediatype trackindex clipindex", ""),
}


def check_elements(root: Element, rules: dict[str, tuple[str, str, str]]) -> None:
    for element in root.iter():
        children, must, may = rules[element.tag]
        assert re.fullmatch(children, "".join(f"{child.tag} " for child in element)), element.tag
        assert set(must.split()) <= set(element.attrib) <= set((must + " " + may).split()), element.tag


@pytest.mark.parametrize("sound", [True, False])
def test_xml_holds_what_its_definition_allows(info: VideoInfo, sound: bool, tmp_path: Path) -> None:
    plan = random_plan(1, 20)
    paths = {suffix: tmp_path / f"a{suffix}" for suffix in (".fcpxml", ".mlt", ".xml")}
    for path in paths.values():
        export_timeline(plan, replace(info, has_audio=sound), path)
    fcpxml, mlt, fcp7 = (ElementTree.parse(path).getroot() for path in paths.values())
    check_elements(fcpxml, FCPXML)
    check_elements(mlt, MLT)
    assert paths[".fcpxml"].read_text().splitlines()[1] == "<!DOCTYPE fcpxml>"
    ids = {element.attrib["id"] for element in fcpxml.iter() if "id" in element.attrib}
    refs = {
        element.attrib[key]
        for element in fcpxml.iter()
        for key in ("ref", "format")
        if key in element.attrib
    }
    assert refs == ids
    assert ("hasAudio" in found(fcpxml, "resources/asset").attrib) == sound
    assert found(fcpxml, ".//media-rep").attrib["src"] == info.path.as_uri()
    assert text(mlt, "chain/property[@name='resource']") == str(info.path)

    assert paths[".xml"].read_text().splitlines()[1] == "<!DOCTYPE xmeml>"
    for element in fcp7.iter():
        if element.tag in XMEML and (element.tag, len(element)) != ("media", 0):
            must, may = (words.split() for words in XMEML[element.tag])
            tags = {child.tag for child in element}
            assert set(must) <= tags <= {*must, *may}, element.tag
    clips = {clip.attrib["id"]: clip for clip in fcp7.iter("clipitem")}
    assert len(clips) == 1 + (info.audio_channels if sound else 0)
    for clip in clips.values():
        assert [text(link, "linkclipref") for link in clip.findall("link")] == (
            list(clips) if sound else []
        )
    assert [text(fcp7, f".//file/{tag}") for tag in ("name", "pathurl")] == [
        info.path.name,
        info.path.as_uri(),
    ]


@pytest.mark.parametrize(("channels", "code"), [(0, "V"), (1, "B"), (2, "AA/V"), (6, "AA/V")])
def test_an_edl_is_lines_of_the_known_shape(
    info: VideoInfo, channels: int, code: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.edl"
    export_timeline(
        random_plan(1, 20), replace(info, has_audio=channels > 0, audio_channels=channels), path
    )
    title, fcm, *lines = path.read_text().splitlines()
    assert (title, fcm) == (f"TITLE: {info.path.name}", "FCM: NON-DROP FRAME")
    shapes = (
        rf"\d\d\d  AX       {code} +C        (\d\d:\d\d:\d\d:\d\d ?){{4}}",
        r"M2   AX       \d\d\d\.\d                \d\d:\d\d:\d\d:\d\d",
        rf"\* FROM CLIP NAME: {re.escape(info.path.name)}",
    )
    assert all(any(re.fullmatch(shape, line) for shape in shapes) for line in lines)


def test_opentimelineio_reads_what_was_written(info: VideoInfo, tmp_path: Path) -> None:
    otio: Any = pytest.importorskip("opentimelineio")
    plan, path = random_plan(2, 30), tmp_path / "a.otio"
    export_timeline(plan, info, path)
    timeline = otio.adapters.read_from_file(str(path))
    assert [track.kind for track in timeline.tracks] == ["Video", "Audio"]
    assert timeline.duration().to_frames() == round(plan.output_duration_s * 25)
    read = read_otio(path)
    for track in timeline.tracks:
        for clip, stretch in zip(track, read.stretches, strict=True):
            span = clip.range_in_parent()
            assert (span.start_time.value, span.end_time_exclusive().value) == stretch[:2]
            assert clip.source_range.start_time.to_seconds() == pytest.approx(stretch[2])
            factor = (stretch[3] - stretch[2]) * 25 / (stretch[1] - stretch[0])
            assert clip.effects[0].time_scalar == pytest.approx(factor)
            assert clip.media_reference.target_url == info.path.as_uri()


def test_opentimelineio_reads_the_edl(info: VideoInfo, tmp_path: Path) -> None:
    pytest.importorskip("otio_cmx3600_adapter")
    otio: Any = pytest.importorskip("opentimelineio")
    plan, path = random_plan(2, 30), tmp_path / "a.edl"
    export_timeline(plan, info, path)
    timeline = otio.adapters.read_from_file(str(path), rate=25)
    assert [track.name for track in timeline.tracks] == ["V", "A1", "A2"]
    for clip, stretch in zip(timeline.tracks[0], read_edl(path, 25).stretches, strict=True):
        assert clip.source_range.start_time.to_seconds() == pytest.approx(stretch[2])
        assert clip.duration().value == stretch[1] - stretch[0]
        factor = clip.effects[0].time_scalar if clip.effects else 1
        assert factor * 25 == pytest.approx(
            (stretch[3] - stretch[2]) * 25**2 / clip.duration().value, abs=0.0501
        )


@pytest.mark.skipif(not shutil.which("melt"), reason="needs melt of the MLT framework")
def test_melt_renders_the_plan(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", steady(200), sound_CN=tone(8))
    plan, out = random_plan(3, 8.0), tmp_path / "out.mp4"
    export_timeline(plan, VideoReader(video).info, tmp_path / "a.mlt")
    command = ["melt", str(tmp_path / "a.mlt"), "-consumer", f"avformat:{out}", "vcodec=libx264", "crf=12"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    reader = VideoReader(out)
    assert reader.info.has_audio
    frames = (
        frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False) for _, frame in reader.decoded()
    )
    shown = [read_number(frame) for frame in frames]
    assert len(shown) == round(plan.output_duration_s * 25)
    begins_s, ends_s = (plan.output_time((np.array(shown) + n) / 25) for n in (0, 1))
    moments_s = np.arange(len(shown)) / 25
    assert np.all((begins_s - 0.5 / 25 <= moments_s) & (moments_s <= ends_s + 0.5 / 25))


def test_uneven_frames_are_told_from_even_ones_that_containers_round() -> None:
    assert has_variable_rate(np.array([float(t) for t in uneven(200)]))
    assert not has_variable_rate(np.round(np.arange(500) / 23.976, 3))
    assert not has_variable_rate(np.array([0.0, 0.04]))
