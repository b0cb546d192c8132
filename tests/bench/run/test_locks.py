"""Locks: those that are committed fit their pins; what is not the locked file is refused."""

from __future__ import annotations

import hashlib
import re
from functools import partial
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

from bench.audit import locks as resolving
from bench.cli.main import app
from bench.run import environments, installing, locks, source
from bench.run.code import PROJECT
from bench.run.environments import Source
from bench.run.interpreters import wanted
from bench.run.pins import Pins, package
from tests.bench.run.test_interpreters import HERE, uv, wheel

__all__ = ["uv"]  # a fixture
PIN = "tiny-thing>=1.0"
LINE = re.compile(r"[a-z0-9.-]+==[^ ]+( --hash=sha256:[0-9a-f]{64})+")
MOST_BYTES = 2**20


def misfits(text: str, pins: tuple[str, ...], python: str) -> list[str]:
    """What is wrong with a lock of these pins."""
    digest, *lines = text.splitlines() or [""]
    found = [] if digest == locks.OF_PINS + locks.digest_of(pins) else ["it is of other pins"]
    found += [f"no line of a lock: {line}" for line in lines if not LINE.fullmatch(line)]
    held = dict(line.split(" ")[0].split("==") for line in lines if LINE.fullmatch(line))
    for pin in Pins(pins).on(python):
        version = held.get(package(pin))
        if version is None or not Requirement(pin).specifier.contains(version):
            found.append(f"it does not hold {pin}")
    return found


PLACES = list(resolving.places())


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.path.name)
def test_every_environment_has_a_lock_that_fits_its_pins(place: resolving.LockedPlace) -> None:
    text = place.path.read_text(encoding="utf-8") if place.path.exists() else ""
    found = misfits(text, place.wanted, place.python)
    assert not found, f"{found}; run python -m bench.audit.locks {place.name}"


def test_a_lock_that_does_not_fit_is_seen() -> None:
    pins = ("one==1", "two==2.0")
    line = f"one==1 --hash=sha256:{'0' * 64}"
    other = line.replace("one==1", "two==2.0+cpu")
    text = f"{locks.OF_PINS}{locks.digest_of(pins)}\n{line}\n{other}\n"
    assert misfits(text, pins, "3.11") == []
    for wrong in (text.replace("==2.0", "==2.1"), text.replace("sha256:0", "sha256:x"),
                  text.replace(line, "one==1"), text[:-90], ""):  # fmt: skip
        assert misfits(wrong, pins, "3.11")
    assert misfits(text, (*pins, "three==3"), "3.11")


def test_they_are_small_name_no_host_and_none_is_left_over() -> None:
    files = sorted(PROJECT.glob(f"adapters/*/{locks.FOLDER}/*"))
    assert files == sorted(place.path for place in PLACES)
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    assert not any("/" in path.read_text(encoding="utf-8") for path in files)


def test_a_package_without_wheels_is_locked_by_its_source() -> None:
    source = {"name": "a", "version": "1", "sdist": {"hashes": {"sha256": "b" * 64}}}
    assert resolving.line(source) == f"a==1 --hash=sha256:{'b' * 64}"
    wheels = [{"hashes": {"sha256": digit * 64}} for digit in "dc"]
    both = f"a==1 --hash=sha256:{'c' * 64} --hash=sha256:{'d' * 64}"
    assert resolving.line(source | {"wheels": wheels}) == both


# --- bench setup ----------------------------------------------------------------------------------


@pytest.fixture(params=["uv", "pip"])
def index(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the only index, with one package, for uv and for pip."""
    program = request.getfixturevalue("uv") if request.param == "uv" else ""
    monkeypatch.setattr(installing, "uv", lambda: program)
    folder = tmp_path / "index"
    folder.mkdir()
    told = {"UV_NO_INDEX": "1", "UV_FIND_LINKS": str(folder), "UV_NO_CACHE": "1"}
    (tmp_path / "limits.txt").write_text("another<=2\n")  # no lock, and so no matter of locks
    told |= {"UV_CONSTRAINT": str(tmp_path / "limits.txt")}
    told |= {"PIP_CONSTRAINT": str(tmp_path / "limits.txt")}
    told |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}
    monkeypatch.chdir(tmp_path)  # `python -c` imports from where it is first
    for name, value in (told | {"BENCH_ENVS": str(tmp_path / "envs")}).items():
        monkeypatch.setenv(name, value)
    return wheel(folder)


def checkout(folder: Path, package: Path, version: str = "1.0", content: bytes = b"") -> Source:
    """A revision whose scikit-learn is a package of one module, locked.

    content: of the file that was locked, where it is not the one that the index has.
    """
    adapter = folder / "adapters" / "sklearn"
    (adapter / locks.FOLDER).mkdir(parents=True)
    for place in (folder / "adapters", adapter):
        (place / "__init__.py").write_text("")
    module = environments._module("sklearn").rpartition(".")[2]
    (adapter / f"{module}.py").write_text("import tiny_thing\n")
    (folder / "pyproject.toml").write_text("")
    (folder / "adapters" / "pins.toml").write_text("worker = []\n")
    (adapter / "pins.toml").write_text(f'[sklearn]\npythons = ["{HERE}"]\ncpu = ["{PIN}"]\n')
    digest = hashlib.sha256(content or package.read_bytes()).hexdigest()
    (adapter / locks.FOLDER / locks.file_name("sklearn", "cpu", HERE)).write_text(
        f"{locks.OF_PINS}{locks.digest_of([PIN])}\ntiny-thing=={version} --hash=sha256:{digest}\n"
    )
    return Source(folder)


def test_what_is_locked_is_installed_by_its_hash_and_kept_in_the_record(
    index: Path, tmp_path: Path
) -> None:
    of = checkout(tmp_path / "revision", index)
    said: list[str] = []
    made = environments.setup(["sklearn"], "cpu", said.append, of, wanted([HERE]))["sklearn"]
    assert made.status == "ready", made.reason
    (lock,) = of.project.rglob("*.txt")
    assert made.lock == hashlib.sha256(lock.read_bytes()).hexdigest()
    assert said[-1].endswith(f"every file by its hash (lock {made.lock[:12]})")
    assert source.facts(of, ["sklearn"], "cpu")["locks"] == {"sklearn": made.lock}
    lock.write_text(lock.read_text() + "# resolved anew\n")
    assert environments.describe("sklearn", "cpu", of).reason.startswith("its lock changed: ")


def test_another_file_than_the_locked_one_is_refused_in_one_line(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = checkout(tmp_path / "revision", index, content=b"another")
    monkeypatch.setattr(environments, "setup", partial(environments.setup, source=of))
    done = CliRunner().invoke(app, ["setup", "--implementations", "sklearn"])
    said = [line for line in done.output.splitlines() if "SHA-256" in line]
    assert len(said) == 1 and "tiny" in said[0], done.output
    assert "uninstallable" in said[0]
    assert not list((tmp_path / "envs").rglob("tiny_thing.py"))
    assert done.exit_code != 0


def test_where_no_index_has_the_locked_build_the_pins_are_taken_and_it_is_said(
    index: Path, tmp_path: Path
) -> None:
    of = checkout(tmp_path / "revision", index, version="1.0+cpu")
    said: list[str] = []
    made = environments.setup(["sklearn"], "cpu", said.append, of, wanted([HERE]))["sklearn"]
    assert (made.status, made.lock) == ("ready", ""), made.reason
    assert "from its pins, without hashes (no index here has all that" in said[-1]
    assert source.facts(of, ["sklearn"], "cpu")["locks"] == {}
    assert environments.describe("sklearn", "cpu", of) == made


def test_what_serves_is_found_and_what_does_not_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"")
    project, pins = checkout(tmp_path / "revision", tmp_path / "a.whl").project, [PIN]
    found = locks.find((PROJECT, project), "sklearn", "cpu", HERE, pins)
    assert found.path and found.words(pins) == ["--require-hashes", "-r", str(found.path)]
    assert found == locks.find((project,), "sklearn", "cuda", HERE, pins)  # it has but one flavour
    for other, reason in (
        (locks.find((project,), "sklearn", "cpu", HERE, ["tiny-thing>=2"]), "is of other pins"),
        (locks.find((project,), "sklearn", "cpu", "3.99", pins), "no lock for Python 3.99"),
        (locks.find((project,), "torchlike", "cpu", HERE, pins), f"no lock for Python {HERE}"),
    ):
        assert (other.path, other.digest, other.words(pins)) == (None, "", pins)
        assert reason in other.reason
    found.path.write_bytes(b"\xff\xfe")
    assert locks.find((project,), "sklearn", "cpu", HERE, pins).path is None
