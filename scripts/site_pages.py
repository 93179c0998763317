"""What ``mkdocs build`` adds to docs/: pages that live elsewhere, and the code that pages name.

A page that names a file of ``src/speediness`` in backticks, as `clip.py: ClipSpec`, links to a page with
its documentation and its source. A name that is not there fails the strict build.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import griffe
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "speediness"
ELSEWHERE = {
    "CONTRIBUTING.md": ROOT / "CONTRIBUTING.md",
    "CHANGELOG.md": ROOT / "CHANGELOG.md",
    "model-card.md": PACKAGE / "weights" / "speednet-small.md",
}
EXAMPLES = ROOT / "examples"
ROLE = re.compile(r":\w+:`~?([^`]+)`")
CODE = re.compile(r"(?<!\[)`(?:src/speediness/)?((?:\w+/)*\w+)\.py(?:: (\w+(?:\.\w+)*)[^`]*)?`")
PAGE = """# {name}

::: {name}
    options:
      show_root_heading: false
      show_root_toc_entry: false
      heading_level: 2
"""


class Roles(griffe.Extension):
    """Names in docstrings, as :class:`Files`, are shown as code: Markdown knows no roles."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """See :class:`griffe.Extension`."""
        if obj.docstring is not None:
            obj.docstring.value = ROLE.sub(r"`\1`", obj.docstring.value)


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages of ``ELSEWHERE``, the notebooks, and a page for each file of code that a page names."""
    for name, path in ELSEWHERE.items():
        files.append(File.generated(config, name, content=path.read_text().replace("](docs/", "](")))
    for notebook in EXAMPLES.glob("*.ipynb"):
        files.append(File.generated(config, f"examples/{notebook.name}", abs_src_path=str(notebook)))
    named = {
        module for file in files.documentation_pages() for module, _ in code_named(file.content_string)
    }
    for module in sorted(named):
        files.append(File.generated(config, f"code/{module}.md", content=PAGE.format(name=module)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Turn names of code into links."""
    up = "../" * page.file.src_uri.count("/")
    for name, path in ELSEWHERE.items():
        markdown = markdown.replace(f"](../{path.relative_to(ROOT).as_posix()}", f"]({name}")
    return CODE.sub(lambda match: _link(match, up), markdown.replace("](../examples/", "](examples/"))


def code_named(markdown: str) -> list[tuple[str, str | None]]:
    """Modules that a page names, each with the object in it."""
    return [
        (module, match[2]) for match in CODE.finditer(markdown) if (module := _module(match[1])) is not None
    ]


def _link(match: re.Match[str], up: str) -> str:
    module = _module(match[1])
    if module is None:
        return match[0]
    anchor = f"#{module}.{match[2]}" if match[2] else ""
    return f"[{match[0]}]({up}code/{module}.md{anchor})"


def _module(path: str) -> str | None:
    if not (PACKAGE / f"{path}.py").exists():
        return None
    return ".".join(("speediness", *path.split("/"))).removesuffix(".__init__")
