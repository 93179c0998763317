import re
import shlex
from pathlib import Path

import pytest

from command_line import DOCS, examples, written_by
from speediness.cli.main import main
from speediness.timeline.export import FORMATS

EXAMPLES = examples("timelines.md")


def test_every_format_has_a_row_and_an_example() -> None:
    page = (DOCS / "timelines.md").read_text()
    assert re.findall(r"^\| `(\.\w+)`", page, re.MULTILINE) == list(FORMATS)
    assert [written_by(shlex.split(example)).suffix for example in EXAMPLES] == list(FORMATS)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_work(
    example: str, video: Path, curve_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As printed; but for the curve, which is given so that nothing is analysed."""
    video.rename(video.with_name("video.mp4"))
    monkeypatch.chdir(video.parent)
    words = shlex.split(example)
    assert main([*words, "--from", str(curve_file)]) == 0
    assert written_by(words).stat().st_size > 100
