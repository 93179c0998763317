import pytest

from speediness.errors import PlanError
from speediness.speedup.stretches import Span, parse_factor, parse_limit


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
def test_stretches_are_read(text: str, span: Span) -> None:
    assert parse_factor(f"{text}=0.25") == (span, 0.25)
    assert parse_limit(f"{text}=1.5") == (span, 1.5)


def test_limits_hold_anywhere_or_in_speech() -> None:
    assert parse_limit("2.5") == (None, 2.5)
    assert parse_limit("speech=1") == ("speech", 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no limit"),
        ("nan", "no limit"),
        ("-2", "no limit"),
        ("speach=2", "no limit"),
        ("5-6", "no limit"),
        ("5-4=2", "no stretch"),
        ("0.5", "give 1 or more"),
        ("speech=0.9", "give 1 or more"),
        ("1-2=0.9", "give 1 or more"),
    ],
)
def test_what_is_no_limit_is_refused(text: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        parse_limit(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5-=1",
        "4-4=1",
        "a-b=1",
        "-1-2=1",
        "1-2-3=1",
        "1-2",
        "1-2=",
        "1-2=0",
        "1-2=-1",
        "2-1=3",
        "1-2=x",
    ],
)
def test_what_is_no_factor_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="is no stretch with a factor"):
        parse_factor(text)
