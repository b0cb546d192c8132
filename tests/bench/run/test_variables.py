"""A worker inherits nothing from the user's shell but what is named; all contenders the same."""

from __future__ import annotations

import pytest

from adapters.base import Division
from bench.run import environments, installing
from bench.run.variables import INHERITED, TUNED, worker_variables

HOSTILE = {
    "JAX_DISABLE_JIT": "1", "JAX_ENABLE_X64": "1", "JAX_COMPILATION_CACHE_DIR": "/tmp/x",
    "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "DNNL_VERBOSE": "2",
    "KMP_AFFINITY": "compact", "GOMP_CPU_AFFINITY": "0", "OMP_PROC_BIND": "true",
    "CUDA_LAUNCH_BLOCKING": "1", "NVIDIA_TF32_OVERRIDE": "1", "CUBLAS_WORKSPACE_CONFIG": ":0:0",
    "LD_PRELOAD": "/none.so", "PYTHONSTARTUP": "/none.py", "PYTHONOPTIMIZE": "2",
    "OPENBLAS_CORETYPE": "Haswell", "TF_ENABLE_ONEDNN_OPTS": "0", "XLA_FLAGS": "--xla_x",
    "KERAS_BACKEND": "torch", "MXNET_ENGINE_TYPE": "x", "TORCH_LOGS": "+all",
    "PYTEST_ADDOPTS": "-x", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "MALLOC_ARENA_MAX": "1",
}  # fmt: skip


def test_twenty_hostile_variables_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in HOSTILE:
        monkeypatch.delenv(name, raising=False)
    clean = worker_variables(2, "/project")
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    assert len(HOSTILE) >= 20
    assert worker_variables(2, "/project") == clean


def test_what_is_inherited_is_a_short_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANYTHING_ELSE", "1")
    own = worker_variables(3, "/project")
    assert "ANYTHING_ELSE" not in own
    assert own["OMP_NUM_THREADS"] == own["PJRT_NPROC"] == "3"
    assert own["PYTHONPATH"] == "/project"
    assert set(own) & {"PATH", "HOME"} <= set(INHERITED)


@pytest.mark.parametrize("division", ["tuned", "documented"])
def test_memory_of_a_gpu_is_taken_as_it_is_needed(division: Division) -> None:
    """Otherwise a launch's device memory says what was set aside. No user's shell decides it."""
    own = worker_variables(1, "/p", division)
    assert own["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert own["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"


def test_an_installation_keeps_what_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert "OPENBLAS_CORETYPE" in environments.keeps("mxnet")
    kept = worker_variables(1, "/p", keeps=environments.keeps("mxnet"))
    assert kept["OPENBLAS_CORETYPE"] == "Haswell"
    assert "OPENBLAS_CORETYPE" not in worker_variables(1, "/p", keeps=environments.keeps("sklearn"))


def test_only_the_tuned_division_keeps_freed_memory() -> None:
    assert worker_variables(1, "/p", "tuned").items() >= TUNED.items()
    assert not set(TUNED) & set(worker_variables(1, "/p", "documented"))


def test_pip_keeps_the_users_index_but_installs_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.invalid/simple")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    found = installing.variables()
    assert found["PIP_INDEX_URL"] == "https://example.invalid/simple"
    assert not {"PIP_USER", "PYTHONHOME"} & set(found)
