import importlib.util
import re
import sys
from pathlib import Path

import pytest

from speediness.cli.main import VERBS
from speediness.version import __version__

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["CITATION.cff", "release/recipe.yaml"])
def test_what_repeats_the_version_repeats_it_right(name: str) -> None:
    (version,) = re.findall(r"^\s*version: \"?([\d.]+)\"?$", (ROOT / name).read_text(), re.MULTILINE)
    assert version == __version__


def test_the_recipe_asks_for_what_the_package_asks_for() -> None:
    declared = (ROOT / "pyproject.toml").read_text().partition("dependencies = [")[2].partition("\n]")[0]
    wanted = set(re.findall(r'"([^"]+)"', declared))
    recipe = (ROOT / "release/recipe.yaml").read_text().partition("  run:")[2].partition("\n\n")[0]
    listed = set(re.findall(r"- (.+)", recipe)) - {"python >=3.11"}
    assert {name.replace(" ", "").replace("matplotlib-base", "matplotlib") for name in listed} == wanted


def test_the_man_page_has_every_verb() -> None:
    pytest.importorskip("docutils")
    spec = importlib.util.spec_from_file_location("man_page", ROOT / "scripts/write_man_page.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["man_page"] = module
    spec.loader.exec_module(module)
    page = module.man_page()
    assert page.count(".TH") == 1
    assert all(re.search(rf"^\.S[HS] {verb}$", page, re.MULTILINE | re.IGNORECASE) for verb in VERBS)


def test_the_hub_reads_the_model_card() -> None:
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard.load(ROOT / "src/speediness/weights/speednet-small.md")
    assert card.data.license == "mit"
    assert [result.metric_type for result in card.data.eval_results] == ["accuracy", "roc_auc"]
