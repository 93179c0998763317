from fractions import Fraction

import pytest

from speediness.errors import SpeedinessError
from speediness.training.recipe import RECIPES, Recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_describes_a_network_and_survives_json(name: str) -> None:
    recipe = RECIPES[name]()
    assert recipe.config.clip.n_frames == recipe.n_frames
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_the_paper_recipe_is_the_paper_network() -> None:
    recipe = RECIPES["speednet_s3dg"]()
    assert (recipe.stem, recipe.width, recipe.skipping) == ("rgb", 1.0, "random")
    assert (recipe.rank_weight, recipe.magnified_weight) == (0, 1)
    assert recipe.config.clip.channels == 3


def test_settings_are_typed_by_the_field_they_replace() -> None:
    recipe = Recipe().with_settings(["steps=12", "lr=1e-4", "bf16=false", "frame_rate=30000/1001"])
    assert (recipe.steps, recipe.lr, recipe.bf16) == (12, 1e-4, False)
    assert recipe.frame_rate == Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("setting", "said"),
    [("step=3", "did you mean steps"), ("steps", "key=value"), ("steps=many", "steps takes a int")],
)
def test_a_wrong_setting_is_explained(setting: str, said: str) -> None:
    with pytest.raises(SpeedinessError, match=said):
        Recipe().with_settings([setting])
