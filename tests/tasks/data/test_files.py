"""Pictures, digits and archives as people have them: used as they are meant, or one line."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.data import arrays, cats_dogs, digits, prepare
from tasks.data.files import archives, splits
from tasks.errors import UserError
from tests.tasks.data.test_data import TINY, write_idx
from tests.tasks.data.test_data_families import check_pets, picture


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


def pets(place: Path, part: str, count: int) -> None:
    for i in range(count):
        name, shade = (("cat", 20), ("dog", 180))[i % 2]
        picture(place / part / f"{name}s" / f"{name}.{i}.jpg", shade)


HELD_OUT = (
    "valid", "Valid", "validation", "val", "test", "testing", "test_set", "validation-data",
    "hold_out", "holdout", "held-out", "dev", "eval", "TEST",
)  # fmt: skip


@pytest.mark.parametrize("name", HELD_OUT)
def test_common_names_of_a_held_out_part(name: str) -> None:
    assert splits.part_of(name) == "test"


@pytest.mark.parametrize("name", ["train", "Training", "training_set", "train-images"])
def test_common_names_of_a_part_to_train_on(name: str) -> None:
    assert splits.part_of(name) == "train"


@pytest.mark.parametrize("name", ["cats", "latest", "contest", "trains", "", "valid-train", "data"])
def test_other_names_speak_of_no_part(name: str) -> None:
    assert splits.part_of(name) == ""


@pytest.mark.parametrize(("train", "test"), [("train", "valid"), ("training_set", "test_set")])
def test_the_sets_own_split_is_used_and_said(tmp_path: Path, train: str, test: str) -> None:
    pets(tmp_path / "cats_dogs" / "nested", train, 12)
    pets(tmp_path / "cats_dogs" / "nested", test, 4)
    prepared = prepare.prepare("cats-dogs", tmp_path)
    check_pets(arrays.load(prepared.folder), (12, 4))
    assert prepared.note == "12 pictures trained on, 4 held out: the set's own split"


def test_pictures_beside_a_split_are_refused(tmp_path: Path) -> None:
    """Are they held out? Nobody says so."""
    pets(tmp_path / "cats_dogs", "train", 12)
    pets(tmp_path / "cats_dogs", "more", 4)
    with pytest.raises(UserError, match=r"more/cats/cat.0.jpg lies in no part"):
        prepare.prepare("cats-dogs", tmp_path)


def saved(image: Image.Image, kind: str, **more: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def test_every_kind_of_picture_is_as_a_person_sees_it() -> None:
    wide = np.zeros((40, 80, 3), np.uint8)
    wide[:, 40:] = 255
    image = Image.fromarray(wide)
    right = cats_dogs._pixels(saved(image, "PNG")).astype(int)
    assert right[:, :60].max() == 0 and right[:, 90:].min() == 255
    for kind, mode in (("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "P"), ("PNG", "RGBA")):
        found = cats_dogs._pixels(saved(image.convert(mode), kind)).astype(int)
        assert np.abs(found - right).mean() < 12, (kind, mode)
    turned = image.rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera stood upright: to be turned by 270 degrees
    found = cats_dogs._pixels(saved(turned, "PNG", exif=exif)).astype(int)
    assert np.abs(found - right).mean() < 12, "as its EXIF says"


@pytest.mark.parametrize("raw", [b"", b"<html>not found</html>", b"\xff\xd8\xff", b"\x89PNG\r\n"])
def test_what_is_no_picture_is_damaged(tmp_path: Path, raw: bytes) -> None:
    pets(tmp_path / "cats_dogs", "train", 24)
    pets(tmp_path / "cats_dogs", "test", 4)
    (tmp_path / "cats_dogs" / "train" / "cats" / "cat.2.jpg").write_bytes(raw)
    assert "1 damaged skipped: train/cats/cat.2.jpg" in prepare.prepare("cats-dogs", tmp_path).note


def zipped(path: Path, method: int = zipfile.ZIP_STORED, flag: int = 0) -> None:
    """A zip whose one member says that it is of that method, with those flags."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat.1.jpg", b"x" * 100)
    raw = bytearray(path.read_bytes())
    local, central = raw.find(b"PK\x03\x04"), raw.find(b"PK\x01\x02")
    struct.pack_into("<HH", raw, local + 6, flag, method)
    struct.pack_into("<HH", raw, central + 8, flag, method)
    path.write_bytes(bytes(raw))


@pytest.mark.parametrize(
    ("method", "flag", "words"),
    [(9, 0, "packed by method 9"), (98, 0, "packed by method 98"), (0, 1, "locked by a password")],
)
def test_archives_that_python_cannot_read_are_a_line(
    tmp_path: Path, method: int, flag: int, words: str
) -> None:
    zipped(tmp_path / "cats.zip", method, flag)
    with pytest.raises(UserError, match=words) as refused:
        prepare.prepare("cats-dogs", tmp_path)
    assert "\n" not in str(refused.value)


def test_bombs_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "cats.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat.1.jpg", bytes(10**6))
    with pytest.raises(UserError, match="claims 1000000 bytes"):
        prepare.prepare("cats-dogs", tmp_path)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(10**6)))
    with pytest.raises(UserError, match="unpacks to over"):
        archives.gunzipped(tmp_path / "bomb.gz")


def test_a_members_name_does_nothing_on_a_terminal(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cats.zip", "w") as archive:
        archive.writestr("\x1b[31mcat.1.jpg", b"x")
    zipped_names = archives.printable("\x1b[31m\ncat")
    assert zipped_names == "?[31m?cat"


@pytest.mark.parametrize("place", ["MNIST/raw", "mnist", "", "raw"])
@pytest.mark.parametrize("packed", [True, False])
def test_digits_where_torchvision_leaves_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, packed: bool
) -> None:
    monkeypatch.setattr(digits, "MNIST_SHA256", arrays.digest(TINY))
    folder = tmp_path / "data" / place
    folder.mkdir(parents=True)
    write_idx(folder)
    if not packed:
        for path in folder.glob("*.gz"):
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
    prepared = prepare.prepare("digits", tmp_path / "data")
    assert (prepared.id, prepared.embedded) == ("mnist", False)


def test_a_fall_back_to_embedded_data_is_said(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "readme").write_text("")
    prepared = prepare.prepare("digits", tmp_path / "other")
    assert prepared.embedded
    assert "lacks the four MNIST" in prepared.note
