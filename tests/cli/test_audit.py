import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from command_line import refused
from speediness.cli.main import main
from speediness.evaluation.audit import audit as audit_module
from speediness.evaluation.audit import audit as audit_runner
from speediness.evaluation.audit.report import KEPT, MOVE, Audit, Measure, Row
from synthetic import steady, write_video

GOOD = Row("mirrored", "left and right move alike", 2, (Measure(MOVE, 0.01, 0.1),))
BAD = Row("blur", "out of focus is not slow", 2, (Measure(KEPT, 0.5, 0.9, at_least=True),))
ABSENT = Row("H.265", "blocks are not motion", 0, not_applicable="this FFmpeg has no libx265")
AUDIT = Audit("net", "0", ("f",), {"b.mp4": "no video"}, 4, 0.2, 1.0, (GOOD, ABSENT))


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Audit]:
    """What the audit is to find, for tests of what is made of it."""
    result = [AUDIT]

    def audit(*arguments: Any, **options: Any) -> Audit:
        return result[0]

    monkeypatch.setattr(audit_module, "audit", audit)
    return result


@pytest.mark.slow
def test_a_real_audit_of_the_shipped_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit_module, "FAST_WALKERS", 1)
    monkeypatch.setattr(audit_runner, "VIDEO_S", 4.5)
    monkeypatch.setattr(audit_runner, "WALKER_PX", (112, 64))
    video = write_video(tmp_path / "square.mp4", steady(5 * 25))
    frame = tmp_path / "audit.png"
    code = main(
        ["audit", "speednet-small", "--data", str(tmp_path), "--films", "1", "-o", str(frame), "--json"]
    )
    document = json.loads(capsys.readouterr().out)
    assert document["network"] == "speednet-small" and document["films"] == [video.name]
    assert code == (0 if document["passed"] else 1)
    assert len(document["rows"]) == 28 and all(row["measures"] for row in document["rows"])
    assert frame.stat().st_size > 10_000


def test_every_row_passes(found: list[Audit], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "speednet-small"]) == 0
    printed = capsys.readouterr().out
    assert "every row passes" in printed and "n/a" in printed and "no libx265" in printed
    assert "left out: b.mp4: no video" in printed


def test_a_row_that_fails_shows_and_decides_the_exit_code(
    found: list[Audit], capsys: pytest.CaptureFixture[str]
) -> None:
    found[0] = replace(AUDIT, rows=(GOOD, BAD))
    assert main(["audit", "speednet-small"]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "FAIL blur ! 2x still above 1x 50% ≥ 90% out of focus" in printed
    assert "pass mirrored mean move of P 0.010 ≤ 0.100" in printed and "1 of 2 rows fail" in printed


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "requires an argument"),
        (["no-such-network"], "no network named no-such-network"),
        (["speednet-small", "--data", "nowhere"], "nowhere does not exist"),
        (["speednet-small", "--films", "3"], "--films says how many videos of --data"),
        (["speednet-small", "--data", ".", "--films", "0"], "at least 1"),
        (["speednet-small", "-o", "film.mp4"], "a name that ends in .png"),
        (["speednet-small", "-o", "nowhere/audit.png"], "does not exist; make it first"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(
    arguments: list[str],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert complaint in refused(["audit", *arguments], capsys)


def test_the_base_install_is_enough() -> None:
    block = "import sys; sys.modules.update(dict.fromkeys(['torch', 'cv2', 'scipy', 'onnx']))"
    needed = (
        "speediness.evaluation.audit.audit, speediness.evaluation.audit.plot, speediness.experiments.fig2"
    )
    subprocess.run([sys.executable, "-c", f"{block}; import {needed}, speediness.datasets"], check=True)
