import numpy as np
import pytest
import torch

from speediness.models.backbones.efficientnet import FEATURES
from speediness.models.backbones.motion_net import SCENE_CHANNELS
from speediness.models.backbones.stems import RGB_MEAN, RGB_STD
from speediness.models.scene import SceneNet, features, trunk


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """Features whose principal directions differ in variance, around a mean that is not zero."""
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(FEATURES, 48)))[0]
    scales = 1.2 ** -np.arange(48)
    drawn = rng.normal(size=(2000, 48)) * scales @ directions.T + rng.uniform(0, 3, FEATURES)
    return drawn.astype(np.float32)


@pytest.fixture(scope="module")
def fitted(samples: np.ndarray) -> SceneNet:
    scene = SceneNet()
    scene.fit(samples)
    return scene


def project(scene: SceneNet, samples: np.ndarray) -> np.ndarray:
    """(M, K) the components of samples, one place each."""
    return scene.project(torch.from_numpy(samples)[:, :, None, None])[:, :, 0, 0].numpy()


def test_components_have_mean_0_and_variance_1_and_are_uncorrelated(
    fitted: SceneNet, samples: np.ndarray
) -> None:
    told = project(fitted, samples)
    assert told.shape == (2000, SCENE_CHANNELS)
    np.testing.assert_allclose(told.mean(0), 0, atol=2e-3)
    np.testing.assert_allclose(told.T @ told / len(told), np.eye(SCENE_CHANNELS), atol=5e-3)


def test_components_are_those_of_a_singular_value_decomposition_up_to_sign(
    fitted: SceneNet, samples: np.ndarray
) -> None:
    centred = samples.astype(np.float64) - samples.mean(0, dtype=np.float64)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    variances = lengths**2 / len(samples)
    expected = centred @ directions[:SCENE_CHANNELS].T / np.sqrt(variances[:SCENE_CHANNELS])
    told = project(fitted, samples)
    same = (told * expected).mean(0)
    np.testing.assert_allclose(np.abs(same), 1, atol=5e-3)
    np.testing.assert_allclose(told * np.sign(same), expected, atol=0.02)


def test_places_are_projected_one_by_one(fitted: SceneNet, samples: np.ndarray) -> None:
    maps = torch.from_numpy(samples[:24]).reshape(2, 3, 4, FEATURES).permute(0, 3, 1, 2)
    told = fitted.project(maps)
    assert told.shape == (2, SCENE_CHANNELS, 3, 4)
    expected = project(fitted, samples[:24]).reshape(2, 3, 4, SCENE_CHANNELS)
    np.testing.assert_allclose(told.permute(0, 2, 3, 1), expected, atol=1e-4)


def test_fewer_samples_than_components_leave_the_rest_finite(samples: np.ndarray) -> None:
    scene = SceneNet()
    scene.fit(samples[:5])
    told = project(scene, samples[:5])
    assert np.isfinite(told).all()
    np.testing.assert_allclose((told**2).mean(0)[:4], 1, atol=5e-3)


def test_frames_are_normalised_and_seen_by_the_imagenet_network(fitted: SceneNet) -> None:
    frames = torch.randint(
        0, 256, (2, 64, 96, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    by_hand = (frames.double() / 255 - torch.tensor(RGB_MEAN).double()) / torch.tensor(RGB_STD).double()
    with torch.inference_mode():
        maps = features(trunk(), frames)
        assert maps.shape == (2, FEATURES, 2, 3)
        torch.testing.assert_close(maps, trunk()(by_hand.permute(0, 3, 1, 2).float()), atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(fitted(frames), fitted.project(maps))
    assert not trunk().training and not any(p.requires_grad for p in trunk().parameters())


def test_only_the_projection_travels_with_a_network() -> None:
    scene = SceneNet()
    assert scene.state_dict().keys() == {"weight", "bias"} and not list(scene.parameters())
