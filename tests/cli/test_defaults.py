import json
import re
from pathlib import Path

import pytest

from speediness.cli.main import main

(PRINTED,) = re.findall(
    r"```toml\n(.*?)```", (Path(__file__).parents[2] / "docs/cli.md").read_text(), re.DOTALL
)


@pytest.fixture
def here(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a video, and a folder for settings that is not the developer's."""
    for name in ("XDG_CONFIG_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "settings"))
    monkeypatch.chdir(video.parent)
    return video.parent


def planned(capsys: pytest.CaptureFixture[str], curve_file: Path, *more: str) -> dict[str, float]:
    assert main(["speedup", "walk.mp4", "--from", str(curve_file), "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_line_counts_more_than_here_and_here_more_than_the_users(
    here: Path, tmp_path: Path, curve_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = tmp_path / "settings/speediness/speediness.toml"
    users.parent.mkdir(parents=True)
    users.write_text('[speedup]\nrate = 3\nlimit = ["3.5"]\n')
    assert planned(capsys, curve_file)["rate"] == 3
    (here / "speediness.toml").write_text("[speedup]\nrate = 1.5\n")
    assert planned(capsys, curve_file)["rate"] == 1.5
    assert planned(capsys, curve_file, "--rate", "1.25")["rate"] == 1.25
    by_duration = planned(capsys, curve_file, "--duration", "1.0")
    assert by_duration["rate"] == pytest.approx(2.4) and by_duration["fastest"] <= 3.5


def test_the_printed_file_is_taken(
    here: Path, curve_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "speediness.toml").write_text(PRINTED)
    assert planned(capsys, curve_file, "--rate", "3")["fastest"] <= 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[speedup]\nrates = 2\n", "--rate?"),
        ("[speedpu]\nrate = 2\n", "did you mean speedup?"),
        ("[speedup]\nrate = 'fast'\n", "fast"),
        ("rate = 2\n", "no verb"),
        ("speedup = 2\n", "mapping"),
        ("[speedup\n", "cannot be read"),
    ],
)
def test_what_is_no_default_is_refused_in_one_line(
    text: str, words: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "speediness.toml").write_text(text)
    assert main(["speedup", "walk.mp4"]) == 2
    error = capsys.readouterr().err
    assert words in error and "speediness.toml" in error and error.count("\n") == 1


def test_verbose_says_which_files_and_quiet_says_nothing(
    here: Path, curve_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPEEDINESS_DEBUG", "0")
    command = ["restore", "walk.mp4", "-o", "out.mp4", "--from", str(curve_file), "--quiet"]
    assert main(command) == 0
    assert capsys.readouterr() == ("", "")
    assert main([*command, "--force", "--verbose"]) == 0
    assert str(here / "speediness.toml") in capsys.readouterr().err
