"""The locks of all environments, resolved anew.

``python -m bench.audit.locks [ENVIRONMENT ...]`` asks uv, for each environment of
adapters/*/pins.toml (or those named), each interpreter that its pins are for and each device, for
all packages that they need, and writes their versions and the SHA-256 of the wheels for Linux on
x86_64 beside the pins. Which index is asked is what pip's or uv's settings say; nothing of it is
written. What cannot be resolved is said, and the exit status is then 1.

It needs uv (`pip install framework-bench[uv]`).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.deploy import environments as deployed
from bench.records.store import write_atomically
from bench.run import installing, locks
from bench.run.code import PROJECT
from bench.run.environments import requirements

PLATFORM, SYSTEM = "x86_64-manylinux_2_28", "linux-x86_64"  # uv's name of it, and ours
TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class LockedPlace:
    """An environment to lock. python: its interpreter ("3.12"). wanted: its pins on that. folder:
    of its pins. over: the environment that it is laid over, whose lock holds here too."""

    name: str
    device: str
    python: str
    wanted: tuple[str, ...]
    folder: Path
    over: str = ""

    @property
    def path(self) -> Path:
        """Of its lock."""
        name = locks.file_name(self.name, self.device, self.python, SYSTEM)
        return self.folder / locks.FOLDER / name

    def below(self) -> list[str]:
        """What the lock of the environment below allows: exact versions."""
        name = locks.file_name(self.over, "cpu", self.python, SYSTEM)
        found = sorted(PROJECT.glob(f"adapters/*/{locks.FOLDER}/{name}")) if self.over else []
        pairs = [pair for path in found for pair in locks.versions(path).items()]
        return [f"{name}=={version}" for name, version in pairs]


def places() -> Iterator[LockedPlace]:
    """All environments of the project; those that others are laid over first."""
    runtimes = deployed.PINS
    own = [path for path in sorted(PROJECT.glob("adapters/*/pins.toml")) if path != runtimes]
    for path in own:
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            devices = ("cpu", "cuda") if "cuda" in table else ("cpu",)
            for device in devices:
                for python in table["pythons"]:
                    wanted = tuple(requirements(name, device, python=python))
                    yield LockedPlace(name, device, python, wanted, path.parent)
    for name, table in deployed.tables().items():
        wanted = tuple(deployed.requirements(name))
        over = str(table.get("over", ""))
        for python in table["pythons"]:
            yield LockedPlace(name, "cpu", python, wanted, runtimes.parent, over)


def resolve(place: LockedPlace) -> tuple[str, str]:
    """The text of a lock; or else the reason why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        asked, limits = Path(folder, "asked.in"), Path(folder, "limits.txt")
        answer = Path(folder, "pylock.toml")
        asked.write_text("\n".join(place.wanted), encoding="utf-8")
        limits.write_text("\n".join(place.below()), encoding="utf-8")
        words = [
            installing.uv(), "pip", "compile", "-q", str(asked), "--constraint", str(limits),
            "--format", "pylock.toml", "--python-version", place.python,
            "--python-platform", PLATFORM, "--output-file", str(answer),
        ]  # fmt: skip
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, env=installing.variables(),
            timeout=TIMEOUT_SECONDS,
        )  # fmt: skip
        if done.returncode:
            return "", " ".join(done.stderr.split())[-300:]
        packages = tomllib.loads(answer.read_text(encoding="utf-8"))["packages"]
    lines = [line(package) for package in packages]
    return "\n".join([f"{locks.OF_PINS}{locks.digest_of(place.wanted)}", *lines, ""]), ""


def line(package: Mapping[str, Any]) -> str:
    """A package of uv's answer as a line of a lock: its wheels; where it has none, its source."""
    files = package.get("wheels") or [package["sdist"]]
    hashes = sorted({str(file["hashes"]["sha256"]) for file in files})
    name = f"{package['name']}=={package['version']}"
    return " ".join([name, *(f"--hash=sha256:{digest}" for digest in hashes)])


def main(words: list[str]) -> int:
    """Write the locks; the exit status."""
    if not installing.uv():
        print("uv is needed to resolve them: pip install uv")
        return 2
    failed = False
    for place in places():
        if words and place.name not in words:
            continue
        text, reason = resolve(place)
        if text:
            place.path.parent.mkdir(exist_ok=True)
            write_atomically(place.path, text)
        failed |= not text
        print(
            f"{place.path.name}: {reason or f'{len(text.splitlines()) - 1} packages'}", flush=True
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
