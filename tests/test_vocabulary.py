"""The words of docs/glossary.md are used throughout; words given up do not come back."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Words with no other meaning here.
GONE = re.compile(
    r"\b(film|films|filmed|judge|judges|judged|judging|judgement)\b"
    r"|\b(?:[A-Za-z0-9]+_)(?:films?|judged?)\b|\b(?:films?|judged?)_\w+|[a-z]*(?:Film|Judge)[A-Z]\w*"
    r"|(?-i:\b(?:WindowJudge|FilmJudge|OpenShot|TELLING|glimpsed)\b)"
    r"|\b(?:sees_pictures|PictureStem|PictureMaker|PictureFolder)\b",
    re.IGNORECASE,
)
# What is public or stored keeps its name: JSON keys, options, routes, columns, keys of caches.
KEPT = re.compile(
    r"""["'`]+(films?|film_(id|name|s|duration_s)|same_film(_changed)?|judged_until_s)["'`]+"""
    r"""|--films|arguments\.films|\b(match|tally|trial|row|body|answer)\.films?\b"""
    r"""|films/|/films|film_id|film_name|film_s\b"""
    r"""|film (=|IN) ?|\{ films \}|films\.length|films-|film%00|film\.mp4|file.name|#/film"""
)
TEXT = {".py", ".md", ".js", ".html", ".css", ".toml", ".sh", ""}
# Tests are left out: they hold what is stored as literals of every shape.
FOLDERS = (
    "src",
    "docs",
    "benchmarks",
    "scripts",
    "README.md",
    "CONTRIBUTING.md",
    "Makefile",
    "pyproject.toml",
)


def listed() -> list[str]:
    names = subprocess.run(
        ["git", "ls-files", *FOLDERS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return [
        name for name in names.stdout.splitlines() if Path(name).suffix in TEXT and "/weights/" not in name
    ]


def test_no_word_that_was_given_up() -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name in listed()
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1)
        if GONE.search(KEPT.sub("", line))
    ]
    assert not found, "\n".join(found)
