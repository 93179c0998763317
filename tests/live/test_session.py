"""With mpv itself, where it is installed."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from speediness.cli.main import main
from speediness.live.mpv import Mpv
from speediness.live.session import Session
from speediness.results.curve import SpeedinessCurve
from speediness.speedup.solver import plan_speedup
from synthetic import steady, tone, write_video

needs_mpv = pytest.mark.skipif(shutil.which("mpv") is None, reason="mpv is not installed")
PAGE = (Path(__file__).parents[2] / "docs/timelines.md").read_text()
EXAMPLES = re.findall(r"^speediness (play .*)$", PAGE, re.MULTILINE)
UNSEEN = ["--no-config", "--vo=null", "--ao=null"]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("live") / "video.mp4"
    return write_video(path, steady(500, 25), sound_CN=tone(20))


@needs_mpv
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_work(
    example: str,
    video: Path,
    curve: SpeedinessCurve,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As printed; but for the curve, which is given so that nothing is analysed, and the window."""
    monkeypatch.chdir(video.parent)
    curve.save(Path("curve.json"))
    words, _, options = example.partition(" -- ")
    unseen = [*shlex.split(options), *UNSEEN, "--length=3"]
    assert main([*shlex.split(words), "--from", "curve.json", "--", *unseen]) == 0
    assert "off the plan by" in capsys.readouterr().out


def test_without_mpv_one_line_says_so(
    video: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["play", str(video)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


class Recorded(Mpv):
    """mpv, and all that it is told; a key is pressed at a moment of the video."""

    told: ClassVar[list[tuple[Any, ...]]] = []
    keys: ClassVar[dict[float, str]] = {}

    def command(self, *words: Any, **named: Any) -> None:
        self.told.append(words)
        super().command(*words, **named)

    def events(self) -> Any:
        for event in super().events():
            yield event
            if event.get("name") == "time-pos" and self.keys:
                at_s = min(self.keys)
                if (event.get("data") or 0) >= at_s:
                    self.command("keypress", self.keys.pop(at_s))


@needs_mpv
def test_keys_change_the_plan(video: Path, curve: SpeedinessCurve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speediness.live.session.Mpv", Recorded)
    Recorded.told, Recorded.keys = [], {4.0: "u", 8.0: "]", 12.0: "o", 15.0: "a", 18.0: "q"}
    rates: list[float] = []

    def replan(rate: float) -> Any:
        rates.append(rate)
        return plan_speedup(curve, rate)

    session = Session(curve, replan, 3.0, 0.0)
    session.play(video, UNSEEN)
    assert rates == [3.0, 3.25] and not Recorded.keys
    speeds = np.array([words[2] for words in Recorded.told if words[:2] == ("set_property", "speed")])
    plan = plan_speedup(curve, 3.0)
    assert plan.factor.max() * 1.3 > speeds.max() > plan.factor[:40].mean()
    # At the original speed, give or take what a busy machine has to make up for; the plan is faster.
    assert speeds.min() < 1.3 < plan.factor.min()
    assert session.drifts_s
