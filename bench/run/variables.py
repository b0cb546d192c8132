"""The environment variables of a worker: a short list of what is let in, and what is set.

A shell can steer a framework by hundreds of variables (JAX_DISABLE_JIT, ATEN_CPU_CAPABILITY,
LD_PRELOAD, NVIDIA_TF32_OVERRIDE ...). So nothing is inherited but what is named here; all of what a
worker has is in its record, and the same for all contenders of a division.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from adapters.base import Division

# Where programs and libraries are found, who the user is, how text is written, which GPU.
INHERITED = (
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES",
    "CUDA_HOME", "BENCH_CACHE", "BENCH_ENVS",
)  # fmt: skip
POOLS = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")
# glibc hands every large buffer back to the kernel and faults its pages in anew, which slows
# PyTorch down, as it has no CPU cache of its own, and the others hardly (adapters/MEASURED.md). So
# a tuned worker keeps freed memory, whoever it is; a documented one runs as a user's shell has it.
TUNED = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**34),
    "MALLOC_TOP_PAD_": str(2**26),
}

# Of a certificate, where nothing is timed: OpenMP's threads sleep while they wait. They would spin
# on the cores that the next certificate works on. What they compute is the same.
BESIDE_OTHERS = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}


def worker_variables(
    threads: int, project: str, division: Division = "tuned", keeps: Iterable[str] = ()
) -> dict[str, str]:
    """The whole environment of a worker. keeps: further variables that this framework's
    installation needs from the user's shell (adapters.base.Installation)."""
    inherited = {name: os.environ[name] for name in (*INHERITED, *keeps) if name in os.environ}
    return inherited | {
        **{f"{pool}_NUM_THREADS": str(threads) for pool in POOLS},
        "PJRT_NPROC": str(threads),  # XLA's pool, which knows no other switch
        "PYTHONPATH": project,
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # as NVML counts, which watches the device
        # Unasked, TensorFlow takes a GPU's whole memory and JAX 75 % of it: what they needed would
        # then be in no measurement.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": "pytest_benchmark.plugin",
        **(TUNED if division == "tuned" else {}),
    }


def fresh_caches(folder: Path) -> dict[str, str]:
    """Compile caches and configuration folders of the frameworks, empty: a first start is one."""
    return {
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),
        "TRITON_CACHE_DIR": str(folder / "triton"),
        "JAX_ENABLE_COMPILATION_CACHE": "false",
        "KERAS_HOME": str(folder / "keras"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "CUDA_CACHE_PATH": str(folder / "cuda"),
    }
