"""Archives of users, read member by member: what cannot be read is one line, nothing is unpacked
to disk, and no member fills the memory."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

from tasks.errors import UserError

MOST_BYTES = 2**28  # of one member, unpacked; the largest of ours has 47 MB
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
BROKEN = (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error,
          zipfile.BadZipFile, zipfile.LargeZipFile)  # fmt: skip
NO_PICKLES = "it holds pickled objects, which may run code and are not read; save plain arrays"


def is_of_pickles(error: Exception) -> bool:
    """Whether NumPy refused a pickle; its words tell how to run it instead."""
    return "allow_pickle" in str(error)


def opened(path: Path) -> zipfile.ZipFile:
    """A zip whose members can be read. `UserError` for a damaged one, a password, a method that
    Python does not know (Windows packs large files by method 9), and for bombs."""
    try:
        archive = zipfile.ZipFile(path)
        members = archive.infolist()
    except OSError as error:
        raise UserError(f"{path} cannot be opened: {error.strerror or error}") from None
    except BROKEN as error:
        raise UserError(f"{path} is damaged ({error}); get it again") from None
    for member in members:
        name = f"{path}: {printable(member.filename)}"
        if member.flag_bits & 1:
            raise UserError(f"{name} is locked by a password; unpack the archive into a folder")
        if member.compress_type not in _READABLE:
            raise UserError(
                f"{name} is packed by method {member.compress_type}, which Python cannot read; "
                "unpack the archive into a folder"
            )
        if member.file_size > MOST_BYTES:
            raise UserError(f"{name} claims {member.file_size} bytes; no file of a set has so many")
    return archive


def gunzipped(path: Path) -> bytes:
    """The bytes of a gzip file, or of one that is unpacked already. `UserError` when damaged."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed or path.suffix == ".gz" else path.open("rb") as file:
            raw: bytes = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is damaged ({error}); replace it") from None
    if len(raw) > MOST_BYTES:
        raise UserError(f"{path} unpacks to over {MOST_BYTES >> 20} MiB, which no set has")
    return raw


def printable(name: str) -> str:
    """A member's name on a terminal: what would act there is shown as "?"."""
    return "".join(c if c.isprintable() else "?" for c in name)[:80]
