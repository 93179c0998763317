import re
import shlex
from pathlib import Path

import pytest

from speediness.cli.main import main
from speediness.timeline.export import FORMATS

PAGE = (Path(__file__).parents[2] / "docs/timelines.md").read_text()
EXAMPLES = re.findall(r"^speediness (speedup .*)$", PAGE, re.MULTILINE)


def test_every_format_has_a_row_and_an_example() -> None:
    assert re.findall(r"^\| `(\.\w+)`", PAGE, re.MULTILINE) == list(FORMATS)
    assert [Path(words[words.index("-o") + 1]).suffix for words in map(shlex.split, EXAMPLES)] == list(
        FORMATS
    )


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_work(
    example: str, video: Path, curve_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As printed; but for the curve, which is given so that nothing is analysed."""
    video.rename(video.with_name("video.mp4"))
    monkeypatch.chdir(video.parent)
    words = shlex.split(example)
    assert main([*words, "--from", str(curve_file)]) == 0
    assert Path(words[words.index("-o") + 1]).stat().st_size > 100
