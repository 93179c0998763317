from fractions import Fraction

import pytest

from speediness.clip import ClipSpec


def test_sixteen_frames_at_sixteen_a_second_show_one_second_of_the_world() -> None:
    assert ClipSpec().duration_s == 1.0


def test_a_specification_survives_json_exactly() -> None:
    spec = ClipSpec(64, Fraction(30000, 1001), 224, 3)
    assert ClipSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(("size_px", "unit_px"), [(32, 32), (64, 32), (224, 32), (112, 16), (48, 16)])
def test_frames_are_cut_by_32_unless_the_size_itself_asks_for_16(size_px: int, unit_px: int) -> None:
    assert ClipSpec(size_px=size_px).unit_px == unit_px


@pytest.mark.parametrize(
    "bad",
    [
        {"n_frames": 1},
        {"size_px": 100},
        {"size_px": 16},
        {"size_px": 0},
        {"channels": 2},
        {"frame_rate": Fraction(0)},
    ],
)
def test_what_no_network_can_look_at_is_refused(bad: dict) -> None:
    with pytest.raises(ValueError):
        ClipSpec(**bad)
