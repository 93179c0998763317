"""The command line: one file per verb, heavy imports inside run()."""

import sys
from collections.abc import Callable
from types import TracebackType


def _stop_quietly(
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
    before: Callable[..., object] = sys.excepthook,
) -> None:
    """Say in one line that Ctrl-C came before :func:`speediness.cli.main.main` could say it."""
    if issubclass(kind, KeyboardInterrupt):
        print("speediness: stopped before it began", file=sys.stderr)
    else:
        before(kind, error, trace)


sys.excepthook = _stop_quietly
