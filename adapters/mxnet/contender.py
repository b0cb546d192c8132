"""MXNet Gluon. Modes: "hybrid" (hybridized, static memory and shapes) and "imperative".

Loss and gathering are inside the hybridized graph, recurrent layers are fused, Adam is the
Trainer's, and the engine is the naive one where there are several threads, as the default's own and
the OpenMP team want the same cores. MEASURED.md has what each was measured on.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Any

import adapters.mxnet.importing  # noqa: F401

# isort: split
import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

from adapters.base import (
    Adapter,
    Data,
    Device,
    Precision,
    Setting,
    Unsupported,
    form_of,
    only_chains,
    unknown,
)
from adapters.mxnet import graph_model
from adapters.mxnet.graph_steps import GraphSteps
from adapters.mxnet.model import LOSSES, RowLosses, network, normalised, warp
from tasks.spec.network import Task
from tasks.spec.training import SGD, Adam
from tasks.weights import Weights

Array = np.ndarray
_LIB = mx.base._LIB
_ENGINE_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


class Contender(Adapter):
    """Gluon on the CPU."""

    adam_form = "epsilon-hat"

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode not in ("hybrid", "imperative"):
            raise Unsupported(f"mxnet has no mode {mode!r}")
        if device != "cpu":
            built = "with" if mx.runtime.Features().is_enabled("CUDA") else "without"
            raise Unsupported(f"only cpu is implemented; this MXNet is built {built} CUDA")
        if precision != "fp32":
            raise Unsupported(f"mxnet runs fp32 here, not {precision}")
        self._hybrid = mode == "hybrid"
        # Read when the engine is first used, which is below.
        engine = "NaiveEngine" if threads > 1 else "ThreadedEnginePerDevice"
        os.environ.setdefault("MXNET_ENGINE_TYPE", engine)
        _in_engine(lambda: _LIB.MXSetNumOMPThreads(threads))

    def settings(self) -> dict[str, Setting]:
        features = mx.runtime.Features()
        threads: list[int] = []
        _in_engine(lambda: threads.append(_LIB.omp_get_max_threads()))
        probe = nd.zeros((1,))
        return {
            "version": mx.__version__,
            "threads": threads[0],
            "device": probe.context.device_type,
            "precision": "fp32" if probe.dtype == np.float32 else str(probe.dtype),
            "hybridized": self._hybrid,
            "onednn": features.is_enabled("MKLDNN"),
            "blas": "openblas" if features.is_enabled("BLAS_OPEN") else "other",
            "blas_threads": int(_LIB.openblas_get_num_threads()),
            "engine": mx.util.getenv("MXNET_ENGINE_TYPE") or "default",
            "omp_wait_policy": mx.util.getenv("OMP_WAIT_POLICY") or "default",
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        mx.random.seed(seed)
        self._task = task
        # One graph a batch size: with static shapes a graph is planned anew when the size changes.
        self._inference: dict[int, gluon.HybridBlock] = {}
        self._graph = GraphSteps(task, weights, self._hybrid) if task.is_graph else None
        if self._graph:
            self._net = graph_model.Prediction(self._graph.network)
        else:
            self._build_chain(task, weights)

    def _build_chain(self, task: Task, weights: Weights) -> None:
        only_chains(task)
        self._net, self._slots = network(task)
        self._net.initialize(mx.init.Zero(), ctx=mx.cpu())
        for name, parameter, to_gluon, _ in self._slots:
            parameter.set_data(nd.array(to_gluon(weights[name]), dtype="float32"))
        net, loss = self._net, form_of("loss", task.loss, LOSSES)
        if self._hybrid:
            self._batch_loss = self._block(_BatchLoss(net, loss))
            self._rows_loss = self._block(_RowsLoss(net, loss))
        else:  # a block that only calls others would show in a small step
            self._batch_loss = lambda x, y: loss(nd, net(x), y)
            self._rows_loss = lambda x, y, rows: loss(nd, net(nd.take(x, rows)), nd.take(y, rows))
        self._trainer = _trainer(task, self._net)

    def _block(self, block: gluon.HybridBlock) -> gluon.HybridBlock:
        block.hybridize(static_alloc=True, static_shape=True)
        return block

    def stage(self, x: Array, y: Array) -> Data:
        if len(self._task.input_shape) == 3:
            x = x.transpose(0, 3, 1, 2)  # NHWC → NCHW
        y = graph_model.channels_first(y)
        staged = nd.array(x, dtype=self._task.input_dtype)
        data = staged, nd.array(y, dtype=self._task.target_dtype)
        nd.waitall()
        return data

    def train(self, data: Data, order: Array, warps: Array | None = None) -> _Mean:
        x, y = data
        rows = nd.array(order, dtype="int32")
        if self._graph:
            counts = range(len(order))
            steps = [self._graph.step(x, y, rows[i], order.shape[1]) for i in counts]
            return _Mean(nd.concat(*steps, dim=0).mean())
        maps = None if warps is None else nd.array(normalised(warps, *x.shape[2:]))
        losses = []
        for step in range(len(order)):
            batch_rows = rows[step]
            if maps is not None:
                batch = warp(nd.take(x, batch_rows), maps[step])
                target = nd.take(y, batch_rows)
            with autograd.record():
                if maps is None:
                    loss = self._rows_loss(x, y, batch_rows)
                else:
                    loss = self._batch_loss(batch, target)
            loss.backward()
            # The loss is one value a row; step() divides the summed gradient by the batch.
            self._trainer.step(order.shape[1])
            losses.append(loss)
        return _Mean(nd.concat(*losses, dim=0).mean())

    def predict(self, data: Data, batch_size: int) -> Array:
        x, _ = data
        if len(x) <= batch_size:  # a slice would show in the latency of a row
            return graph_model.canonical(self._outputs(x).asnumpy())
        batches = (x[i : i + batch_size] for i in range(0, len(x), batch_size))
        outputs = nd.concat(*(self._outputs(batch) for batch in batches), dim=0)
        return graph_model.canonical(outputs.asnumpy())

    def _outputs(self, batch: nd.NDArray) -> nd.NDArray:
        """Outputs (rows, units) of one batch, not waited for."""
        if not self._hybrid:
            return self._net(batch)
        rows = len(batch)
        if rows not in self._inference:
            self._inference[rows] = self._block(_Forward(self._net))
        return self._inference[rows](batch)

    def wait(self) -> None:
        nd.waitall()

    def weights(self) -> Weights:
        if self._graph:
            return self._graph.network.weights()
        return {
            name: np.ascontiguousarray(to_canonical(parameter.data().asnumpy()))
            for name, parameter, _, to_canonical in self._slots
        }


class _Mean:
    """A number the engine may still be computing: MXNet's arrays have no `__float__`."""

    def __init__(self, value: nd.NDArray) -> None:
        self._value = value

    def __float__(self) -> float:
        return float(self._value.asscalar())


class _Forward(gluon.HybridBlock):
    """The network as a graph of its own, sharing the parameters."""

    def __init__(self, net: gluon.HybridBlock) -> None:
        super().__init__()
        self.net = net

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return self.net(x)


class _BatchLoss(gluon.HybridBlock):
    """Network and loss in one graph: (batch, ...), (batch,) → the loss of each row (batch,)."""

    def __init__(self, net: gluon.HybridBlock, loss: RowLosses) -> None:
        super().__init__()
        self.net = net
        self.loss = loss

    def hybrid_forward(self, F: Any, x: Any, y: Any) -> Any:
        return self.loss(F, self.net(x), y)


class _RowsLoss(gluon.HybridBlock):
    """The same with the gathering in the graph: (N, ...), (N,), row numbers (batch,)."""

    def __init__(self, net: gluon.HybridBlock, loss: RowLosses) -> None:
        super().__init__()
        self.net = net
        self.loss = loss

    def hybrid_forward(self, F: Any, x: Any, y: Any, rows: Any) -> Any:
        return self.loss(F, self.net(F.take(x, rows)), F.take(y, rows))


def _trainer(task: Task, net: gluon.HybridBlock) -> gluon.Trainer:
    name, options = optimizer_of(task)
    return gluon.Trainer(net.collect_params(), name, options, kvstore=None)


def optimizer_of(task: Task) -> tuple[str, dict[str, float]]:
    """The name and the options that a Trainer takes for the task's optimizer."""
    optimizer = task.optimizer
    if not isinstance(optimizer, Adam | SGD):
        raise unknown("optimizer", optimizer)
    options: dict[str, float] = {"learning_rate": optimizer.learning_rate}
    if isinstance(optimizer, Adam):
        options |= {
            "beta1": optimizer.beta_1,
            "beta2": optimizer.beta_2,
            "epsilon": optimizer.epsilon,
        }
    return ("adam" if isinstance(optimizer, Adam) else "sgd"), options


def _in_engine(call: Callable[[], Any]) -> None:
    """Run `call` on the engine's CPU worker and wait: OpenMP's thread count is per thread."""

    def run(run_context: int, parameter: int) -> None:
        call()

    callback = _ENGINE_FUNCTION(run)
    cpu = (ctypes.c_int * 2)(mx.cpu().device_typeid, 0)
    nothing = ctypes.c_void_p()
    mx.base.check_call(
        _LIB.MXEnginePushSync(
            callback, nothing, nothing, cpu, nothing, 0, nothing, 0, nothing, 0, nothing
        )
    )
    nd.waitall()
