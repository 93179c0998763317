from pathlib import Path

import pytest
from matplotlib.image import imread

from speediness.errors import OutputError
from speediness.evaluation.audit.plot import plot_audit
from speediness.evaluation.audit.report import FLIPPED, HIGHEST, KEPT, MOVE, Audit, Measure, Row


def audited(*moves: float) -> Audit:
    rows = tuple(
        Row(
            f"change {i}",
            "why",
            3,
            (
                Measure(MOVE, move, 0.1),
                Measure(FLIPPED, move, 0.2),
                Measure(KEPT, 1 - move, 0.9, at_least=True),
            ),
        )
        for i, move in enumerate(moves)
    )
    still = Row("still", "why", 3, (Measure(HIGHEST, 0.2, 0.6),))
    absent = Row("absent", "why", 0, not_applicable="no encoder")
    return Audit("a $strange$ name", "0", ("f",) * 3, {}, 12, 0.25, 1.0, (*rows, still, absent))


def share_of_orange(path: Path) -> float:
    """How much of the plot has the colour of failure."""
    red, green, blue = imread(path)[..., :3].transpose(2, 0, 1)
    return float(((red > 0.75) & (green < 0.5) & (blue < 0.2)).mean())


def test_failures_stand_out_and_rows_make_the_plot_taller(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    plot_audit(audited(0.01, 0.05), good)
    plot_audit(audited(0.01, 0.05, 0.3, 0.4), bad)
    assert share_of_orange(good) == 0 and share_of_orange(bad) > 1e-4
    assert imread(bad).shape[0] > imread(good).shape[0]
    assert sorted(tmp_path.iterdir()) == [bad, good]


def test_a_folder_that_is_not_there_is_a_plain_complaint(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        plot_audit(audited(0.01), tmp_path / "missing" / "audit.png")
