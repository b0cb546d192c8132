"""One file over the network: whole or not at all, and what broke off goes on where it stopped.

Beside the file stand, until it is whole, a part (`NAME.part`) and what the server said of it
(`NAME.about`). Going on is a range request with `If-Range` (RFC 9110, sections 13.1.5 and 14): the
server sends the rest where the file is still the one that was begun, and all of it otherwise.
Proxies are those of the environment (`https_proxy`, `no_proxy`), as urllib reads them.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

from tasks.data.files.archives import printable

OnProgress = Callable[[int, int | None], None]
"""Called with the bytes done and the bytes in all, None where the server does not say."""

MOST_BYTES = 2**28  # of one download; the largest of ours has 17 MB
_CHUNK_BYTES = 1 << 18
_TIMEOUT_SECONDS = 30.0
_SIZE = re.compile(r"\d{1,18}")
_RANGE = re.compile(rf"bytes ({_SIZE.pattern})-{_SIZE.pattern}/({_SIZE.pattern}|\*)")


class Broken(Exception):
    """The network or the server failed, in one line; what has come is kept."""


class TooLarge(Broken):
    """More than any set has; nothing is kept."""


@dataclass(frozen=True)
class _Part:
    """The part of a file that is here. validator: the entity tag or date by which the server knows
    the version that it is of, empty where it gave none that is exact. total: None if unknown."""

    have: int
    validator: str
    total: int | None

    @property
    def whole(self) -> bool:
        return self.have == self.total


_NOTHING = _Part(0, "", None)


def get(place: str, file: Path, progress: OnProgress | None = None) -> bool:
    """Download `place` to `file`, which is there only once it is whole. True when some of it came
    by an earlier call; whoever knows its hash can then `forget` it and ask again.

    Raises `Broken`, and OSError where the file cannot be written: then nothing is left of it.
    """
    part = _part_here(file)
    resumed = part.have > 0
    if not part.whole:
        response = _ask(place, part)
        with response:
            resumed = resumed and response.status == HTTPStatus.PARTIAL_CONTENT
            if not resumed:
                part = _begun(file, response.headers)
            try:
                with _part_of(file).open("ab") as target:
                    _copy(response, target, part, progress)
            except (OSError, TooLarge):
                forget(file)
                raise
    os.replace(_part_of(file), file)
    _about_of(file).unlink(missing_ok=True)
    return resumed


def can_go_on(file: Path) -> bool:
    """Whether a part is here that a further `get` goes on from."""
    return _part_here(file).have > 0


def forget(file: Path) -> None:
    """Remove the file, its part, and what is known of it."""
    for path in (file, _part_of(file), _about_of(file)):
        path.unlink(missing_ok=True)


def _part_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.part")


def _about_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.about")


def _part_here(file: Path) -> _Part:
    """The part that is here; one that nothing exact is known of counts for nothing."""
    try:
        have = _part_of(file).stat().st_size
        raw = json.loads(_about_of(file).read_text(encoding="utf-8"))
        total = raw["total"] if raw["total"] is None else int(raw["total"])
        part = _Part(have, str(raw["validator"]), total)
    except (OSError, ValueError, KeyError, TypeError):
        return _NOTHING
    too_long = total is not None and have > total
    return part if part.validator and not too_long else _NOTHING


def _begun(file: Path, headers: Any) -> _Part:
    """An empty part, and beside it what the server says of the file. In this order, so that no
    bytes of one version are ever taken for those of another."""
    said = headers.get("Content-Length", "")
    part = _Part(0, _validator(headers), int(said) if _SIZE.fullmatch(said) else None)
    _part_of(file).write_bytes(b"")
    _about_of(file).write_text(json.dumps(asdict(part)), encoding="utf-8")
    return part


def _validator(headers: Any) -> str:
    """What may stand in If-Range: an entity tag that is not weak, else a date that was not of the
    second in which the server answered, in which the file could have changed twice."""
    tag = headers.get("ETag", "")
    if tag:
        return "" if tag.startswith("W/") else str(tag)
    changed, answered = headers.get("Last-Modified", ""), headers.get("Date", "")
    try:
        apart = parsedate_to_datetime(answered) - parsedate_to_datetime(changed)
    except (ValueError, TypeError, OverflowError):
        return ""
    return str(changed) if apart.total_seconds() >= 1 else ""


class HttpsStays(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to anything else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """urllib's own, with that refusal."""
        if req.type == "https" and not newurl.lower().startswith("https:"):
            raise urllib.error.URLError(f"a redirect to what is not HTTPS: {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _ask(place: str, part: _Part) -> Any:
    """The response: of the rest (206) where that is what was asked for and what came, else of the
    whole file."""
    try:
        response = _open(place, part)
    except urllib.error.HTTPError as error:
        with error:
            if not (part.have and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
                raise Broken(printable(f"{error.code} {error.reason}")) from None
        return _ask(place, _NOTHING)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Broken(printable(str(getattr(error, "reason", None) or error))) from None
    if response.status != HTTPStatus.PARTIAL_CONTENT or _is_rest(response.headers, part):
        return response
    response.close()
    if not part.have:
        raise Broken("the server sends a part where the whole file was asked for")
    return _ask(place, _NOTHING)


def _open(place: str, part: _Part) -> Any:
    request = urllib.request.Request(place)
    if part.have:
        request.add_header("Range", f"bytes={part.have}-")
        request.add_header("If-Range", part.validator)
    # Made anew each time: it reads the environment's proxies when it is made.
    opener = urllib.request.build_opener(HttpsStays)
    return opener.open(request, timeout=_TIMEOUT_SECONDS)


def _is_rest(headers: Any, part: _Part) -> bool:
    """Whether a partial response is the rest of our part: from there on, of a file of that size
    and, where it says so, of that version."""
    found = _RANGE.fullmatch(headers.get("Content-Range", ""))
    if found is None or int(found[1]) != part.have or not part.have:
        return False
    if part.total is not None and found[2] not in ("*", str(part.total)):
        return False
    said = headers.get("ETag") or headers.get("Last-Modified") or part.validator
    return bool(said == part.validator)


def _copy(response: Any, target: IO[bytes], part: _Part, progress: OnProgress | None) -> None:
    """Append what comes to the part, and see that it is all. `Broken` where it is not."""
    done = part.have
    while done != part.total and (chunk := _read(response)):
        done += len(chunk)
        if max(done, part.total or 0) > MOST_BYTES:
            raise TooLarge(f"it has over {MOST_BYTES >> 20} MiB, which no set has")
        target.write(chunk)
        target.flush()
        if progress is not None:
            progress(done, part.total)
    if part.total is not None and done != part.total:
        raise Broken(f"it broke off after {done} of {part.total} bytes")


def _read(response: Any) -> bytes:
    """What has come by now, so that a stalled or killed download keeps all of it."""
    try:
        chunk: bytes = response.read1(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise Broken(printable(f"it broke off ({error})")) from None
    return chunk
