"""A group of NumPy's own processes is certified, and every fault of a group is refused.

The frameworks' groups, and the faults inside of them: test_frameworks.py.
"""

from __future__ import annotations

import pytest

from adapters.mutants.groups import FAULTS, NUMPY, GroupFault
from bench.records.groups import GroupRecord
from tests.support import groups
from tests.support.groups import Bench

PLAIN, DROPOUT = "fnn-mnist", "fnn-mnist-dropout"
HERE = [fault for fault in FAULTS if NUMPY in fault.schemes]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(groups.NUMPY, tmp_path_factory.mktemp("groups"))


def failed(record: GroupRecord) -> set[str]:
    """Names of the checks that refused it."""
    proofs = [task.certificate for task in record.tasks.values()]
    return {check.name for proof in proofs if proof for check in proof.checks if not check.passed}


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_right_group_is_certified(bench: Bench, size: int) -> None:
    record = bench.ask("certify", size, DROPOUT)
    assert (record.status, record.reason) == ("ok", "")
    (proof,) = (task.certificate for task in record.tasks.values())
    assert proof is not None
    names = [check.name for check in proof.checks]
    assert ("as one process" in names) == (size > 1)
    assert names[-1] == "masks of the ranks"


@pytest.mark.parametrize("fault", HERE, ids=lambda fault: fault.name)
def test_a_fault_is_refused(bench: Bench, fault: GroupFault) -> None:
    record = bench.ask("certify", 2, DROPOUT if fault.dropout else PLAIN, fault=fault.place)
    assert record.status == "unverified", record.reason
    assert fault.check in failed(record)


def test_enough_kinds_of_faults_are_there() -> None:
    assert len(HERE) >= 16
    assert len({fault.check for fault in HERE}) >= 4
