"""Revisions of this project: what `--base` and `--new` name; their files, unpacked in the cache.

The repository itself is never touched. What git says when it fails is passed on in its own words.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from bench.run import environments
from bench.run.code import PROJECT, is_checkout
from bench.run.environments import Source
from bench.run.pins import pins_of
from tasks.data import cache
from tasks.errors import UserError

WORKING_TREE = "."
SECONDS = 60


def source_of(spec: str) -> Source:
    """What `--base` or `--new` names: "." (this checkout), a git revision, or pins such as
    "torch==2.12.0" (commas between several). `UserError` when it is none of them."""
    if spec == WORKING_TREE:
        return environments.HERE
    if "==" in spec:
        return Source(PROJECT, pins_of(spec))
    if not spec or spec.startswith("-"):
        raise UserError(f"{spec!r} names no revision of this repository")
    return of_commit(commit_of(spec))


def of_commit(commit: str) -> Source:
    """The code and pins of a commit, by its whole name."""
    return Source(_unpacked(commit), commit=commit)


def commit_of(revision: str) -> str:
    """The whole name of a revision's commit. `UserError` where there is none."""
    _check_repository()
    try:
        return _git("rev-parse", "--verify", f"{revision}^{{commit}}").decode().strip()
    except UserError as error:
        hint = "name a revision of this repository, a pin like torch==2.12.0, or . for this"
        if _git("rev-parse", "--is-shallow-repository").strip() == b"true":
            hint = "this clone is shallow and may lack it: `git fetch --unshallow`; or " + hint
        raise UserError(f"{revision!r}: {error}; {hint} checkout") from None


def described(project: Path) -> str:
    """The commit of a checkout, with "+" where files differ from it; "" where git tells none, as
    in an installed package, whose folder may lie in another repository."""
    words = ("describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*")
    try:
        if not _is_top(project):
            return ""
        return _git(*words, project=project).decode().strip()
    except UserError:
        return ""


def _is_top(project: Path) -> bool:
    top = _git("rev-parse", "--show-toplevel", project=project).decode(errors="replace")
    return Path(top.strip()).resolve() == project.resolve()


def _check_repository() -> None:
    if not (is_checkout() and _is_top(PROJECT)):
        raise UserError(
            f"{PROJECT} is no checkout of this suite's repository, so it has no revisions; name "
            "a pin like torch==2.12.0, or . for what is installed"
        )


def _unpacked(commit: str) -> Path:
    """Whole: files that a killed process or a cleaner has left out are unpacked again."""
    place = cache.root() / "revisions" / commit
    try:
        if not _is_whole(place, commit):
            _unpack(place, commit)
    except OSError as error:
        raise cache.cannot_write(place.parent, error) from None
    if not (place / "bench" / "worker" / "turns.py").exists():
        raise UserError(f"{commit} has a worker of an older kind, which takes no job of today's")
    return place


def _is_whole(place: Path, commit: str) -> bool:
    if not place.is_dir():
        return False
    for line in _git("ls-tree", "-r", "-l", "-z", commit).split(b"\0"):
        facts, _, name = line.partition(b"\t")
        words = facts.split()
        if len(words) < 4 or words[1] != b"blob":
            continue
        try:
            size = os.lstat(os.path.join(os.fsencode(place), name)).st_size
        except OSError:
            return False
        if size != int(words[3]):
            return False
    return True


def _unpack(place: Path, commit: str) -> None:
    """Beside its place, then renamed: another process sees all of it or nothing."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".making-", dir=place.parent))
    try:
        with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", commit))) as files:
            files.extractall(part, filter="data")
        if place.exists() and not _is_whole(place, commit):
            shutil.rmtree(place)
        if not place.exists():
            part.rename(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _git(*arguments: str, project: Path | None = None) -> bytes:
    """Its output. `UserError` with git's own reason."""
    words = ["git", "-C", str(project or PROJECT), *arguments]
    try:
        done = subprocess.run(words, capture_output=True, check=False, timeout=SECONDS)
    except FileNotFoundError:
        raise UserError("there is no `git` on the PATH, which revisions are read with") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"git {arguments[0]}: {error}") from None
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise UserError(f"git {arguments[0]}: {said[:300] or 'no reason given'}")
    return done.stdout
