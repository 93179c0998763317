import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from speediness.models.trajectory_classifier import FisherEncoder, fisher_vector


def test_a_fisher_vector_is_the_gradient_of_the_likelihood() -> None:
    """By autograd, times deviation over the root of the weight (of twice the weight for deviations)."""
    torch.manual_seed(0)
    values = torch.randn(7, 3, dtype=torch.float64)
    weight = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    mean = torch.randn(3, 3, dtype=torch.float64, requires_grad=True)
    deviation = torch.rand(3, 3, dtype=torch.float64).add(0.5).requires_grad_()
    parts = Independent(Normal(mean, deviation), 1)
    mixture = MixtureSameFamily(Categorical(weight), parts)
    by_mean, by_deviation = torch.autograd.grad(mixture.log_prob(values).mean(), (mean, deviation))
    joint = parts.log_prob(values[:, None]) + weight.log()
    expected = torch.cat(
        [
            (by_mean * deviation / weight.sqrt()[:, None]).flatten(),
            (by_deviation * deviation / (2 * weight).sqrt()[:, None]).flatten(),
        ]
    )
    arrays = (values, joint.softmax(1), weight, mean, deviation**2)
    found = fisher_vector(*(array.detach().numpy() for array in arrays))
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-9)


def test_an_encoded_set_has_norm_one_and_forgets_the_order() -> None:
    rng = np.random.default_rng(0)
    sets = [rng.normal(size=(40, 6)).astype(np.float32) for _ in range(3)]
    encoder = FisherEncoder(gaussians=4).fit(sets)
    vector = encoder.encode(sets[0])
    assert vector.shape == (2 * 4 * 3,) and np.linalg.norm(vector) == pytest.approx(1)
    np.testing.assert_allclose(encoder.encode(sets[0][::-1]), vector, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(np.repeat(sets[0], 2, 0)), vector, atol=1e-6)
    assert not encoder.encode(sets[0][:0]).any()


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(ValueError, match="two tracks"):
        FisherEncoder().fit([np.zeros((0, 4), np.float32), np.zeros((1, 4), np.float32)])
