import pytest

from speediness.errors import PlanError
from speediness.speedup.stretches import parse_factor, parse_span


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("12.5-14", (12.5, 14)),
        ("0-0.25", (0, 0.25)),
        ("1:05-2:10.5", (65, 130.5)),
        ("59-1:00", (59, 60)),
        ("1:00:00-1:00:01", (3600, 3601)),
    ],
)
def test_stretches_are_read(text: str, span: tuple[float, float]) -> None:
    assert parse_span(text) == span
    assert parse_factor(f"{text}=0.25") == (span, 0.25)


@pytest.mark.parametrize("text", ["", "5", "5-", "5-4", "4-4", "a-b", "-1-2", "1-2=3", "1-2-3"])
def test_what_is_no_stretch_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="is no stretch"):
        parse_span(text)


@pytest.mark.parametrize("text", ["1-2", "1-2=", "1-2=0", "1-2=-1", "2-1=3", "1-2=x", "1-2=."])
def test_what_is_no_factor_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="is no stretch with a factor"):
        parse_factor(text)
