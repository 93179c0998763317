from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from speediness.errors import DataError, OutputError
from speediness.propagate.mask_files import check_masks, fitted, new_masks, palette, read_mask, write_mask
from speediness.propagate.track import to_cells, to_mask


def drawn() -> np.ndarray:
    mask = np.zeros((48, 64), np.uint8)
    mask[8:24, 16:40] = 1
    mask[32:40, 8:56] = 2
    return mask


def test_a_mask_comes_back_from_its_file_and_as_colours(tmp_path: Path) -> None:
    write_mask(tmp_path / "m.png", drawn())
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), drawn())
    with Image.open(tmp_path / "m.png") as image:
        assert image.mode == "P"
        image.convert("RGB").save(tmp_path / "rgb.png")
    # (128, 0, 0) is more than (0, 128, 0): darker means smaller as red, green, blue.
    np.testing.assert_array_equal(read_mask(tmp_path / "rgb.png") > 0, drawn() > 0)
    assert set(np.unique(read_mask(tmp_path / "rgb.png"))) == {0, 1, 2}
    Image.fromarray(np.where(drawn() == 1, 255, 0).astype(np.uint8)).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "grey.png"), drawn() == 1)


def test_the_palette_is_that_of_davis() -> None:
    assert palette()[:8].tolist() == [
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [0, 0, 128],
        [128, 0, 128],
        [0, 128, 128],
        [128, 128, 128],
    ]
    assert palette()[8].tolist() == [64, 0, 0]
    assert len(np.unique(palette(), axis=0)) == 256


def test_what_is_no_mask_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.png"
    with pytest.raises(DataError, match="does not exist"):
        read_mask(path)
    path.write_text("no image")
    with pytest.raises(DataError, match="not an image"):
        read_mask(path)
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)
    with pytest.raises(DataError, match="no object"):
        read_mask(path)
    assert not read_mask(path, empty=True).any()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(path)
    with pytest.raises(DataError, match="smooth edges"):
        read_mask(path)


def test_a_mask_of_the_same_shape_is_scaled_and_of_another_refused() -> None:
    np.testing.assert_array_equal(fitted(drawn(), 96, 128, Path("m.png"))[::2, ::2], drawn())
    with pytest.raises(DataError, match="64x48, the video 64x64"):
        fitted(drawn(), 64, 64, Path("m.png"))


def test_masks_are_put_in_place_when_all_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "masks"
    with new_masks(folder) as made:
        write_mask(made / "00000.png", drawn())
        assert not folder.exists()
    with pytest.raises(OutputError, match="--force"):
        check_masks(folder, force=False)
    check_masks(folder, force=True)
    (folder / "00009.png").touch()
    (folder / "note.txt").touch()
    with pytest.raises(KeyboardInterrupt), new_masks(folder) as made:
        raise KeyboardInterrupt
    assert (folder / "00009.png").exists()
    with new_masks(folder) as made:
        write_mask(made / "00001.png", drawn())
    assert {path.name for path in folder.iterdir()} == {"00001.png", "note.txt"}
    assert {path.name for path in tmp_path.iterdir()} == {"masks"}


def test_cells_hold_shares_and_give_the_mask_back() -> None:
    shares = to_cells(drawn(), (6, 8), 3)
    np.testing.assert_allclose(shares.sum(-1), 1)
    for row in range(6):
        for column in range(8):
            cell = drawn()[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            for label in range(3):
                assert shares[row, column, label] == (cell == label).mean()
    # Corners are rounded, edges are where they were.
    back = to_mask(shares, 48, 64)
    assert (back != drawn()).mean() < 0.02
    np.testing.assert_array_equal(back[:, 24:32], drawn()[:, 24:32])


def test_between_cells_shares_change_linearly() -> None:
    shares = np.zeros((1, 2, 2), np.float32)
    shares[0, 0, 0] = shares[0, 1, 1] = 1
    assert to_mask(shares, 4, 16).tolist() == [[0] * 8 + [1] * 8] * 4
    shares[0, 0] = (0.25, 0.75)
    assert to_mask(shares, 1, 16).tolist() == [[1] * 16]
