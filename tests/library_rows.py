"""What a library holds, to be compared with what another does."""

from pathlib import Path
from typing import Any

from speediness.search.library import Library


def rows(db: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows, in an order that does not depend on how they came there."""
    library = Library(db)
    windows = library.windows.search().limit(None).to_list() if library.windows else []
    return {
        "films": sorted((vars(row) for row in library.video_rows()), key=lambda row: row["path"]),
        "windows": sorted(windows, key=lambda row: (row["path"], row["start_s"])),
    }
