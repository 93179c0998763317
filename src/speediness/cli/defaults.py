"""Defaults of options from ``speediness.toml``, here and in the user's folder for settings."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError
from cyclopts.argument import ArgumentCollection
from cyclopts.config import Toml

from speediness.errors import suggest

NAME = "speediness.toml"
ALTERNATIVES = ({"rate", "duration"},)
"""Of these options one is given; the command line's own counts, whatever a file says."""


class Defaults(Toml):
    """One file: a table for each verb, its options without dashes in front.

    Args:
        path: the file, which may be missing.
        verbs: names of tables.
    """

    def __init__(self, path: Path, verbs: Sequence[str]) -> None:
        super().__init__(path=path)
        self._verbs = verbs

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        """Give arguments a value that have none yet.

        Raises:
            CycloptsError: a table that is no verb, or a key that is no option of the verb.
        """
        for verb in self.config:
            if verb not in self._verbs:
                known = suggest(verb, self._verbs)
                raise CycloptsError(
                    msg=f"{self.source} has a table for {verb!r}, which is no verb; {known}"
                )
        given = {argument.name.lstrip("-") for argument in arguments if argument.tokens}
        table = self.config.get(commands[0]) if commands else None
        for names in ALTERNATIVES:
            if names & given and isinstance(table, dict):
                for name in names:
                    table.pop(name, None)
        super().__call__(app, commands, arguments)

    def _load_config(self, path: Path) -> dict[str, Any]:
        try:
            return super()._load_config(path)
        except (ValueError, OSError) as error:  # of TOML, of UTF-8, of the disk
            raise CycloptsError(msg=f"{path} cannot be read: {error}") from error


def default_files(verbs: Sequence[str]) -> list[Defaults]:
    """Those that are looked into, the one that counts more first; either may be missing."""
    from platformdirs import user_config_path

    files = [Path(NAME)]
    with suppress(RuntimeError):  # not even a home folder is known
        files.append(user_config_path("speediness", appauthor=False) / NAME)
    return [Defaults(path, verbs) for path in files]
