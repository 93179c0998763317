import pytest

from synthetic import steady, write_video


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A short video, as the content of a file."""
    return write_video(tmp_path_factory.mktemp("film") / "film.mp4", steady(4)).read_bytes()
