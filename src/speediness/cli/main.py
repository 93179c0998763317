"""The command ``speediness``: parses, hands over to one file per verb, and reports trouble in one line."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterator
from typing import NoReturn

import speediness
from speediness.cli import (
    analyse,
    audit,
    cache,
    convert,
    data,
    evaluate,
    export,
    finetune,
    heatmap,
    index,
    probe,
    reproduce,
    restore,
    search,
    serve,
    speedup,
    train,
)
from speediness.cli.terminal import print_error, wants_traceback
from speediness.errors import SpeedinessError
from speediness.offline import keep_caches_inside

VERBS = {
    "analyse": analyse,
    "speedup": speedup,
    "restore": restore,
    "heatmap": heatmap,
    "search": search,
    "index": index,
    "export": export,
    "serve": serve,
    "evaluate": evaluate,
    "audit": audit,
    "train": train,
    "finetune": finetune,
    "probe": probe,
    "convert": convert,
    "data": data,
    "reproduce": reproduce,
    "cache": cache,
}
TRAIN_PACKAGES = {
    "torch",
    "cv2",
    "huggingface_hub",
    "onnx",
    "onnxscript",
    "safetensors",
    "sklearn",
    "tensorboard",
}

OK, BUG, USER_ERROR, INTERRUPTED = 0, 1, 2, 130


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line, like every other complaint of this program."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2."""
        print_error(f"{message}; see {self.prog} --help")
        raise SystemExit(USER_ERROR)


def build_parser() -> OneLineParser:
    """All verbs and their options; imports nothing heavy, so that ``--help`` is quick."""
    parser = OneLineParser(
        prog="speediness",
        description="How fast does this move, compared with how fast it should?",
        epilog="SPEEDINESS_DEBUG=1 shows where an error comes from.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"speediness {speediness.__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for name, module in VERBS.items():
        summary = (module.__doc__ or "").splitlines()[0].partition(": ")[2].rstrip(".")
        verb = verbs.add_parser(
            name, help=summary, description=f"{summary.capitalize()}.", allow_abbrev=False
        )
        module.add_arguments(verb)
        verb.set_defaults(run=module.run, verb=verb)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 a bug, 2 the user's to mend, 130 Ctrl-C or SIGTERM."""
    _print_any_name()
    keep_caches_inside()
    with contextlib.suppress(ValueError):  # signals are the main thread's
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be stopped is not to be torn off
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output (head, less) has seen enough; Python must not flush into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BUG


def _run(argv: list[str] | None) -> int:
    arguments, unknown = build_parser().parse_known_args(argv)
    if unknown:
        arguments.verb.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        return arguments.run(arguments)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:
        if any(isinstance(each, KeyboardInterrupt) for each in _causes(error)):
            return _interrupted()
        if wants_traceback():
            raise
        message, code = _explain(error)
        print_error(message)
        return code


def _interrupted() -> int:
    print_error("stopped; nothing half written was left")
    return INTERRUPTED


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from: compiled modules turn Ctrl-C into errors of their own."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _explain(error: Exception) -> tuple[object, int]:
    """What to say of an error, and the exit code."""
    if isinstance(error, SpeedinessError | OSError):
        return error, USER_ERROR
    if isinstance(error, ModuleNotFoundError) and error.name in TRAIN_PACKAGES:
        return (
            f'this needs {error.name}, which the base install leaves out: pip install "speediness[train]"',
            USER_ERROR,
        )
    return f"a bug: {type(error).__name__}: {error}; SPEEDINESS_DEBUG=1 shows where, please report it", BUG


def _print_any_name() -> None:
    """File names the terminal cannot show are printed with escapes, never a reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError):  # a stream that is closed needs nothing
                stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
