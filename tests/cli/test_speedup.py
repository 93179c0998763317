import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from command_line import complaints, names, refused
from speediness.cli.main import main
from speediness.cli.options import RenderingOptions
from speediness.results.curve import SpeedinessCurve
from speediness.results.plan import SpeedPlan
from speediness.speedup.rendering import Rendering
from speediness.video.reader import VideoReader
from synthetic import steady, uneven, write_video


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reaches for the analysis or the network finds nothing."""
    for name in ("speediness.analysis.analyse", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)


def test_analyse_plan_and_render(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = video.with_name("fast.mp4")
    assert main(["speedup", str(video), "--rate", "2", "-o", str(out)]) == 0
    assert names(video.parent) == {
        "walk.mp4",
        "fast.mp4",
        "fast.curve.json",
        "fast.plan.json",
        "fast.plan.png",
    }
    reader = VideoReader(out)
    assert len(list(reader.decoded())) / float(reader.info.frame_rate) == pytest.approx(1.2, abs=0.04)
    printed = capsys.readouterr().out
    assert "2.4 s becomes 1.2 s" in printed
    assert all(name in printed for name in names(video.parent) - {"walk.mp4"})


def test_from_a_curve_neither_analyses_nor_runs_the_network(
    video: Path, curve_file: Path, no_network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    out = video.with_name("fast.mp4")
    assert (
        main(["speedup", str(video), "--rate", "1.5", "-o", str(out), "--from", str(curve_file), "--json"])
        == 0
    )
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "speediness.speedup/1"
    assert document["output_duration_s"] == pytest.approx(2.4 / 1.5)
    assert {kind: Path(path).name for kind, path in document["outputs"].items()} == {
        "film": "fast.mp4",
        "curve": "by-hand.json",
        "plan": "fast.plan.json",
        "plot": "fast.plan.png",
    }
    assert names(video.parent) == {"walk.mp4", "fast.mp4", "fast.plan.json", "fast.plan.png"}
    plan = SpeedPlan.load(video.with_name("fast.plan.json"))
    assert plan.factor[0] > 1.5 > plan.factor[-1]


def test_plan_only_shows_rates_and_can_be_followed_by_the_video(
    video: Path, curve_file: Path, no_network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "speedup",
        str(video),
        "--rate",
        "1.7",
        "-o",
        str(video.with_name("fast.mp4")),
        "--from",
        str(curve_file),
    ]
    only = [*command[:4], *command[6:]]
    assert main(only) == 0
    printed = capsys.readouterr().out
    assert all(rate in printed for rate in ("1.25×", "1.5×", "1.7×", "2×", "3×", "4×"))
    assert names(video.parent) == {"walk.mp4", "walk.plan.json", "walk.plan.png"}
    assert main([*only, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["durations"]
    assert all(row["duration_s"] == pytest.approx(2.4 / row["rate"]) for row in rows)
    assert main(command) == 0
    assert video.with_name("fast.mp4").exists()


@pytest.mark.parametrize("rate", ["0.5", "-1", "1000", "nan", "inf"])
def test_a_rate_out_of_reach_is_refused_with_the_range(
    video: Path, no_network: None, rate: str, capsys: pytest.CaptureFixture[str]
) -> None:
    err = refused(["speedup", str(video), f"--rate={rate}", "-o", str(video.with_name("a.mp4"))], capsys)
    assert "from 1 to 10" in err and names(video.parent) == {"walk.mp4"}


def test_what_cannot_be_written_is_refused_before_the_work(
    video: Path, tmp_path: Path, no_network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def words(out: Path, *more: str) -> str:
        return refused(["speedup", str(video), "--rate", "2", "-o", str(out), *more], capsys)

    existing = video.with_name("mine.mp4")
    existing.write_text("mine")
    link = video.with_name("link.mp4")
    link.symlink_to(video)
    assert "--force" in words(existing)
    assert "the video itself" in words(video, "--force")
    assert "the video itself" in words(link, "--force")
    assert "does not exist" in words(tmp_path / "missing" / "a.mp4")
    assert ".mp4" in words(video.with_name("a.avi"))
    assert existing.read_text() == "mine" and names(video.parent) == {"walk.mp4", "mine.mp4", "link.mp4"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--codec", "hvec"], "did you mean hevc?"),
        (["--codec", "h264:52"], "0, the best, to 51"),
        (["--codec", "h264:best"], "0, the best, to 51"),
        (["--audio", "loud"], "all, first, mute, none"),
        (["--audio", "2"], "no audio track 2"),
        (["-o", "b.mp4"], "would be the same video"),
    ],
)
def test_what_cannot_be_encoded_is_refused_before_the_work(
    more: list[str], words: str, video: Path, no_network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["speedup", str(video), "--rate", "2", "-o", str(video.with_name("a.mp4"))]
    assert words in refused([*command, *more], capsys)
    assert names(video.parent) == {"walk.mp4"}


def test_codec_and_quality_reach_the_encoder(video: Path, curve_file: Path, no_network: None) -> None:
    sizes, codecs = [], []
    for more in ([], ["--codec", "h264-gpu:40"], ["--codec", "h265"]):
        command = ["speedup", str(video), "--rate", "2", "-o", str(video.with_name("a.mp4")), "--force"]
        assert main([*command, "--audio", "none", "--from", str(curve_file), *more]) == 0
        sizes.append(video.with_name("a.mp4").stat().st_size)
        codecs.append(VideoReader(video.with_name("a.mp4")).info.codec)
    assert sizes[0] > 1.2 * sizes[1]
    assert codecs == ["h264", "h264", "hevc"]


def test_the_rendering_is_the_librarys_unless_told() -> None:
    assert RenderingOptions().rendering(force=False) == Rendering()


@pytest.mark.parametrize("content", [None, b"", b"no film"])
def test_what_is_no_video_is_refused(
    video: Path, no_network: None, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = video.with_name("bad.mp4")
    if content is not None:
        bad.write_bytes(content)
    before = names(video.parent)
    assert "bad.mp4" in refused(
        ["speedup", str(bad), "--rate", "2", "-o", str(video.with_name("a.mp4"))], capsys
    )
    assert names(video.parent) == before


def test_a_curve_of_another_video_is_refused(
    video: Path, curve_file: Path, tmp_path: Path, no_network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    longer = write_video(tmp_path / "longer.mp4", steady(100))
    command = ["speedup", str(longer), "--rate", "2", "-o", str(tmp_path / "a.mp4"), "--from"]
    assert "leave --from out" in refused([*command, str(curve_file)], capsys)
    damaged = tmp_path / "damaged.json"
    damaged.write_text(curve_file.read_text()[:-50])
    assert "damaged.json" in refused([*command, str(damaged)], capsys)
    assert "missing.json" in refused([*command, str(tmp_path / "missing.json")], capsys)
    assert not list(tmp_path.glob("a.*"))


def test_a_curve_of_a_video_that_is_cut_short_is_taken(
    curve_file: Path, tmp_path: Path, no_network: None
) -> None:
    whole = write_video(tmp_path / "whole.mkv", steady(100))
    cut_short = tmp_path / "cut short.mkv"
    cut_short.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    reader = VideoReader(cut_short)
    frames = len(list(reader.decoded()))
    assert reader.warnings and frames < 80
    by_hand = SpeedinessCurve.load(curve_file)
    curve = replace(
        by_hand,
        times_s=np.arange(frames) / 25,
        duration_s=float(reader.end_s),
        normal=np.resize(by_hand.normal, (len(by_hand.factors), frames)),
        motion=np.ones(frames, np.float32),
        segments=(),
        notes=tuple(reader.warnings),
        made_by={"container_duration_s": float(reader.info.duration_s or 0)},  # as analyse records it
    )
    curve.save(curve_file)
    command = [
        "speedup",
        str(cut_short),
        "--rate",
        "2",
        "-o",
        str(tmp_path / "a.mp4"),
        "--from",
        str(curve_file),
    ]
    assert main(command) == 0
    assert (tmp_path / "a.mp4").exists()


def test_force_replaces_the_video(video: Path, curve_file: Path, no_network: None) -> None:
    out = video.with_name("fast.mp4")
    shutil.copy(video, out)
    before = out.read_bytes()
    command = ["speedup", str(video), "--rate", "2", "-o", str(out), "--from", str(curve_file)]
    assert main([*command, "--force", "--audio", "none"]) == 0
    assert out.read_bytes() != before and not VideoReader(out).info.has_audio


def test_ctrl_c_while_rendering_leaves_no_video(
    video: Path, curve_file: Path, stopped_by_user: None, capsys: pytest.CaptureFixture[str]
) -> None:
    out = video.with_name("fast.mp4")
    assert main(["speedup", str(video), "--rate", "2", "-o", str(out), "--from", str(curve_file)]) == 130
    assert len(complaints(capsys.readouterr().err)) == 1
    assert names(video.parent) == {"walk.mp4", "fast.plan.json", "fast.plan.png"}


def test_timelines_are_written_instead_of_a_video_or_beside_it(
    video: Path, curve_file: Path, no_network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    edl, otio = (video.with_name(f"cut.{ending}") for ending in ("edl", "otio"))
    command = ["speedup", str(video), "--rate", "1.5", "--from", str(curve_file), "--json"]
    command += ["-o", str(edl), "-o", str(otio)]
    assert main(command) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["timelines"] == [str(edl), str(otio)]
    assert "film" not in document["outputs"] and "frames" not in document
    assert names(video.parent) == {"walk.mp4", "cut.edl", "cut.otio", "cut.plan.json", "cut.plan.png"}
    assert main([*command, "-o", str(video.with_name("cut.mp4")), "--force"]) == 0
    frames = json.loads(capsys.readouterr().out)["frames"]
    clips = json.loads(otio.read_text())["tracks"]["children"][0]["children"]
    assert sum(clip["source_range"]["duration"]["value"] for clip in clips) == frames == 40


def test_what_cannot_be_exported_is_refused_before_the_work(
    video: Path, no_network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def words(name: str, *more: str) -> str:
        export = str(video.parent / name)
        return refused(["speedup", str(video), "--rate", "2", "-o", export, *more], capsys)

    assert ".fcpxml, .xml, .mlt, .otio, .edl, .csv" in words("a.prproj")
    assert "does not exist" in words("missing/a.edl")
    video.with_name("mine.edl").write_text("mine")
    assert "--force" in words("mine.edl")
    assert names(video.parent) == {"walk.mp4", "mine.edl"}


def test_a_duration_is_a_rate(
    video: Path, curve_file: Path, no_network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["speedup", str(video), "-o", str(video.with_name("a.csv")), "--from", str(curve_file)]
    assert main([*command, "--duration", "1.25", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rate"] == pytest.approx(2.4 / 1.25)
    assert document["output_duration_s"] == pytest.approx(1.25)


def test_a_duration_may_be_a_clock(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speedup", str(video), "--duration", "0:01.25", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["output_duration_s"] == pytest.approx(1.25)
    assert "give seconds such as" in refused(["speedup", video, "--duration=-1"], capsys)


def test_nothing_is_said_of_a_video_too_short_for_the_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["speedup", str(write_video(tmp_path / "second.mp4", steady(25))), "--rate", "2"]) == 0
    out = capsys.readouterr().out
    assert "its speed is not known" in out and "looks too fast" not in out


@pytest.mark.parametrize("seconds", ["0.1", "0:03", "0"])
def test_a_duration_out_of_reach_is_refused_with_the_range(
    video: Path, no_network: None, seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    err = refused(
        ["speedup", str(video), f"--duration={seconds}", "-o", str(video.with_name("a.mp4"))], capsys
    )
    assert "from 0.24 to 2.40 s" in err and names(video.parent) == {"walk.mp4"}


def test_a_varying_frame_rate_is_said_to_be_placed_by_time(
    curve_file: Path, tmp_path: Path, no_network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    times_s = uneven(45, seed=2)
    video = write_video(tmp_path / "uneven.mp4", times_s)
    by_hand = SpeedinessCurve.load(curve_file)
    replace(
        by_hand,
        times_s=np.array([float(time_s) for time_s in times_s[:-1]]),
        duration_s=float(times_s[-1]),
        normal=np.resize(by_hand.normal, (len(by_hand.factors), 45)),
        motion=np.ones(45, np.float32),
        segments=(),
    ).save(curve_file)
    command = ["speedup", str(video), "--rate", "2", "--from", str(curve_file), "-o"]
    assert main([*command, str(tmp_path / "a.csv")]) == 0
    assert "place moments by time" in capsys.readouterr().out
    end = (tmp_path / "a.csv").read_text().splitlines()[-1].split(",")
    assert float(end[2]) == pytest.approx(float(times_s[-1]), abs=1e-4)
