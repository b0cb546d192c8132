"""Downloads: gone on with, whole or not at all, from whom they claim to be. All on this machine."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

from tasks.data import arrays, digits, download, prepare, transfer
from tasks.data.arrays import Arrays
from tasks.errors import UserError
from tests.support.web import DATE, Site, serving

BREAK = 700
RNG = np.random.default_rng(0)
TINY = Arrays(
    RNG.integers(0, 256, (4, 28, 28), np.uint8),
    np.arange(4, dtype=np.int32),
    np.zeros((1, 28, 28), np.uint8),
    np.array([2], np.int32),
)


def npz(arrays: Arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **{name: value.astype(np.uint8) for name, value in vars(arrays).items()})
    return file.getvalue()


MNIST = npz(TINY)
OTHER = npz(Arrays(TINY.x_train[::-1], TINY.y_train, TINY.x_test, TINY.y_test))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(digits, "MNIST_SHA256", arrays.digest(TINY))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        for spelling in (name, name.upper()):
            monkeypatch.delenv(spelling, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site(MNIST)) as served:
        yield served


def left(own_cache: Path) -> list[str]:
    """What is in the cache beside data sets."""
    return [path.name for path in own_cache.glob(".*")]


def fetch(site: Site) -> Path:
    return prepare.fetch("mnist", url=site.url)


def broken_off(site: Site, after: int = BREAK) -> None:
    """A first try that ends in the middle."""
    site.breaks.append(after)
    with pytest.raises(UserError, match=f"it broke off after {after} of {len(MNIST)} bytes"):
        fetch(site)


def test_what_broke_off_goes_on(site: Site, own_cache: Path) -> None:
    broken_off(site)
    assert prepare.status("digits").id != "mnist", "a half is never read as a whole"
    site.breaks.append(BREAK)
    with pytest.raises(UserError, match=f"after {2 * BREAK} of .*same command goes on from there"):
        fetch(site)
    seen: list[tuple[int, int | None]] = []
    url = site.url
    got = prepare.fetch("mnist", lambda done, total: seen.append((done, total)), url)
    assert prepare.prepare("digits").folder == got
    assert site.ranges() == [None, f"bytes={BREAK}-", f"bytes={2 * BREAK}-"]
    assert site.asked[1]["If-Range"] == '"one"'
    assert sum(site.sent) == len(MNIST) == seen[-1][0], "no byte was sent twice"
    assert left(own_cache) == [], "nothing but the data set is left"


def test_a_server_without_ranges_sends_all_of_it_again(site: Site, own_cache: Path) -> None:
    site.honours = False
    broken_off(site)
    fetch(site)
    assert site.ranges() == [None, f"bytes={BREAK}-"] and site.sent == [BREAK, len(MNIST)]
    assert left(own_cache) == []


def test_a_file_that_changed_in_between_is_begun_anew(site: Site) -> None:
    site.body = OTHER
    broken_off(site)
    site.body, site.headers = MNIST, {"ETag": '"two"'}
    fetch(site)
    assert site.sent == [BREAK, len(MNIST)], "If-Range was heeded: the whole file at once"


def test_a_server_that_does_not_heed_if_range_is_seen_through(site: Site) -> None:
    site.body, site.heeds = OTHER, False
    broken_off(site)
    site.body, site.headers = MNIST, {"ETag": '"two"'}
    fetch(site)
    assert site.ranges() == [None, f"bytes={BREAK}-", None]


def test_two_versions_put_together_are_refused_by_the_hash_and_begun_anew(site: Site) -> None:
    site.body, site.heeds, site.tells = OTHER, False, False
    broken_off(site)
    site.body, site.headers = MNIST, {"ETag": '"two"'}
    fetch(site)
    assert site.ranges() == [None, f"bytes={BREAK}-", None]


def test_other_contents_are_refused_once_and_nothing_is_left(site: Site, own_cache: Path) -> None:
    site.body = OTHER
    with pytest.raises(UserError, match=r"is refused: it is not MNIST: .* expected"):
        fetch(site)
    assert len(site.asked) == 1 and left(own_cache) == []
    broken_off(site)
    with pytest.raises(UserError, match="is refused: it is not MNIST"):
        fetch(site)
    assert site.ranges()[1:] == [None, f"bytes={BREAK}-", None], "once more from nothing, no more"
    assert left(own_cache) == [] and prepare.status("digits").id != "mnist"


def test_two_at_once_do_not_mix(site: Site, own_cache: Path) -> None:
    site.together = threading.Barrier(2)  # neither gets a byte before both have asked
    with ThreadPoolExecutor(2) as pool:
        folders = [job.result() for job in [pool.submit(fetch, site) for _ in range(2)]]
    assert folders[0] == folders[1] and site.ranges() == [None, None]
    assert left(own_cache) == []


def test_the_second_of_two_does_not_touch_what_the_first_goes_on_with(site: Site) -> None:
    broken_off(site)
    with download._workplace(site.url) as held:
        fetch(site)
        part = next(held.glob("*.part"))
        assert part.read_bytes() == MNIST[:BREAK] and site.ranges() == [None, None]
    fetch(site)
    assert site.ranges()[2] == f"bytes={BREAK}-"


def test_a_killed_download_goes_on(site: Site, own_cache: Path) -> None:
    site.breaks, site.stalled = [BREAK], threading.Event()
    code = f"from tasks.data import prepare; prepare.fetch('mnist', url={site.url!r})"
    process = subprocess.Popen([sys.executable, "-c", code])
    for _ in range(1000):
        if any(part.stat().st_size == BREAK for part in own_cache.glob(".fetching-*/*.part")):
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    site.stalled.set()
    site.stalled = None
    fetch(site)
    assert site.ranges() == [None, f"bytes={BREAK}-"]
    assert left(own_cache) == [] and not prepare.prepare("digits").embedded


EARLIER = "Mon, 23 Nov 2026 09:59:59 GMT"


@pytest.mark.parametrize(
    ("headers", "if_range"),
    [
        ({"ETag": '"a"', "Last-Modified": EARLIER}, '"a"'),
        ({"ETag": 'W/"a"', "Last-Modified": EARLIER}, None),
        ({"Last-Modified": EARLIER}, EARLIER),
        ({"Last-Modified": DATE}, None),  # of this very second: it may have changed since
        ({"Last-Modified": "yesterday"}, None),
        ({"Last-Modified": "Mon, 23 Nov 99999999999999999999 09:59:59 GMT"}, None),
        ({}, None),
    ],
)
def test_only_an_exact_version_is_gone_on_with(
    site: Site, headers: dict[str, str], if_range: str | None
) -> None:
    site.headers = headers
    broken_off(site)
    fetch(site)
    assert site.asked[1].get("If-Range") == if_range
    assert site.ranges()[1] == (f"bytes={BREAK}-" if if_range else None)


@pytest.mark.parametrize("about", ["", "{", "[1]", '{"validator": 1, "total": "x"}', "\x00"])
def test_a_spoiled_note_of_a_part_counts_for_nothing(
    site: Site, own_cache: Path, about: str
) -> None:
    broken_off(site)
    next(own_cache.glob(".fetching-*/*.about")).write_text(about)
    fetch(site)
    assert site.ranges() == [None, None]


def test_a_part_longer_than_the_file_or_whole_already(site: Site, own_cache: Path) -> None:
    broken_off(site)
    next(own_cache.glob(".fetching-*/*.part")).write_bytes(MNIST + b"more")
    fetch(site)
    assert site.ranges() == [None, None], "too long: begun anew"
    broken_off(site)
    next(own_cache.glob(".fetching-*/*.part")).write_bytes(MNIST)
    fetch(site)
    assert len(site.asked) == 3, "killed before it was decoded: nothing more to ask for"
    broken_off(site)
    next(own_cache.glob(".fetching-*/*.part")).write_bytes(OTHER)
    fetch(site)
    assert site.ranges()[4:] == [None], "whole, but not the canonical one: from nothing"


def test_a_range_that_the_server_cannot_satisfy(site: Site) -> None:
    site.headers["Content-Length"] = str(len(MNIST) + 1)
    site.length = False  # the header above lies by one byte
    with pytest.raises(UserError, match=f"broke off after {len(MNIST)} of {len(MNIST) + 1} bytes"):
        fetch(site)
    site.length = bool(site.headers.pop("Content-Length"))
    fetch(site)
    assert site.ranges() == [None, f"bytes={len(MNIST)}-", None]


def test_no_download_fills_the_disk(
    site: Site, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "MOST_BYTES", len(MNIST) - 1)
    for site.length in (True, False):
        with pytest.raises(UserError, match=r"it has over 0 MiB, which no set has"):
            fetch(site)
        assert left(own_cache) == []


def test_a_full_disk_is_a_line_and_leaves_nothing(
    site: Site, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(transfer, "_copy", full)
    with pytest.raises(UserError, match="no space left for the data cache"):
        fetch(site)
    assert left(own_cache) == []


def test_what_a_server_says_is_shown_without_acting(site: Site) -> None:
    site.status = (404, "\x1b[31mgone\x07")
    with pytest.raises(UserError) as refused:
        fetch(site)
    assert "404 ?[31mgone?" in str(refused.value) and "\x1b" not in str(refused.value)


def test_old_leftovers_are_swept(site: Site, own_cache: Path) -> None:
    for name, days in ((".fetching-old", 8), (".fetching-new", 1)):
        (own_cache / name).mkdir(parents=True)
        then = time.time() - days * 86400
        os.utime(own_cache / name, (then, then))
    fetch(site)
    assert left(own_cache) == [".fetching-new"]


def test_no_locks_means_no_going_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_off(site)

    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(download.fcntl, "flock", none)
    fetch(site)
    assert site.ranges() == [None, None]


def test_every_canonical_set_comes_by_https() -> None:
    places = [family.url for family in prepare.FAMILIES.values() if family.url]
    assert places and all(place.startswith("https://") for place in places)


def test_proxies_of_the_environment_are_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("http_proxy", site.url.removesuffix("/mnist.npz"))
    prepare.fetch("mnist", url="http://mirror.invalid/sets/mnist.npz")
    assert site.paths == ["http://mirror.invalid/sets/mnist.npz"]


@pytest.mark.parametrize("to", ["http://a/b", "HTTP://a/b", "ftp://a/b", "//a/b"])
def test_https_stays_https(to: str) -> None:
    request = urllib.request.Request("https://a/")
    with pytest.raises(URLError, match="not HTTPS"):
        transfer.HttpsStays().redirect_request(request, None, 302, "", {}, to)
    followed = transfer.HttpsStays().redirect_request(request, None, 302, "", {}, "https://b/")
    assert followed is not None and followed.full_url == "https://b/"


def test_a_redirect_is_followed_and_carries_the_range(site: Site) -> None:
    with serving(Site(b"", redirect=site.url)) as first:
        site.breaks.append(BREAK)
        with pytest.raises(UserError, match="broke off"):
            fetch(first)
        fetch(first)
    assert site.ranges() == [None, f"bytes={BREAK}-"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_secure_server_is_checked_and_may_not_send_elsewhere(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    words += ["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", str(key)]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with serving(Site(MNIST, redirect=site.url), tls) as secure:
        with pytest.raises(UserError, match=r"(?i)certificate verify failed"):
            fetch(secure)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with pytest.raises(UserError, match="a redirect to what is not HTTPS: http://127"):
            fetch(secure)
        assert site.asked == [], "not even asked"
        secure.redirect = ""
        assert fetch(secure).is_dir()
