import dataclasses
import json
from fractions import Fraction

import pytest

from speediness.errors import SpeedinessError
from speediness.training.recipe import Recipe
from speediness.training.recipes import RECIPES
from speediness.training.tasks import TASKS
from speediness.training.tasks.speed_class import SpeedClassTask


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_describes_a_network_and_survives_json(name: str) -> None:
    recipe = RECIPES[name]()
    assert recipe.config.clip.n_frames == recipe.n_frames
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_the_paper_recipe_is_the_paper_network() -> None:
    recipe = RECIPES["speednet_s3dg"]()
    assert (recipe.backbone, recipe.width) == ("s3dg", 1.0)
    assert recipe.task == SpeedClassTask(temporal="random")
    assert recipe.config.clip.channels == 3


def test_settings_are_typed_by_the_field_they_replace() -> None:
    recipe = Recipe().with_settings(["steps=12", "lr=1e-4", "bf16=false", "frame_rate=30000/1001"])
    assert (recipe.steps, recipe.lr, recipe.bf16) == (12, 1e-4, False)
    assert recipe.frame_rate == Fraction(30000, 1001)


@pytest.mark.parametrize("name", TASKS)
def test_a_setting_of_the_task_is_a_setting_of_the_recipe(name: str) -> None:
    recipe = Recipe().with_settings([f"task={name}"])
    assert recipe.task == TASKS[name]()
    for option in dataclasses.fields(recipe.task):
        value = getattr(recipe.task, option.name)
        value = ",".join(value) if isinstance(value, tuple) else value
        assert recipe.with_settings([f"{option.name}={value}"]) == recipe
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_clips_a_step_are_windows_times_views() -> None:
    assert Recipe().clips == 2 * Recipe().windows
    assert Recipe().with_settings(["same_batch=false"]).clips == Recipe().windows


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["temporal=odd"], "even, random, none"),
        (["task=jigsaw"], "known: speed_class, playback_rate, rspnet, shuffle_and_learn"),
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
