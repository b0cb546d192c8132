"""What training on several processes gave, in sentences."""

from __future__ import annotations

from itertools import product

from bench.distributed import gains
from bench.distributed.gains import Scaling
from bench.records.groups import DistributedFile


def sentences(file: DistributedFile) -> tuple[str, ...]:
    """Which schemes did the whole batch's work, which gain by it, and what a dead peer does."""
    said = (_certified(file), _gained(file), _lost(file))
    return tuple(line for line in said if line)


def honesty(file: DistributedFile) -> str:
    """What a machine of so many cores can show."""
    crowded = [size for size in file.sizes if size > file.cores]
    words = (
        f"All processes were on one machine with {file.cores} cores, over its loopback: what is "
        "shown is that the work is right and what it costs, not how it scales over machines."
    )
    if not crowded:
        return words
    sizes = " and ".join(map(str, crowded))
    return f"{words} {sizes} processes share cores and cannot be faster than {file.cores}."


def processes(sizes: list[int]) -> str:
    """ "2 and 4 processes"."""
    if sizes == [1]:
        return "1 process"
    return f"{' and '.join(map(str, sizes))} processes"


def _certified(file: DistributedFile) -> str:
    sizes = [size for size in file.sizes if size > 1]
    asked, whole = [], []
    for scheme in file.schemes:
        found = [gains.certified(file, scheme, *pair) for pair in product(sizes, file.tasks)]
        proofs = [proof for proof in found if proof is not None]
        asked += [scheme] if proofs else []
        whole += [scheme] if proofs and all(proofs) else []
    if not asked:
        return ""
    others = [scheme for scheme in asked if scheme not in whole]
    line = f"Every group of {processes(sizes)} did the whole batch's work: {_names(whole)}."
    return f"{line} Not certified: {_names(others)}." if others else line


def _gained(file: DistributedFile) -> str:
    """Of groups whose processes have a core each."""
    able = [one for one in gains.scalings(file) if one.cores and _known(one)]
    if not able:
        return ""
    faster = [one for one in able if one.over_best is not None and one.over_best.low > 1]
    told = ", ".join(f"{one.scheme} on {one.task} ({one.size})" for one in faster)
    line = "Faster than the best single process with all cores (95 % interval above 1)"
    return f"{line}: {told or 'none'}, of {len(able)} groups whose processes have a core each."


def _known(one: Scaling) -> bool:
    return one.over_best is not None and one.over_best.n > 1


def _lost(file: DistributedFile) -> str:
    hang = [g.name for g in file.of("lose") if g.lost is not None and g.lost.ending == "hang"]
    told = [g.name for g in file.of("lose") if g.lost is not None and g.lost.ending != "hang"]
    if not hang and not told:
        return ""
    line = f"When a peer is killed, the others end with an error in {_names(told)}"
    return f"{line}, and hang until they are killed in {_names(hang)}." if hang else f"{line}."


def _names(names: list[str]) -> str:
    return ", ".join(names) or "none"
