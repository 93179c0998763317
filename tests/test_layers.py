import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

SRC = Path(__file__).parent.parent / "src"
PRODUCT = (
    "speediness.align",
    "speediness.analysis",
    "speediness.corpus",
    "speediness.heatmap",
    "speediness.live",
    "speediness.propagate",
    "speediness.search",
    "speediness.speedup",
    "speediness.timeline",
    "speediness.video",
    "speediness.web",
)
ENGINES = ("speediness.runtime", "speediness.runtime.protocol", "speediness.runtime.onnx")
RESEARCH = (
    "speediness.training.tasks",
    "speediness.datasets",
    "speediness.training",
    "speediness.experiments",
    "speediness.simulation",
)
NOT_IN_BASE = {"torch", "onnx", "onnxscript", "safetensors", "tensorboard", "scipy", "cv2", "openvino"} | {
    "huggingface_hub",
    "lancedb",
    "pyarrow",
    "ray",
}
HEAVY = {"numpy", "av", "matplotlib", "onnxruntime", "starlette", "torch", "uvicorn"}

MODULES = {
    ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__"): path
    for path in SRC.rglob("*.py")
}


FLOORS = (
    ("clip", "errors", "motion_field", "offline", "progress", "sampling", "version"),
    ("packages", "results", "runtime"),
    ("models", "video"),
    ("analysis", "plots", "simulation", "timeline"),
    ("align", "corpus", "datasets", "heatmap", "propagate", "speedup"),
    ("evaluation", "live", "search"),
    ("training", "web"),
    ("experiments",),
    ("cli",),
)
"""Packages and single files from the ground up; weights hold no code."""


def below(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


SINGLE_FILES = {
    name for name, path in MODULES.items() if name.count(".") == 1 and path.name != "__init__.py"
}
BASE_VERBS = {
    f"speediness.cli.{name}"
    for name in (
        "analyse",
        "speedup",
        "play",
        "heatmap",
        "align",
        "propagate",
        "serve",
        "cache",
        "outputs",
        "options",
        "terminal",
    )
}
BASE_MODULES = {name for name in MODULES if below(name, PRODUCT)}
BASE = sorted({"speediness", *ENGINES} | SINGLE_FILES | BASE_VERBS | BASE_MODULES)


@cache
def imports(module: str) -> frozenset[str]:
    """Everything a file imports, at its top or inside functions, but not for types alone."""
    tree = ast.parse(MODULES[module].read_text())
    for_types = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{module}: relative import"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def reached(module: str) -> set[str]:
    """All that a module pulls in, the packages around it included, now or when first used."""
    found: set[str] = set()
    open_ends = [module]
    while open_ends:
        name = open_ends.pop()
        if name in found:
            continue
        found.add(name)
        if name in MODULES:
            parts = name.split(".")
            open_ends += [".".join(parts[:i]) for i in range(1, len(parts))]
            open_ends += imports(name)
    return found


def test_the_walk_finds_lazy_imports_and_knows_the_research_side() -> None:
    assert "speediness.plots" in reached("speediness.cli.analyse")
    assert any(name.startswith("torch") for name in reached("speediness.training.loop"))
    assert all(package in MODULES for package in PRODUCT + RESEARCH)


def test_every_package_stands_on_those_below_it_alone() -> None:
    floor = {name: n for n, names in enumerate(FLOORS) for name in names}
    tops = {module.split(".")[1] for module in MODULES if "." in module}
    assert tops == set(floor)
    for module in MODULES:
        own = module.split(".")[1:2]
        for name in imports(module):
            other = name.split(".")[1:2] if name.startswith("speediness.") else []
            if own and other and own != other:
                assert floor[other[0]] < floor[own[0]], f"{module} imports {name}"


def test_the_base_needs_only_what_it_installs_and_imports_no_research() -> None:
    for module in BASE:
        found = reached(module)
        assert not {name.split(".")[0] for name in found} & NOT_IN_BASE, module
        assert not [name for name in found if below(name, RESEARCH)], module


def test_nothing_draws_on_the_global_figure() -> None:
    assert not [module for module in MODULES if "matplotlib.pyplot" in imports(module)]


def test_the_base_package_imports_where_the_rest_is_missing() -> None:
    block = f"import sys; sys.modules.update(dict.fromkeys({sorted(NOT_IN_BASE)}))"
    subprocess.run([sys.executable, "-c", f"{block}; import {', '.join(BASE)}"], check=True)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom speediness.cli.main import main\nmain(['--help'])\nprint('LOADED', *sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "speedup" in run.stdout
    assert not HEAVY & set(run.stdout.partition("LOADED")[2].split())
