"""MXNet as its documents tell a user to write it: adapters/mxnet/programs, run on given rows.

The network of a program, initialized and hybridized there, its loop over the batches of a
DataLoader, gluon.loss, gluon.Trainer and its prediction, on MXNet's own engine and settings.

What the suite's contract asks for and a user would not write: weights are loaded and one bias of a
recurrent layer is frozen (documented_model.py), the DataLoader takes the batches from a list
instead of shuffling, Adam's epsilon is the task's, a squared error is whole and not halved, and
the number of threads is set, through MXNet's C interface, as its Python one has no call for it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import adapters.mxnet.importing  # noqa: F401

# isort: split
import mxnet as mx
import numpy as np
from mxnet import gluon, nd

from adapters.base import (
    Adapter,
    Device,
    Precision,
    Setting,
    Unsupported,
    form_of,
    modes_on,
    only_chains,
)
from adapters.mxnet.documented_graph import Program
from adapters.mxnet.documented_model import (
    LOSSES,
    WarpedImages,
    images,
    inputs,
    network,
    one_bias,
    parameters,
    program_of,
    to_gluon,
    to_task,
    trainer,
)
from adapters.mxnet.model import normalised
from tasks.spec.network import Task
from tasks.weights import Weights

_LIBRARY = ctypes.CDLL(mx.libinfo.find_lib_path()[0])
_ENGINE_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


@dataclass(frozen=True)
class Rows:
    """inputs: (N, ...), as the network takes them; targets: (N,); pairs: both, for a DataLoader."""

    inputs: nd.NDArray
    targets: nd.NDArray
    pairs: gluon.data.ArrayDataset


class Contender(Adapter):
    """MXNet in the mode "gluon"."""

    adam_form = "epsilon-hat"
    modes: ClassVar[tuple[str, ...]] = ("gluon",)

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode not in self.modes:
            raise Unsupported(f"MXNet has no mode {mode!r} here: {' or '.join(self.modes)}")
        if device != "cpu":
            built = "with" if mx.runtime.Features().is_enabled("CUDA") else "without"
            raise Unsupported(f"only cpu is implemented; this MXNet is built {built} CUDA")
        if precision != "fp32":
            raise Unsupported(f"the programs compute in float32, not in {precision}")
        self.mode = mode
        _in_engine(lambda: _LIBRARY.MXSetNumOMPThreads(threads))

    def settings(self) -> dict[str, Setting]:
        features = mx.runtime.Features()
        threads: list[int] = []
        _in_engine(lambda: threads.append(_LIBRARY.omp_get_max_threads()))
        probe = nd.zeros((1,))
        return {
            "version": mx.__version__,
            "threads": threads[0],
            "device": probe.context.device_type,
            "precision": "fp32" if probe.dtype == np.float32 else str(probe.dtype),
            "onednn": features.is_enabled("MKLDNN"),
            "blas": "openblas" if features.is_enabled("BLAS_OPEN") else "other",
            "blas_threads": int(_LIBRARY.openblas_get_num_threads()),
            "engine": _engine(),
            "omp_wait_policy": mx.util.getenv("OMP_WAIT_POLICY") or "default",
            "mode": self.mode,
            "debugging": modes_on({"NaiveEngine": _engine() == "NaiveEngine"}),
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        mx.random.seed(seed)
        self._task = task
        self._graph = Program(task, weights) if task.is_graph else None
        if self._graph is None:
            self._build_chain(task, weights)

    def _build_chain(self, task: Task, weights: Weights) -> None:
        only_chains(task)
        self._program = program_of(task.family)
        self._loss = form_of("loss", task.loss, LOSSES)()
        self._network = network(task)
        # Gluon makes most parameters only when it sees a first row, and so knows their shapes.
        self._network(inputs(task, np.zeros((1, *task.input_shape), task.input_dtype)))
        one_bias(self._network)
        self._parameters, self._images = parameters(task, self._network), images(task)
        for name, parameter in self._parameters.items():
            values = to_gluon(name, weights[name], self._images.get(name))
            parameter.set_data(nd.array(values))
        self._trainer = trainer(task, self._network)

    def stage(self, x: np.ndarray, y: np.ndarray) -> Rows:
        if self._graph:
            rows, targets = self._graph.inputs(x), self._graph.inputs(y)
        else:
            rows, targets = inputs(self._task, x), nd.array(y)
        staged = Rows(rows, targets, gluon.data.ArrayDataset(rows, targets))
        nd.waitall()
        return staged

    def train(self, data: Rows, order: np.ndarray, warps: np.ndarray | None = None) -> float:
        batches = self._loader(data, order, warps)
        if self._graph:
            return self._graph.train_epoch(batches)
        loss: float = self._program.train_epoch(self._network, batches, self._loss, self._trainer)
        return loss

    def predict(self, data: Rows, batch_size: int) -> np.ndarray:
        starts = range(0, len(data.inputs), batch_size)
        batches = (data.inputs[start : start + batch_size] for start in starts)
        if self._graph:
            return self._graph.outputs(batches)
        outputs: np.ndarray = self._program.outputs(self._network, batches).asnumpy()
        return outputs

    def wait(self) -> None:
        nd.waitall()

    def weights(self) -> Weights:
        if self._graph:
            return self._graph.network.weights()
        values = {name: one.data().asnumpy() for name, one in self._parameters.items()}
        return {
            name: np.ascontiguousarray(to_task(name, value, self._images.get(name)))
            for name, value in values.items()
        }

    def _loader(
        self, data: Rows, order: np.ndarray, warps: np.ndarray | None
    ) -> gluon.data.DataLoader | list[tuple[nd.NDArray, nd.NDArray]]:
        """A DataLoader that gives the batches in the given order: a list of row numbers each. A
        single step has its batch at hand: making a loader takes ten times as long as the step."""
        if len(order) == 1 and warps is None:
            rows = nd.array(order[0], dtype="int32")
            return [(data.inputs.take(rows), data.targets.take(rows))]
        if warps is None:
            return gluon.data.DataLoader(data.pairs, batch_sampler=order.tolist())
        maps = normalised(warps, *data.inputs.shape[2:])
        keys = [list(zip(*step, strict=True)) for step in zip(order.tolist(), maps, strict=True)]
        return gluon.data.DataLoader(WarpedImages(data.pairs), batch_sampler=keys)


def _engine() -> str:
    """NaiveEngine does one operation at a time and is what the documents advise for debugging."""
    return mx.util.getenv("MXNET_ENGINE_TYPE") or "default"


def _in_engine(call: Callable[[], Any]) -> None:
    """Run `call` on the engine's CPU worker and wait: OpenMP's thread count is per thread."""

    def run(run_context: int, parameter: int) -> None:
        call()

    callback = _ENGINE_FUNCTION(run)
    cpu = (ctypes.c_int * 2)(mx.cpu().device_typeid, 0)
    nothing = ctypes.c_void_p()
    mx.base.check_call(
        _LIBRARY.MXEnginePushSync(
            callback, nothing, nothing, cpu, nothing, 0, nothing, 0, nothing, 0, nothing
        )
    )
    nd.waitall()
