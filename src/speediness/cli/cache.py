"""``speediness cache``."""

from typing import Literal

from speediness.cli.options import Json
from speediness.cli.terminal import print_json


def cache(action: Literal["clear"] | None = None, /, *, json: Json = False) -> None:
    """Show what earlier analyses are remembered, or forget them.

    Args:
        action: clear removes every entry
    """
    from speediness.results.store import ResultStore

    store = ResultStore()
    removed = store.clear() if action == "clear" else None
    left = store.contents()
    if json:
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


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"
