"""Whether results can be written where they are wanted; asked before the long work, not after."""

from pathlib import Path

from speediness.errors import OutputError

FILES = {".json", ".png", ".svg", ".csv", ".html", ".parquet", ".mp4", ".mov", ".mkv"}


def check_folder(folder: Path, remedy: str) -> None:
    """Make sure that files can be made in a folder, by making one.

    Args:
        folder: where results will go.
        remedy: what the user can do, such as ``choose another folder with -o``.

    Raises:
        OutputError: missing, not a folder, or not writable.
    """
    import tempfile

    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise OutputError(f"the output folder {folder} {what}; make it first, or {remedy}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"cannot write into {folder}: {error.strerror}; {remedy}") from error


def make_folder(folder: Path) -> None:
    """Make a folder for results, and those above it, if it is missing.

    Raises:
        OutputError: it cannot be made, or has a name that promises a file.
    """
    if folder.suffix.lower() in FILES and not folder.exists():
        raise OutputError(f"{folder} would be a folder of results; choose a name without {folder.suffix}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}; choose another") from error


def check_new(path: Path, force: bool) -> None:
    """Make sure that nothing is replaced unasked.

    Raises:
        OutputError: the file exists and ``force`` is off, or it is a folder.
    """
    if path.is_dir():
        raise OutputError(f"{path} is a folder; remove it or choose another name")
    if path.exists() and not force:
        raise OutputError(f"{path} exists; add --force to replace it")


def check_file(path: Path, force: bool, option: str = "-o") -> None:
    """Make sure that a file can be made, and replaces nothing unasked.

    Raises:
        OutputError: as :func:`check_folder` of its folder, or :func:`check_new`.
    """
    check_folder(path.parent, f"choose another with {option}")
    check_new(path, force)
