"""Tables, series, photographs, cats and dogs: what they contain and what they refuse."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.catalogue.every import TASKS
from tasks.data import arrays, cats_dogs, photos, prepare, series
from tasks.data.arrays import Arrays
from tasks.errors import UserError
from tasks.spec.network import output_shapes

REAL = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("family", sorted(prepare.FAMILIES))
def test_embedded_defaults_fit_their_tasks(family: str) -> None:
    prepared = prepare.prepare(family)
    loaded = arrays.load(prepared.folder)
    assert prepared.embedded and prepared.source and prepared.licence
    assert prepared.sha256 == arrays.digest(prepare.FAMILIES[family].make().arrays), "deterministic"
    for task in (task for task in TASKS if task.data == family):
        assert loaded.x_train.shape[1:] == loaded.x_test.shape[1:] == task.input_shape
        assert loaded.x_train.dtype == loaded.x_test.dtype == task.input_dtype
        assert loaded.y_train.dtype == loaded.y_test.dtype == task.target_dtype
        assert len(loaded.x_train) >= 20 * task.batch_size, "a certificate takes 20 steps"
        if task.target_shape:
            assert loaded.y_train.shape[1:] == loaded.y_test.shape[1:] == task.target_shape
        elif task.loss != "mean_squared_error":
            last = output_shapes(task)[-1][-1]
            classes = last if task.loss.startswith("sparse") else 2
            assert set(np.unique(loaded.y_train)) == set(range(classes))


@pytest.mark.parametrize("family", ["fair", "binary20"])
def test_tables_are_standardised_with_training_rows_only(family: str) -> None:
    loaded = arrays.load(prepare.prepare(family).folder)
    assert np.allclose(loaded.x_train.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(loaded.x_train.std(axis=0), 1, atol=1e-5)
    assert loaded.y_train.mean() == pytest.approx(loaded.y_test.mean(), abs=0.01)


def test_windows_look_forward_and_are_scaled_by_the_past() -> None:
    values = np.sin(np.arange(200.0)) + np.arange(200.0) / 100
    made = series.windows(values, 12, rises=False)
    known = values[:160]
    scaled = ((values - known.mean()) / known.std()).astype(np.float32)
    assert made.x_train.shape == (148, 12, 1) and made.x_test.shape == (40, 12, 1)
    assert np.array_equal(made.x_train[5, :, 0], scaled[5:17]) and made.y_train[5] == scaled[17]
    assert np.array_equal(made.y_test, scaled[160:]), "test targets: the last fifth, in order"
    up = series.windows(values, 10, rises=True)
    assert np.array_equal(up.y_test, (scaled[160:] > scaled[159:-1]).astype(np.float32))


def csv(folder: Path, *lines: str) -> Path:
    path = folder / "mine.csv"
    path.write_text("\n".join(lines))
    return folder


def test_a_csv_replaces_the_series(tmp_path: Path) -> None:
    rows = [f'"{year}",{np.sin(year):.3f}' for year in range(120)]
    prepared = prepare.prepare("series", csv(tmp_path, "Month,Value", *rows))
    assert (prepared.id, prepared.rows, prepared.embedded) == ("csv-mine", (84, 24), False)
    assert prepare.prepare("series").embedded, "a user's own file is not used unasked"


@pytest.mark.parametrize("bad", ["nan", "", "inf", "seven"])
def test_a_csv_with_a_hole_names_the_line(tmp_path: Path, bad: str) -> None:
    lines = [f"{i},{i % 7}" for i in range(150)]
    lines[40] = f"40,{bad}"
    with pytest.raises(UserError, match=f"mine.csv line 42: '{bad}' is no number; fill in"):
        prepare.prepare("series", csv(tmp_path, "Month,Value", *lines))


def test_other_unusable_csvs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mine.csv line 1: 'NaN' is no number"):
        prepare.prepare("series", csv(tmp_path, "NaN", "1"))
    with pytest.raises(UserError, match="holds 2 values; a series needs 100 or more"):
        prepare.prepare("series", csv(tmp_path, "1", "2"))
    with pytest.raises(UserError, match="not all equal"):
        prepare.prepare("series", csv(tmp_path, *["3"] * 150))
    (tmp_path / "mine.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"mine.csv cannot be read as CSV"):
        prepare.prepare("series", tmp_path)
    (tmp_path / "second.csv").write_text("1")
    with pytest.raises(UserError, match=r"several CSV files.*leave one"):
        prepare.prepare("series", tmp_path)


def test_real_series() -> None:
    if not (REAL / "series").is_dir():
        pytest.skip(f"no real series at {REAL / 'series'}")
    assert prepare.prepare("series", REAL).rows == (2244, 564)


def test_patches_of_training_and_test_share_no_pixel() -> None:
    for height, width, side in ((300, 451, 100), (300, 451, 150), (427, 640, 150)):
        numbered = np.arange(height * width).reshape(height, width, 1)
        train, test = photos._blocks(numbered, side)
        pixels = np.concatenate([block.ravel() for block in train + test])
        assert len(np.unique(pixels)) == len(pixels) == height * width
        assert train and test and all(min(b.shape[:2]) >= side for b in train + test)


def picture(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(shade).integers(0, 60, (40, 50, 3))
    Image.fromarray((noise + shade).astype(np.uint8)).save(path)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """12 + 4 small pictures as Kaggle's folder has them; cats dark, dogs light."""
    for part, count in (("train", 12), ("validation", 4)):
        for i in range(count):
            name, shade = (("cat", 20), ("dog", 180))[i % 2]
            picture(tmp_path / "cats_dogs" / part / f"{name}s" / f"{name}.{i}.jpg", shade)
    return tmp_path


def check_pets(loaded: Arrays, rows: tuple[int, int]) -> None:
    assert (len(loaded.x_train), len(loaded.x_test)) == rows
    for x, y in ((loaded.x_train, loaded.y_train), (loaded.x_test, loaded.y_test)):
        assert x.shape[1:] == (150, 150, 3) and x.max() <= 1
        assert np.array_equal(x.mean(axis=(1, 2, 3)) > 0.5, y == 1), "cat 0, dog 1"


def test_cats_and_dogs_from_folder_and_zip_are_the_same(pets: Path, tmp_path: Path) -> None:
    lying = prepare.prepare("cats-dogs", pets)
    check_pets(arrays.load(lying.folder), (12, 4))
    zipped = tmp_path / "zipped"
    zipped.mkdir()
    shutil.make_archive(str(zipped / "cats_and_dogs"), "zip", pets / "cats_dogs")
    assert prepare.prepare("cats-dogs", zipped).sha256 == lying.sha256
    assert prepare.prepare("cats-dogs").embedded


def test_flat_folders_and_the_public_archive_are_split(tmp_path: Path) -> None:
    for i in range(6):
        picture(tmp_path / "flat" / f"cat.{i}.jpg", 20)
        picture(tmp_path / "flat" / f"dog.{i}.jpg", 180)
        picture(tmp_path / "public" / "PetImages" / "Cat" / f"{i}.jpg", 20)
        picture(tmp_path / "public" / "PetImages" / "Dog" / f"{i}.jpg", 180)
    for layout in ("flat", "public"):
        check_pets(arrays.load(prepare.prepare("cats-dogs", tmp_path / layout).folder), (8, 4))


def test_damaged_pictures_are_skipped_and_counted(pets: Path) -> None:
    victim = pets / "cats_dogs" / "train" / "cats" / "cat.0.jpg"
    victim.write_bytes(victim.read_bytes()[:700])
    prepared = prepare.prepare("cats-dogs", pets)
    assert prepared.rows == (11, 4)
    used = "12 pictures trained on, 4 held out: the set's own split"
    assert prepared.note == f"{used}; 1 damaged skipped: train/cats/cat.0.jpg"
    for i in range(2, 8, 2):
        (victim.parent / f"cat.{i}.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"4 of 16 pictures are damaged, train/cats/cat.0.jpg"):
        prepare.prepare("cats-dogs", pets)


def test_unusable_sets_of_cats_and_dogs(pets: Path, own_cache: Path) -> None:
    top = pets / "cats_dogs"
    stray = top / "train" / "cats" / "dog.1.jpg"
    shutil.move(top / "train" / "dogs" / "dog.1.jpg", stray)
    with pytest.raises(UserError, match=r"train/cats/dog.1.jpg is mislabelled.*move it"):
        prepare.prepare("cats-dogs", pets)
    stray.unlink()
    shutil.rmtree(top / "validation" / "dogs")
    with pytest.raises(UserError, match="both needed, for training and for testing"):
        prepare.prepare("cats-dogs", pets)
    shutil.rmtree(top)
    top.mkdir()
    with pytest.raises(UserError, match=r"cats_dogs holds no cat.N.jpg"):
        prepare.prepare("cats-dogs", pets)
    assert not own_cache.exists(), "no half-written cache"


def test_unusable_zips(tmp_path: Path) -> None:
    (tmp_path / "dogs-vs-cats.zip").write_bytes(b"PK cut short")
    with pytest.raises(UserError, match=r"dogs-vs-cats.zip is damaged.*get it again"):
        prepare.prepare("cats-dogs", tmp_path)
    with zipfile.ZipFile(tmp_path / "dogs-vs-cats.zip", "w") as archive:
        archive.writestr("train.zip", b"")
    with pytest.raises(UserError, match="unpack inner zips"):
        prepare.prepare("cats-dogs", tmp_path)


def test_names_and_folders_speak_of_classes() -> None:
    paths = {"cat.7.jpg": {0}, "Dog/7.jpg": {1}, "cats/dog.7.jpg": {0, 1}, "category.jpg": set()}
    for path, classes in paths.items():
        assert cats_dogs._says(cats_dogs.PurePosixPath(path)) == classes


def test_real_cats_and_dogs() -> None:
    if not (REAL / "cats_dogs").is_dir():
        pytest.skip(f"no real cats and dogs at {REAL / 'cats_dogs'}")
    prepared = prepare.prepare("cats-dogs", REAL)
    assert prepared.rows == (240, 80)
    assert prepared.note == "240 pictures trained on, 80 held out: the set's own split"
