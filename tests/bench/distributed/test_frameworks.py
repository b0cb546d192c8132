"""Groups of the frameworks' own kinds: certified, refused with a fault in them, and losing a peer.

One pair of PyTorch's and one of JAX's here; `nox -s distributed` asks every scheme with 2 and 4
processes, and plants every fault (BENCH_GROUPS=all).
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from adapters.base import Scheme
from adapters.mutants import groups, groups_inside
from adapters.mutants.groups import GroupFault
from bench.distributed.questions import DROPOUT, USUAL_TASKS
from bench.distributed.session import environment_of
from bench.records.groups import GroupRecord
from tests.bench.distributed.test_faults import failed
from tests.support.groups import NUMPY, SCHEMES, Bench

# Last and alone: by then the frameworks' environments are made.
pytestmark = pytest.mark.quiet
ALL = os.environ.get("BENCH_GROUPS") == "all"
PLAIN = "fnn-mnist"
WORKING = [scheme for scheme in SCHEMES.values() if scheme != NUMPY and not scheme.fails]
FAILING = [scheme for scheme in SCHEMES.values() if scheme.fails]
QUICK = ("pytorch:ddp", "jax:sharded")
SIZES = (2, 4) if ALL else (2,)
TASKS = (*USUAL_TASKS, DROPOUT) if ALL else (PLAIN,)
FAULTS = [
    (SCHEMES[name], fault)
    for fault in (*groups.FAULTS, *groups_inside.FAULTS)
    for name in fault.schemes
    if name != NUMPY.name and (ALL or fault.name == "sum for mean, by a hook")
]
Make = Callable[[Scheme], Bench]
TRIED = [scheme for scheme in WORKING if ALL or scheme.name in QUICK]
each = pytest.mark.parametrize("scheme", TRIED, ids=lambda scheme: scheme.name)


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    made: dict[str, Bench] = {}

    def bench(scheme: Scheme) -> Bench:
        found = environment_of(scheme)
        if found.status != "ready":
            pytest.skip(f"the environment of {scheme.name} is not ready: {found.reason}")
        if scheme.name not in made:
            made[scheme.name] = Bench(scheme, tmp_path_factory.mktemp("groups"))
        return made[scheme.name]

    return bench


@each
@pytest.mark.parametrize("size", SIZES)
def test_a_group_is_certified(make: Make, scheme: Scheme, size: int) -> None:
    record = make(scheme).ask("certify", size, *TASKS)
    assert (record.status, record.reason) == ("ok", "")
    assert set(record.tasks) == set(TASKS)
    assert record.settings["ranks"] == size


@pytest.mark.parametrize(
    ("scheme", "fault"), FAULTS, ids=lambda value: value.name.replace(" ", "-")
)
def test_a_fault_is_refused(make: Make, scheme: Scheme, fault: GroupFault) -> None:
    task = DROPOUT if fault.dropout else PLAIN
    record = make(scheme).ask("certify", 2, task, fault=fault.place)
    assert record.status == "unverified", record.reason
    assert fault.check in failed(record)


@each
def test_a_peer_is_killed(make: Make, scheme: Scheme) -> None:
    """Within five seconds there is a typed row, and nobody is left."""
    record: GroupRecord = make(scheme).ask("lose", 2, PLAIN)
    assert (record.status, record.lost is None) == ("ok", False), record.reason
    assert record.lost is not None
    assert record.lost.seconds < 5
    assert record.lost.left == 0
    assert record.reason


@pytest.mark.skipif(not ALL, reason="asked in nox -s distributed")
@pytest.mark.parametrize("scheme", FAILING, ids=lambda scheme: scheme.name)
def test_what_fails_upstream_says_so(make: Make, scheme: Scheme) -> None:
    """Should it one day pass, the remark on it is to go."""
    record = make(scheme).ask("certify", 2, PLAIN)
    assert record.status == "error"
    assert "PerReplica" in record.reason
