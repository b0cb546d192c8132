"""The cache, the choice of a set, the digits and the download. No framework, no network."""

from __future__ import annotations

import errno
import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.data import arrays, cache, digits, prepare
from tasks.data.arrays import Arrays
from tasks.data.family import About, DataFamily, Decoded
from tasks.errors import UserError

REAL = Path(__file__).parents[4] / "shared" / "data"
TINY = Arrays(
    np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28),
    np.array([0, 1], np.int32),
    np.zeros((1, 28, 28), np.uint8),
    np.array([2], np.int32),
)
IDX = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tiny_is_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "MNIST_SHA256", arrays.digest(TINY))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


def write_idx(folder: Path) -> None:
    for name, array in zip(IDX, vars(TINY).values(), strict=True):
        sizes = np.array(array.shape, ">u4").tobytes()
        head = bytes([0, 0, 8, array.ndim]) + sizes
        (folder / f"{name}-ubyte.gz").write_bytes(
            gzip.compress(head + array.astype(np.uint8).tobytes())
        )


def write_npz(path: Path) -> None:
    np.savez(path, **{name: value.astype(np.uint8) for name, value in vars(TINY).items()})


def decoded(rows: int = 3) -> Decoded:
    x, y = np.zeros((rows, 2), np.float32), np.zeros(rows, np.float32)
    return Decoded(About("some", "here", "free"), Arrays(x, y, x, y), embedded=True)


@pytest.mark.usefixtures("tiny_is_mnist")
def test_either_container_gives_the_same_mnist(folder: Path) -> None:
    (folder / "mnist").mkdir()
    write_idx(folder / "mnist")
    from_idx = prepare.prepare("digits", folder)
    write_npz(folder / "mnist.npz")
    from_npz = prepare.prepare("digits", folder)
    assert (from_idx.id, from_idx.embedded, from_idx.rows) == ("mnist", False, (2, 1))
    assert from_npz == from_idx
    loaded = arrays.load(from_idx.folder)
    assert np.array_equal(loaded.x_train, TINY.x_train * np.float32(1 / 255))
    assert prepare.prepare("digits") == from_idx, (
        "the cached canonical set is used without --data-dir"
    )


@pytest.mark.usefixtures("tiny_is_mnist")
def test_files_seen_before_are_not_decoded_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_npz(folder / "mnist.npz")
    first = prepare.prepare("digits", folder)
    monkeypatch.setattr(digits, "_npz", lambda path: pytest.fail("decoded twice"))
    assert prepare.prepare("digits", folder) == first


def test_other_contents_are_refused(folder: Path, own_cache: Path) -> None:
    write_npz(folder / "mnist.npz")
    with pytest.raises(UserError, match=r"is not MNIST.*expected 9a673640.*replace"):
        prepare.prepare("digits", folder)
    assert not own_cache.exists()


def test_spoiled_files_are_refused(folder: Path) -> None:
    write_idx(folder)
    file = folder / "train-images-idx3-ubyte.gz"
    whole = file.read_bytes()
    for spoiled, why in (
        (whole[: len(whole) // 2], "is damaged"),
        (b"no gzip", "is damaged"),
        (whole[:30] + bytes(9) + whole[39:], "is damaged"),
        (gzip.compress(b"\0\0\x08"), "no idx file"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x09abc"), "no idx file"),
    ):
        file.write_bytes(spoiled)
        with pytest.raises(UserError, match=f"train-images.*{why}.*replace"):
            prepare.prepare("digits", folder)
    file.unlink()
    with pytest.raises(UserError, match=r"train-images.* is missing"):
        prepare.prepare("digits", folder)
    (folder / "mnist.npz").write_bytes(b"PK no zip")
    with pytest.raises(UserError, match=r"mnist.npz is damaged.*get it again"):
        prepare.prepare("digits", folder)


def test_missing_and_empty_folders_are_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="is no folder"):
        prepare.prepare("digits", folder / "none")
    with pytest.raises(UserError, match="is empty"):
        prepare.prepare("digits", folder)
    with pytest.raises(UserError, match="no data set 'digit'; choose from: digits, fair"):
        prepare.prepare("digit")


def test_the_embedded_digits_are_balanced_and_the_same_every_time() -> None:
    first, second = digits.make(), digits.make()
    assert arrays.digest(first.arrays) == arrays.digest(second.arrays)
    assert first.arrays.x_train.shape == (4000, 28, 28)
    assert set(np.bincount(first.arrays.y_train)) == {400}
    assert set(np.bincount(first.arrays.y_test)) == {100}


def test_a_folder_without_the_files_falls_back_and_says_so(folder: Path) -> None:
    (folder / "other.txt").write_text("x")
    prepared = prepare.prepare("reviews", folder)
    assert prepared.embedded and f"{folder} lacks Keras's imdb.npz" in prepared.note
    assert prepare.prepare("reviews").note == ""


def test_real_mnist(folder: Path) -> None:
    if not (REAL / "mnist").is_dir():
        pytest.skip(f"no real MNIST at {REAL / 'mnist'}")
    prepared = prepare.prepare("digits", REAL)
    assert prepared.sha256 == digits.MNIST_SHA256 and prepared.rows == (60_000, 10_000)
    raw = {name: np.load(prepared.folder / f"{name}.npy") for name in arrays.NAMES}
    np.savez(folder / "mnist.npz", **{name: value.astype(np.uint8) for name, value in raw.items()})
    assert prepare.prepare("digits", folder) == prepared


@pytest.mark.parametrize("call", [0, 3, 4])
def test_a_full_disk_leaves_nothing(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    real, calls = Path.open, iter(range(100))  # four arrays, then the manifest

    def full(path: Path, *rest: object, **more: object) -> object:
        if ".making-" in str(path) and next(calls) == call:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(UserError, match=r"no space left for the data cache.*BENCH_CACHE"):
        cache.keep("family", decoded())
    assert list((own_cache / "family").iterdir()) == []
    monkeypatch.undo()
    monkeypatch.setenv("BENCH_CACHE", str(own_cache))
    assert cache.keep("family", decoded()).rows == (3, 3)


def test_a_spoiled_cache_is_made_again(own_cache: Path) -> None:
    kept = cache.keep("family", decoded())
    (kept.folder / "x_train.npy").write_bytes(b"short")
    assert cache.find("family", "some") is None
    assert cache.keep("family", decoded()) == kept == cache.find("family", "some")
    (kept.folder / "manifest.json").write_text("{")
    assert cache.keep("family", decoded()) == kept
    assert [p.name for p in (own_cache / "family").iterdir()] == [kept.folder.name]


def test_different_contents_of_one_id_never_mix() -> None:
    folders = {cache.keep("family", decoded(rows)).folder for rows in (3, 4)}
    assert len(folders) == 2


def test_what_a_killed_process_left_is_removed_once_old(own_cache: Path) -> None:
    for name, age in ((".making-old", 1e6), (".making-new", 0.0)):
        left = own_cache / "family" / name
        left.mkdir(parents=True)
        os.utime(left, (left.stat().st_atime, left.stat().st_mtime - age))
    cache.keep("family", decoded())
    names = {p.name for p in (own_cache / "family").glob(".making-*")}
    assert names == {".making-new"}


def test_two_processes_at_once(own_cache: Path) -> None:
    code = "from tasks.data import prepare; print(prepare.prepare('sequence').folder)"
    run = [subprocess.Popen([sys.executable, "-c", code], stdout=-1, text=True) for _ in range(3)]
    outputs = {process.communicate()[0] for process in run}
    assert [process.returncode for process in run] == [0, 0, 0] and len(outputs) == 1
    assert [p.name[:3] for p in (own_cache / "sequence").iterdir()] == ["co2"]


@pytest.mark.usefixtures("tiny_is_mnist")
def test_fetch_verifies_and_caches(folder: Path) -> None:
    write_npz(folder / "there.npz")
    seen: list[tuple[int, int | None]] = []
    url = (folder / "there.npz").as_uri()
    got = prepare.fetch("mnist", lambda done, total: seen.append((done, total)), url)
    size = (folder / "there.npz").stat().st_size
    assert seen[-1] == (size, size)
    assert prepare.prepare("digits").folder == got
    status = prepare.status("digits")
    assert (status.id, status.state, status.canonical) == ("mnist", "canonical, cached", "")
    assert status.folder == got and status.size_bytes > 0


def test_fetch_refuses_other_contents_and_says_what_to_do(folder: Path, own_cache: Path) -> None:
    write_npz(folder / "there.npz")
    with pytest.raises(UserError, match=r"is refused: it is not MNIST.*--data-dir"):
        prepare.fetch("digits", url=(folder / "there.npz").as_uri())
    with pytest.raises(UserError, match=r"cannot download file:.*put Keras's imdb.npz.*--data-dir"):
        prepare.fetch("imdb", url=(folder / "none.npz").as_uri())
    with pytest.raises(UserError, match="cats-dogs has no public file to download; put a folder"):
        prepare.fetch("cats-dogs")
    with pytest.raises(UserError, match="binary20 needs no download"):
        prepare.fetch("binary20")
    assert list(own_cache.iterdir()) == [], "nothing of a refused download is left"


def test_status_prepares_nothing(own_cache: Path) -> None:
    states = {name: prepare.status(name) for name in prepare.FAMILIES}
    assert {s.state for s in states.values()} == {"embedded, not yet prepared"}
    assert states["digits"].canonical.startswith("bench data fetch mnist, or put the four MNIST")
    assert not own_cache.exists()


def test_every_task_has_a_family_whose_rows_fit_it() -> None:
    from tasks.catalogue.every import TASKS

    assert {task.data for task in TASKS} <= set(prepare.FAMILIES)
    assert all(task.target is not None for task in TASKS), "time to accuracy needs a target"


def test_a_manifest_says_all_a_worker_and_a_report_need() -> None:
    kept = cache.keep("family", replace(decoded(), scale=0.5, note="n"))
    manifest = json.loads((kept.folder / "manifest.json").read_text())
    assert manifest["scale"] == 0.5 and manifest["sha256"] == kept.sha256 and kept.note == "n"
    assert isinstance(arrays.load(kept.folder).x_train, np.memmap)


def test_a_family_without_files_looks_for_none(folder: Path) -> None:
    family = DataFamily("f", About("f", "", ""), decoded)
    assert family.find(folder) == [] and family.advice == ""
