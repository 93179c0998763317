import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import pytest

from speediness.cli.main import VERBS
from speediness.version import __version__

ROOT = Path(__file__).parent.parent
INSTALLED = ("dev", "docs", "search", "speech", "train")


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


def test_what_is_installed_for_the_tests_is_exact() -> None:
    lines = (ROOT / "release/constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert all(re.fullmatch(r"[\d.]+(\.?(post|dev|a|b|rc)\d+)?", version) for version in pinned.values())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(one for extra in INSTALLED for one in extras[extra])]
    names = {re.split(r"[\[<>=]", one)[0] for one in wanted} - {"speediness"}
    assert names <= {name.replace("huggingface-hub", "huggingface_hub") for name in pinned}


@pytest.mark.parametrize(
    "workflow", sorted((ROOT / ".github/workflows").iterdir()), ids=lambda path: path.name
)
def test_workflows_pin_actions_and_may_read(workflow: Path) -> None:
    text = workflow.read_text()
    assert re.search(r"^permissions:\n  contents: read\n", text, re.MULTILINE)
    for action in re.findall(r"uses: (?!\./)(.+)", text):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", action)


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
