"""The commands that make virtual environments and install into them: uv's where it is, else pip's.

Which index, which wheels and which certificates is the user's matter, and pip's settings say it. uv
reads none of them, so it is given those of pip, unless the user has told uv something.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.run.installer import installer_environment

# pip's variable, without PIP_: uv's, and what stands between several.
OF_PIP = {
    "INDEX_URL": ("UV_DEFAULT_INDEX", " "),
    "EXTRA_INDEX_URL": ("UV_INDEX", " "),
    "FIND_LINKS": ("UV_FIND_LINKS", ","),
    "CONSTRAINT": ("UV_CONSTRAINT", " "),
    "CERT": ("SSL_CERT_FILE", " "),
}
# An environment that the shell has activated is not the one that is made.
ACTIVATED = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")


def uv() -> str:
    """uv's program, beside this Python or on the path; empty where there is none."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv") or ""


def virtual_environment(place: Path, python: str) -> list[str]:
    """The command that makes one in `place`, which must be empty. python: an interpreter, or with
    uv a version that it fetches."""
    if program := uv():
        return [program, "venv", "-q", "--allow-existing", "--python", python, str(place)]
    return [python, "-m", "venv", str(place)]


def install(python: str) -> list[str]:
    """The command that installs into the environment of that interpreter, without its packages."""
    if program := uv():
        return [program, "pip", "install", "-q", "--compile-bytecode", "--python", python]
    return [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]


def variables() -> dict[str, str]:
    """Of these commands: the user's own, with index, proxies and certificates."""
    kept = {k: v for k, v in installer_environment().items() if k not in ACTIVATED}
    return kept | pips_settings(kept) if uv() and not _uv_is_told(kept) else kept


def _uv_is_told(variables: Mapping[str, str]) -> bool:
    """Whether the user has said to uv where packages come from."""
    places = (Path(variables.get("XDG_CONFIG_HOME", "~/.config")).expanduser(), Path("/etc"))
    words = ("INDEX", "FIND_LINKS", "CONFIG_FILE", "CONSTRAINT")
    named = any(name.startswith("UV_") and any(w in name for w in words) for name in variables)
    return named or any((place / "uv" / "uv.toml").exists() for place in places)


def pips_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """uv's variables that say what pip's say; a best match over all indexes, as pip has it."""
    given = {
        name: between.join(value.split())
        for setting, (name, between) in OF_PIP.items()
        if (value := variables.get(f"PIP_{setting}", "").strip())
    }
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", **given} if given else {}
