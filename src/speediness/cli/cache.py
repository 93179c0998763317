"""speediness cache: show what earlier analyses are remembered, or forget them."""

from __future__ import annotations

import argparse

from speediness.cli.terminal import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this verb."""
    parser.add_argument("action", nargs="?", metavar="clear", choices=["clear"], help="remove every entry")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")


def run(arguments: argparse.Namespace) -> int:
    """Print what the store holds, after emptying it if asked to."""
    from speediness.analysis.store import ResultStore

    store = ResultStore()
    removed = store.clear() if arguments.action == "clear" else None
    left = store.contents()
    if arguments.json:
        document = {
            "schema": "speediness.cache/1",
            "folder": str(store.folder),
            "entries": left.entries,
            "bytes": left.bytes,
            "limit_bytes": store.limit_bytes,
        }
        if removed is not None:
            document["removed"] = {"entries": removed.entries, "bytes": removed.bytes}
        print_json(document)
    elif removed is not None:
        print(f"freed {_megabytes(removed.bytes)} in {store.folder}, entries removed: {removed.entries:,}")
    else:
        print(f"folder  {store.folder}")
        print(f"entries {left.entries:,}")
        print(f"size    {_megabytes(left.bytes)} of at most {_megabytes(store.limit_bytes)}")
    return 0


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
