import json
import shlex
from pathlib import Path

import pytest

from command_line import examples, refused, written_by
from speediness.cli.main import main
from speediness.results.curve import SpeedinessCurve
from speediness.video.reader import VideoReader

EXAMPLES = examples("restore.md", "restore")
LENGTHS_S = (0.6 + 1.2, 0.3 + 1.2, 0.5 + 2.8)
"""Of the video that is 0.5 for 1.2 s, then natural for 1.2 s, under each example."""


@pytest.mark.parametrize(("example", "length_s"), list(zip(EXAMPLES, LENGTHS_S, strict=True)))
def test_the_examples_work(
    example: str,
    length_s: float,
    video: Path,
    curve_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As printed; but for the curve of the source, which is given."""
    video.rename(video.with_name("video.mp4"))
    monkeypatch.chdir(video.parent)
    words = shlex.split(example)
    assert main([*words, "--from", str(curve_file)]) == 0
    printed = capsys.readouterr().out
    assert "played at" in printed and "natural to the network" in printed
    reader = VideoReader(written_by(words))
    assert len(list(reader.decoded())) == round(length_s * 25)
    assert SpeedinessCurve.load(Path("natural.restored.json")).duration_s == pytest.approx(
        length_s, abs=0.05
    )
    assert Path("natural.restored.png").stat().st_size > 5000


def test_json_and_refusals(video: Path, curve_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(video.with_name("out.mp4"))
    command = ["restore", str(video), "-o", out, "--from", str(curve_file)]
    for more, words in ((["--factor", "1-2"], "start-end=factor"), (["--factor", "3-4=2"], "lasts 2.4 s")):
        assert words in refused([*command, *more], capsys)
    assert main([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "speediness.restore/1"
    assert [(s["start_s"], s["end_s"], s["factor"], s["why"]) for s in document["stretches"]] == [
        (0, 1.2, 0.5, "slow_motion"),
        (1.2, 2.4, 1, "natural"),
    ]
    assert "--force" in refused(command, capsys)
