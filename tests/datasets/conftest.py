import pytest

from synthetic import steady, write_film


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A short film, as the content of a file."""
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", steady(4)).read_bytes()
