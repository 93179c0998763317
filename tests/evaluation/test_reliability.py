from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from speediness.evaluation.reliability import (
    DRAWS,
    FLOW_COLOUR,
    MOST_SOURCES,
    NETWORK_COLOUR,
    plot_reliability,
    reliability,
)


def windows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Predictions that are too bold, from sources of unequal size."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n)
    bold = np.clip(0.5 + 1.4 * (truth - 0.5), 0, 1)
    return bold, rng.random(n) < truth, [f"s{k}" for k in rng.geometric(0.25, n)]


def by_hand(probability: np.ndarray, sped_up: np.ndarray, source: list[str], bins: int) -> dict:
    """Window by window, and every resample as a list of its windows."""

    def error_and_shares(chosen: list[int]) -> tuple[float, list[float]]:
        error, shares = 0.0, []
        for n in range(bins):
            inside = [w for w in chosen if n / bins <= probability[w] < (n + 1) / bins or
                      (n == bins - 1 and probability[w] == 1)]  # fmt: skip
            if not inside:
                shares.append(float("nan"))
                continue
            share, mean = np.mean(sped_up[inside]), np.mean(probability[inside])
            shares.append(float(share))
            error += len(inside) / len(chosen) * float(abs(share - mean))
        return error, shares

    everything = list(range(len(probability)))
    error, shares = error_and_shares(everything)
    names = sorted(set(source))
    of = {name: [w for w in everything if source[w] == name] for name in names}
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(DRAWS):
        chosen = [w for k in rng.integers(len(names), size=len(names)) for w in of[names[k]]]
        drawn.append(error_and_shares(chosen))
    errors, rows = np.array([e for e, _ in drawn]), np.array([s for _, s in drawn])
    return {
        "error": error,
        "shares": shares,
        "error_interval": np.quantile(errors, (0.025, 0.975)),
        "intervals": np.nanquantile(rows, (0.025, 0.975), axis=0).T,
    }


@pytest.mark.parametrize("bins", [5, 10])
def test_bins_errors_and_intervals_equal_the_slow_way(bins: int) -> None:
    probability, sped_up, source = windows(600, seed=bins)
    found = reliability(probability, sped_up, source, bins)
    expected = by_hand(probability, sped_up, source, bins)
    assert found["expected_calibration_error"] == pytest.approx(expected["error"])
    assert found["error_interval_95"] == pytest.approx(tuple(expected["error_interval"]), abs=0.02)
    assert sum(b["windows"] for b in found["bins"]) == 600
    for b, share, interval in zip(found["bins"], expected["shares"], expected["intervals"], strict=True):
        assert b["observed"] == pytest.approx(share)
        assert b["low"] <= b["predicted"] <= b["high"]
        # Two bootstraps with different random numbers.
        assert b["interval_95"] == pytest.approx(tuple(interval), abs=0.08)


def test_empty_bins_are_left_out_and_a_single_source_proves_nothing() -> None:
    found = reliability([0.05, 0.95, 1.0, 0.97], [False, True, True, False], ["a", "a", "b", "b"])
    assert [(b["low"], b["windows"]) for b in found["bins"]] == [(0.0, 1), (0.9, 3)]
    assert found["bins"][0]["interval_95"] == (0.0, 1.0)
    assert found["bins"][1]["observed"] == pytest.approx(2 / 3)
    assert found["bins"][1]["interval_95"] == pytest.approx((0.5, 1.0))
    assert found["expected_calibration_error"] == pytest.approx((0.05 + abs(2 - 2.92)) / 4)


def test_a_prophet_has_no_calibration_error() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(40_000)
    found = reliability(truth, rng.random(40_000) < truth, [f"s{w % 50}" for w in range(40_000)])
    assert found["expected_calibration_error"] < 0.01
    assert all(
        b["interval_95"][0] - 0.02 <= b["predicted"] <= b["interval_95"][1] + 0.02 for b in found["bins"]
    )


@pytest.mark.parametrize("n_sources", [1, 4 * MOST_SOURCES])
def test_any_number_of_sources_can_be_drawn(tmp_path: Path, n_sources: int) -> None:
    probability, sped_up, _ = windows(400, seed=0)
    names = [f"a $trange_{n} name" + "x" * n for n in range(n_sources)]
    figures = {"films": 2, "accuracy": 0.6, "mean_flow": 0.55}
    report = {
        "network": "net",
        "films": 2 * n_sources,
        "windows": 400,
        "accuracy": 0.6,
        "mean_flow": 0.55,
        "per_source": dict.fromkeys(names, figures),
        "reliability": reliability(probability, sped_up, [names[w % n_sources] for w in range(400)]),
    }
    plot_reliability(report, tmp_path / "a.png")
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).reshape(-1, 3)
    for colour in (NETWORK_COLOUR, FLOW_COLOUR):
        assert (pixels == tuple(bytes.fromhex(colour[1:]))).all(1).sum() > 50
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
