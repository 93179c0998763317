import dataclasses
from fractions import Fraction

import pytest

from speediness.errors import SpeedinessError
from speediness.tasks import TASKS
from speediness.training.recipe import RECIPES, Recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_describes_a_network_and_survives_json(name: str) -> None:
    recipe = RECIPES[name]()
    assert recipe.config.clip.n_frames == recipe.n_frames
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_the_paper_recipe_is_the_paper_network() -> None:
    recipe = RECIPES["speednet_s3dg"]()
    assert (recipe.backbone, recipe.width, recipe.temporal) == ("s3dg", 1.0, "random")
    assert recipe.config.clip.channels == 3


def test_settings_are_typed_by_the_field_they_replace() -> None:
    recipe = Recipe().with_settings(["steps=12", "lr=1e-4", "bf16=false", "frame_rate=30000/1001"])
    assert (recipe.steps, recipe.lr, recipe.bf16) == (12, 1e-4, False)
    assert recipe.frame_rate == Fraction(30000, 1001)


@pytest.mark.parametrize("name", TASKS)
def test_a_recipe_has_every_option_of_every_task(name: str) -> None:
    recipe = dataclasses.replace(Recipe(), task=name)
    task = recipe.build_task()
    for option in dataclasses.fields(task):
        assert getattr(recipe, option.name) == getattr(task, option.name)


def test_as_many_clips_a_step_with_and_without_pairs() -> None:
    paired, alone = Recipe(), Recipe().with_settings(["same_batch=false"])
    assert paired.clips == alone.clips == 2 * paired.windows
    assert paired.build_task().views_per_window == 2 and alone.build_task().views_per_window == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["temporal=odd"], "even, random, none"),
        (["task=jigsaw"], "known: speed_class"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: list[str], said: str) -> None:
    with pytest.raises(SpeedinessError, match=said):
        Recipe().with_settings(settings)


@pytest.mark.parametrize(
    ("setting", "said"),
    [("step=3", "did you mean steps"), ("steps", "key=value"), ("steps=many", "steps takes a int")],
)
def test_a_wrong_setting_is_explained(setting: str, said: str) -> None:
    with pytest.raises(SpeedinessError, match=said):
        Recipe().with_settings([setting])
