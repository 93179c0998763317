"""The man page, from what the command line says of itself.

    python scripts/write_man_page.py speediness.1

Needs docutils (``pip install docutils``).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from docutils.core import publish_string

from speediness.cli.main import app
from speediness.version import __version__

HEAD = f"""==========
speediness
==========

{"-" * len("how fast does this move, compared with how fast it should")}
how fast does this move, compared with how fast it should
{"-" * len("how fast does this move, compared with how fast it should")}

:Manual section: 1
:Version: {__version__}

"""


def man_page() -> str:
    """The page in roff: cyclopts writes reStructuredText, docutils makes a man page of it."""
    app.resolved_commands()
    text = app.generate_docs(output_format="rst")
    text = re.sub(r"\A.*?=\n\n", "", text, count=1, flags=re.DOTALL)  # its title
    text = re.sub(r"^\.\. (contents::|_cyclopts-).*\n(   .*\n)*", "", text, flags=re.MULTILINE)
    settings = {"report_level": 4, "halt_level": 5}
    return publish_string(HEAD + text, writer="manpage", settings_overrides=settings).decode()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(man_page(), encoding="utf-8")
