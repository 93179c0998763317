from __future__ import annotations

from pathlib import Path

import pytest

from speediness.web.settings import Settings
from synthetic import steady, tone, write_video
from web_site import settings_in


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture(scope="session")
def small_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with sound."""
    path = tmp_path_factory.mktemp("films") / "small.mp4"
    return write_video(path, steady(50, 25), sound_CN=tone(2))
