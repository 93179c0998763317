"""The command ``speediness``: parses, hands over to one file per verb, and reports trouble in one line."""

import contextlib
import io
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from cyclopts import App, CycloptsError, Parameter

from speediness.cli.defaults import default_files
from speediness.cli.terminal import log, print_error, wants_traceback
from speediness.errors import SpeedinessError
from speediness.offline import keep_caches_inside
from speediness.version import __version__

GROUPS = {
    "Commands": "analyse speedup play restore heatmap propagate align search index export serve cache",
    "To train and measure networks": "evaluate audit train finetune probe convert data reproduce",
}
VERBS = tuple(" ".join(GROUPS.values()).split())
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

VERBOSE = "--verbose"
OK, BUG, USER_ERROR, INTERRUPTED = 0, 1, 2, 130

app = App(
    name="speediness",
    help="How fast does this move, compared with how fast it should?\n\n"
    "Start with: speediness speedup video.mp4 --rate 2 -o fast.mp4",
    help_epilogue="--verbose, or SPEEDINESS_DEBUG=1, shows where an error comes from.",
    help_format="plaintext",  # Markdown would take a tenth of a second
    version=f"speediness {__version__}",
    version_flags="--version",
    default_parameter=Parameter(
        negative=(), allow_repeating=True, show_default=lambda value: str(value) if value else None
    ),
    suppress_keyboard_interrupt=False,
    exit_on_error=False,
    print_error=False,
    result_action="return_value",
)
for group, verbs in GROUPS.items():
    for verb in verbs.split():  # imported when it is needed
        app.command(f"speediness.cli.{verb}:{verb}", name=verb, group=group, sort_key=VERBS.index(verb))
app.register_install_completion_command(help="Complete verbs and options in bash, zsh or fish.")


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 a bug, 2 the user's to mend, 130 Ctrl-C or SIGTERM."""
    _print_any_name()
    keep_caches_inside()
    with contextlib.suppress(ValueError):  # signals are the main thread's
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be stopped is not to be torn off
    try:
        try:
            return _run(sys.argv[1:] if argv is None else argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output (head, less) has seen enough; Python must not flush into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BUG


def _run(argv: list[str]) -> int:
    try:
        if argv[:1] in ([], ["--help"], ["-h"]):
            app.resolved_commands()  # what each verb says of itself
        # "-" is the name of a stream; to the parser it is an option without a name.
        app.config = files = default_files(VERBS)
        if VERBOSE in argv[: argv.index("--") if "--" in argv else None]:
            argv = [word for word in argv if word != VERBOSE]
            os.environ["SPEEDINESS_DEBUG"] = "1"
            for file in files:
                log(f"defaults: {file.source}{'' if Path(file.source).exists() else ' (there is none)'}")
        command, bound, _ = app.parse_args(["./-" if word == "-" else word for word in argv])
        code = command(*bound.args, **bound.kwargs) or OK
        helps = command.__name__ == "help_print" and not {"--help", "-h"}.intersection(argv)
        return USER_ERROR if helps else code  # a command is missing
    except CycloptsError as error:
        said = re.sub('unable to convert (".*") into (float|int)', r"\1 is no number", str(error))
        said = said.removesuffix(".")
        help_of = " ".join(("speediness", *(error.command_chain or ())))
        print_error(f"{said}{' See' if said.endswith('?') else '; see'} {help_of} --help")
        return USER_ERROR
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
