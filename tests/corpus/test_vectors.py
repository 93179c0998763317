import numpy as np
import pytest

from speediness.corpus.vectors import query_vectors, unit_vectors, window_middles_s, window_spans_s
from speediness.results.features import MotionFeatures


@pytest.fixture
def features() -> MotionFeatures:
    """Ten seconds in shots of 5, 1 and 4 s; the second shows nothing."""
    times_s = np.arange(160) / 16 + 1 / 32
    vectors = np.random.default_rng(0).random((160, 6))
    vectors[(times_s > 5) & (times_s < 6)] = 0
    motion = np.ones(160, np.float32)
    return MotionFeatures(times_s, vectors.astype(np.float16), motion, (0.0, 5.0, 6.0), 10.0)


def test_windows_lie_inside_shots_half_a_second_apart(features: MotionFeatures) -> None:
    middles_s = window_middles_s(features)
    assert middles_s.tolist() == [1, 1.5, 2, 2.5, 3, 3.5, 4, 5.5, 7, 7.5, 8, 8.5, 9]
    spans_s = window_spans_s(features, middles_s)
    assert spans_s[0].tolist() == [0, 2] and spans_s[7].tolist() == [5, 6] and spans_s[8].tolist() == [6, 8]


def test_vectors_have_length_one_or_none(features: MotionFeatures) -> None:
    vectors_MD = unit_vectors(features, window_middles_s(features))
    lengths = np.linalg.norm(vectors_MD, axis=1)
    assert lengths[7] == 0 and np.delete(lengths, 7) == pytest.approx(1) and vectors_MD.dtype == np.float32
    mean_D = features.vectors[:32].astype(np.float64).mean(0)
    assert vectors_MD[0] == pytest.approx(mean_D / np.linalg.norm(mean_D), abs=1e-6)
    assert len(unit_vectors(features)) == 160


def test_a_query_is_the_windows_of_a_stretch(features: MotionFeatures) -> None:
    whole = unit_vectors(features, window_middles_s(features))
    assert np.array_equal(query_vectors(features, 0.5, 3.2), whole[1:3])
    assert query_vectors(features, 3.0, 3.6).shape == (1, 6)
