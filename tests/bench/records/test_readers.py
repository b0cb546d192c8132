"""Every reader of files from outside, given every kind of bad input: one line, or read and said.

The table is what came out (`nox -s faults` writes it into results/faults).
"""

from __future__ import annotations

import gzip
import io
import pickle
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.history import store
from bench.records.results import Results
from bench.records.store import Run
from bench.run import pins
from tasks.data import cats_dogs, digits, prepare, reviews, series
from tasks.errors import UserError
from tasks.own.sources import Csv, Npz, Pictures
from tests.bench.history.made import entry
from tests.support import faults, small
from tests.support.records import record, run_file, stored
from tests.support.task_files import write_data

FNN = replace(small.FNN, input_shape=(4,))


class Touched:
    """A pickle that would make a file when it is read."""

    place = ""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (Touched.place, "w")


def pickled(place: Path) -> bytes:
    Touched.place = str(place)
    return pickle.dumps(Touched())


def npz_pickled(place: Path) -> bytes:
    Touched.place = str(place)
    file = io.BytesIO()
    names = ("x", "y", "x_train", "y_train", "x_test", "y_test")
    np.savez(file, **{name: np.array([Touched()], object) for name in names})
    return file.getvalue()


def bomb() -> bytes:
    """A small zip whose members unpack to much."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("x.npy", "x_train.npy", "cat.1.jpg"):
            archive.writestr(name, bytes(3 * 10**7))
    return file.getvalue()


BAD: dict[str, Callable[[bytes, Path], bytes]] = {
    "empty": lambda good, place: b"",
    "cut short": lambda good, place: good[: len(good) // 2],
    "zeros": lambda good, place: bytes(len(good)),
    "random bytes": lambda good, place: np.random.default_rng(0).bytes(5000),
    "a page of HTML": lambda good, place: b"<html><body>404 not found</body></html>\n",
    "another's JSON": lambda good, place: b'{"a": [1, 2, {"b": null}]}',
    "deep JSON": lambda good, place: b"[" * 10**5,
    "a pickle with code": lambda good, place: pickled(place),
    "an NPZ with code": lambda good, place: npz_pickled(place),
    "a bomb": lambda good, place: bomb(),
    "gzip of zeros": lambda good, place: gzip.compress(bytes(10**7)),
    "terminal escapes": lambda good, place: b"\x1b[2J\x1b]0;owned\x07,1\n" * 200,
    "text in UTF-16": lambda good, place: "1,2\n3,4\n".encode("utf-16") * 3,
    "NaN": lambda good, place: b"x,y\n" + b"1,NaN\n" * 200,
    "huge numbers": lambda good, place: b"x,y\n" + b"1,1e999\n" * 200,
}


def run_folder(tmp_path: Path) -> Path:
    stored(Run.create(tmp_path / "run", run_file()), [record()])
    return tmp_path / "run"


def _run(path: Path) -> object:
    return Results.read(Run.open(path.parent))


def _launch(path: Path) -> object:
    return Results.read(Run.open(path.parents[1]))


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "run.json": ("run/run.json", _run),
    "a launch's record": ("run/launches/LAUNCH", _launch),
    "a history's entry": ("history/ENTRY", lambda path: store.load(path.parent)),
    "a series (CSV)": ("mine.csv", lambda path: series.decode([path], 12, rises=False)),
    "one's own table (CSV)": ("wine.csv", lambda path: Csv(path.name).rows(path.parent, FNN)),
    "one's own arrays (NPZ)": ("good.npz", lambda path: Npz(path.name).rows(path.parent, FNN)),
    "one's own pictures": (
        "pictures/a/1.png",
        lambda path: Pictures("pictures").rows(path.parents[2], replace(FNN, input_shape=(8, 8))),
    ),
    "MNIST (idx, gzip)": ("train-images-idx3-ubyte.gz", lambda path: digits.decode([path])),
    "MNIST (NPZ)": ("mnist.npz", lambda path: digits.decode([path])),
    "IMDb (NPZ)": ("imdb.npz", lambda path: reviews.decode([path])),
    "cats and dogs (zip)": ("cats.zip", lambda path: cats_dogs.decode([path])),
    "pins of a revision": ("adapters/pins.toml", lambda path: pins.shared_pins(path.parents[1])),
}  # fmt: skip


@pytest.fixture
def good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file for each reader, most of them as they should be."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    run = run_folder(tmp_path)
    (launch,) = (run / "launches").iterdir()
    launch.rename(run / "launches" / "LAUNCH.json")
    store.append(tmp_path / "history", entry(0))
    write_data(tmp_path)
    from PIL import Image

    for name in ("a", "b"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(8):
            place = tmp_path / "pictures" / name / f"{number}.png"
            Image.new("L", (9, 9), number).save(place)
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "pins.toml").write_text('worker = ["pytest==9"]')
    (tmp_path / "mine.csv").write_text("\n".join(f"{n},{n % 7}" for n in range(200)))
    return tmp_path


@pytest.mark.parametrize("kind", [*BAD, "a folder in its place", "not there"])
def test_every_reader_answers_bad_input_in_a_line(good: Path, kind: str) -> None:
    touched = good / "touched"
    for reader, (name, read) in READERS.items():
        path = good / name.replace("LAUNCH", "LAUNCH.json").replace(
            "ENTRY", next((good / "history").iterdir()).name if reader.startswith("a hist") else ""
        )
        whole = path.read_bytes() if path.is_file() else b"x" * 1000
        if kind in BAD:
            path.write_bytes(BAD[kind](whole, touched))
        else:
            path.unlink(missing_ok=True)
            if kind == "a folder in its place":
                path.mkdir()
        try:
            read(path)
            said = "read"
        except UserError as error:
            said = str(error).replace(str(good), "…")
            assert "\n" not in said and "\x1b" not in said, (reader, kind, said)
        finally:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            path.write_bytes(whole)
        assert not touched.exists(), f"{reader} ran the code of a pickle"
        faults.READERS[reader, kind] = said.replace("|", "\\|")[:160]


def test_numbers_come_only_from_files_that_were_meant(good: Path) -> None:
    """What is read in spite of all: a folder that lacks one of several files, text in another
    encoding, and a text that ends earlier, which nothing in it tells."""
    rows = {key for key, said in faults.READERS.items() if said == "read"}
    harmless = ("not there", "text in UTF-16", "empty")
    assert all(
        kind in harmless or (name, kind) == ("a series (CSV)", "cut short") for name, kind in rows
    ), rows


def test_the_data_families_are_all_here() -> None:
    named = {f for f in prepare.FAMILIES.values() if f.wanted}
    assert {f.find.__module__.rpartition(".")[2] for f in named} == {
        "digits", "cats_dogs", "series", "reviews",
    }  # fmt: skip
