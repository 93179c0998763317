"""Settings by which the published recipes are as their papers, each off by default."""

import dataclasses

import numpy as np
import torch

from speediness.training.loader import SIZES_PX, Loader
from speediness.training.processes import Processes
from speediness.training.recipe import Recipe
from speediness.training.recipes import RECIPES, smoke
from speediness.training.run import Run, learning_rate

ALONE = Processes(0, 1, torch.device("cpu"))


def groups(recipe: Recipe) -> list[float]:
    """Weight decay of the bias-like parameters, of all groups."""
    optimizer = Run(recipe, ALONE).optimizer
    return [g["weight_decay"] for g in optimizer.param_groups if any(p.ndim == 1 for p in g["params"])]


def test_weight_decay_spares_norms_unless_asked() -> None:
    assert groups(smoke()) == [0.0]
    assert groups(dataclasses.replace(smoke(), decay_norms=True)) == [smoke().weight_decay]


def test_the_cosine_ends_where_it_is_told_to() -> None:
    assert learning_rate(500, 1.0, 0) == 0
    assert learning_rate(500, 1.0, 0, 1e-3) == 1e-3
    assert learning_rate(500, 0.0, 0, 1e-3) == 1


def test_sizes_of_a_run_that_resizes_cover_those_of_the_paper() -> None:
    loader = object.__new__(Loader)
    loader.resize, loader.seed = True, 3
    sizes = np.array([loader.size_px(step) for step in range(2000)])
    assert (sizes.min(), sizes.max()) == SIZES_PX
    assert len(np.unique(sizes)) == 18 and not (sizes % 16).any()
    assert loader.size_px(7) == loader.size_px(7)


def test_published_recipes_name_what_their_code_does() -> None:
    for name in ("rspnet_r3d18", "rspnet_s3dg", "finetune_112", "finetune_s3dg"):
        recipe = RECIPES[name]()
        assert (recipe.clip_gradient, recipe.decay_norms, recipe.keep) == (0.0, True, "last"), name
    assert RECIPES["finetune_112"]().dropout == 0
    assert RECIPES["speednet_s3dg"]().resize
