import shlex
from pathlib import Path

import pytest

from command_line import examples, refused, written_by
from full_video import write_full_video
from speediness.cli.main import main
from synthetic import tone


@pytest.mark.parametrize("example", examples("tracks.md"))
def test_the_examples_work(
    example: str,
    curve_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As printed; but for the curve, which is given so that nothing is analysed."""
    write_full_video(tmp_path / "video.mkv", 2, sounds_CN=[tone(2), tone(2)])
    (tmp_path / "video.en.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    monkeypatch.chdir(tmp_path)
    words = shlex.split(example)
    assert main([*words, "--from", str(curve_file)]) == 0
    out = written_by(words)
    assert out.stat().st_size > 1000
    start, _, end = Path("fast.en.srt").read_text().splitlines()[1].split()
    assert "00:00:00,100" < start < end < "00:00:01,700"
    printed = capsys.readouterr().out
    assert ("left out" in printed) == (out.suffix == ".mov")  # the language deu
    assert "subtitle fast.en.srt" in printed


def test_subtitles_are_not_replaced_unasked(
    video: Path, curve_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video.with_suffix(".srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    mine = video.with_name("fast.srt")
    mine.write_text("mine")
    command = ["speedup", video, "--rate", 2, "-o", video.with_name("fast.mp4"), "--from", curve_file]
    assert "fast.srt exists already" in refused(command, capsys)
    assert mine.read_text() == "mine" and not video.with_name("fast.mp4").exists()
