"""MXNet Gluon. Modes: "hybrid" (hybridized, static memory and shapes) and "imperative".

Choices, measured with MXNet 1.9.1 on 2 cores busy with other work, two threads,
OMP_WAIT_POLICY=passive, interleaved: medians of pairwise ratios of process CPU time, not wall time,
which was too disturbed (an A/A pair read 0.98 to 1.08 in CPU time, so 5 % is hardly resolved):

- Loss inside the hybridized graph: outside costs 1.19 (784-128-10) and 1.15 (LSTM 50, 12 steps).
- Rows gathered inside the graph: 0.95 and 0.97 of `take` before it; no difference on a CNN
  (one thread, 1.03). Gathering a whole call at once (0.94, 0.91) is not done: it holds a copy of
  the epoch.
- Static memory and shapes against neither: 1.06 and 1.18 without. Imperative: 1.40 and 1.61.
- Fused rnn.LSTM: 2.6 times cheaper than LSTMCell unrolled (LSTM 50). Time-major input or not, and
  last output or last state, differ by at most 4 %. A row_sparse embedding gradient: 0.95, within
  the noise, so dense.
- Trainer's Adam: on (128, 784), `adamw_update` and `multi_adamw_update` took 1.4 and 1.6 times
  the CPU time of its `adam_update` (ratios of medians).

- MXNET_ENGINE_TYPE=NaiveEngine: the default threaded engine takes 1.3 to 1.8 times as long on
  784-128-10 (wall time, a quiet machine of 2 cores, five pairs): its threads and the OpenMP team
  want the same cores.

Not measured: bulk execution limits, MXNET_SUBGRAPH_BACKEND.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Any

import numpy as np

os.environ.setdefault("MXNET_ENGINE_TYPE", "NaiveEngine")  # read at import; see above

import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn, rnn

from adapters.base import Adapter, Data, Device, Precision, Setting, Unsupported
from tasks.spec import (
    LSTM,
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    Loss,
    MaxPool2D,
    Shape,
    SimpleRNN,
    Task,
    layer_name,
    output_shapes,
)
from tasks.weights import Weights

Array = np.ndarray
Convert = Callable[[Array], Array]
Slot = tuple[str, gluon.Parameter, Convert, Convert]
"""Canonical name, Gluon parameter, canonical → Gluon layout, and back."""

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
        self._net, self._slots = _network(task)
        self._net.initialize(mx.init.Zero(), ctx=mx.cpu())
        for name, parameter, to_gluon, _ in self._slots:
            parameter.set_data(nd.array(to_gluon(weights[name]), dtype="float32"))
        net, loss = self._net, _loss(task.loss)
        if self._hybrid:
            self._batch_loss = self._block(_BatchLoss(net, loss))
            self._rows_loss = self._block(_RowsLoss(_BatchLoss(net, _loss(task.loss))))
        else:  # a block that only calls others would be 2 to 5 % of a small step
            self._batch_loss = lambda x, y: loss(net(x), y)
            self._rows_loss = lambda x, y, rows: loss(net(nd.take(x, rows)), nd.take(y, rows))
        # One graph a batch size: with static shapes a graph is planned anew when the size changes.
        self._inference: dict[int, gluon.HybridBlock] = {}
        self._trainer = _trainer(task, self._net)

    def _block(self, block: gluon.HybridBlock) -> gluon.HybridBlock:
        block.hybridize(static_alloc=True, static_shape=True)
        return block

    def stage(self, x: Array, y: Array) -> Data:
        if len(self._task.input_shape) == 3:
            x = x.transpose(0, 3, 1, 2)  # NHWC → NCHW
        staged = nd.array(x, dtype=self._task.input_dtype)
        data = staged, nd.array(y, dtype=self._task.target_dtype)
        nd.waitall()
        return data

    def train(self, data: Data, order: Array, warps: Array | None = None) -> _Mean:
        x, y = data
        rows = nd.array(order, dtype="int32")
        maps = None if warps is None else nd.array(_normalised(warps, *x.shape[2:]))
        losses = []
        for step in range(len(order)):
            batch_rows = rows[step]
            if maps is not None:
                batch = _warp(nd.take(x, batch_rows), maps[step])
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
        outputs = []
        for begin in range(0, len(x), batch_size):
            batch = x[begin : begin + batch_size]
            outputs.append(self._predictor(len(batch))(batch))
        return (outputs[0] if len(outputs) == 1 else nd.concat(*outputs, dim=0)).asnumpy()

    def _predictor(self, rows: int) -> gluon.HybridBlock:
        if not self._hybrid:
            return self._net
        if rows not in self._inference:
            self._inference[rows] = self._block(_Forward(self._net))
        return self._inference[rows]

    def wait(self) -> None:
        nd.waitall()

    def weights(self) -> Weights:
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

    def __init__(self, net: gluon.HybridBlock, loss: gluon.loss.Loss) -> None:
        super().__init__()
        self.net = net
        self.loss = loss

    def hybrid_forward(self, F: Any, x: Any, y: Any) -> Any:
        return self.loss(self.net(x), y)


class _RowsLoss(gluon.HybridBlock):
    """The same with the gathering in the graph: (N, ...), (N,), row numbers (batch,)."""

    def __init__(self, batch_loss: _BatchLoss) -> None:
        super().__init__()
        self.batch_loss = batch_loss

    def hybrid_forward(self, F: Any, x: Any, y: Any, rows: Any) -> Any:
        return self.batch_loss(F.take(x, rows), F.take(y, rows))


class _TimeMajor(gluon.HybridBlock):
    """(N, T, ...) → (T, N, ...), the fused recurrent kernel's layout, before any embedding."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.swapaxes(x, 0, 1)


class _Last(gluon.HybridBlock):
    """(T, N, units) → (N, units): the last step."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        # Not SequenceLast: training through it crashed 1.9.1 in every try, imperative or
        # without static shapes, with heap errors; the slice never did.
        return F.squeeze(F.slice_axis(x, axis=0, begin=-1, end=None), axis=0)


def _network(task: Task) -> tuple[nn.HybridSequential, list[Slot]]:
    net, slots = nn.HybridSequential(), []
    if any(isinstance(layer, SimpleRNN | LSTM) for layer in task.layers):
        net.add(_TimeMajor())
    before, image = task.input_shape, None
    for index, (layer, after) in enumerate(zip(task.layers, output_shapes(task), strict=True)):
        if isinstance(layer, Flatten) and len(before) == 3:
            image = before
        block = _layer(layer, before)
        net.add(block)
        if isinstance(layer, SimpleRNN | LSTM):
            net.add(_Last())
        name = layer_name(index, layer)
        slots += [(f"{name}/{part}", *rest) for part, *rest in _slots(layer, block, image)]
        image = None if isinstance(layer, Dense) else image
        before = after
    return net, slots


def _layer(layer: Layer, shape: Shape) -> gluon.HybridBlock:
    """The Gluon layer for rows of canonical `shape`."""
    match layer:
        case Flatten():
            return nn.Flatten()
        case Dense(units=units, activation=name):
            return nn.Dense(units, _activation(name), flatten=False, in_units=shape[0])
        case Dropout(rate=rate):
            return nn.Dropout(rate)
        case Conv2D(filters=filters, kernel=k, activation=name):
            return nn.Conv2D(filters, k, activation=_activation(name), in_channels=shape[2])
        case MaxPool2D(size=size):
            return nn.MaxPool2D(size, size)
        case Embedding(vocabulary=vocabulary, units=units):
            return nn.Embedding(vocabulary, units)
        case SimpleRNN(units=units, activation=name):
            if name not in ("relu", "tanh"):
                raise Unsupported(f"MXNet's fused RNN has relu and tanh, not {name}")
            return rnn.RNN(units, activation=name, input_size=shape[1])
        case LSTM(units=units):
            return rnn.LSTM(units, input_size=shape[1])


def _activation(name: str) -> str | None:
    return None if name == "linear" else name


def _slots(layer: Layer, block: Any, image: Shape | None) -> list[tuple[Any, ...]]:
    """(part, parameter, to Gluon, to canonical) of one layer. `image`: what was flattened."""
    match layer:
        case Dense():
            weight = ("kernel", block.weight, *_dense_layouts(image))
            return [weight, ("bias", block.bias, _same, _same)]
        case Conv2D():
            weight = ("kernel", block.weight, _oihw, _hwio)
            return [weight, ("bias", block.bias, _same, _same)]
        case Embedding():
            return [("table", block.weight, _same, _same)]
        case SimpleRNN() | LSTM():
            # Two biases in MXNet, one in the task: the second stays zero and is not trained.
            block.l0_h2h_bias.grad_req = "null"
            return [
                ("kernel", block.l0_i2h_weight, np.transpose, np.transpose),
                ("recurrent", block.l0_h2h_weight, np.transpose, np.transpose),
                ("bias", block.l0_i2h_bias, _same, _same),
            ]
        case _:
            return []


def _same(value: Array) -> Array:
    return value


def _oihw(kernel: Array) -> Array:
    return kernel.transpose(3, 2, 0, 1)


def _hwio(kernel: Array) -> Array:
    return kernel.transpose(2, 3, 1, 0)


def _dense_layouts(image: Shape | None) -> tuple[Convert, Convert]:
    """(in, units) ↔ (units, in); after a flattened image the rows go from H, W, C to C, H, W."""
    if image is None:
        return np.transpose, np.transpose
    height, width, channels = image

    def to_gluon(kernel: Array) -> Array:
        split = kernel.reshape(height, width, channels, -1)
        return split.transpose(3, 2, 0, 1).reshape(kernel.shape[1], -1)

    def to_canonical(weight: Array) -> Array:
        split = weight.reshape(-1, channels, height, width)
        return split.transpose(2, 3, 1, 0).reshape(-1, weight.shape[0])

    return to_gluon, to_canonical


def _loss(loss: Loss) -> gluon.loss.Loss:
    """Each gives (batch,), one value a row."""
    match loss:
        case "sparse_categorical_crossentropy":
            return gluon.loss.SoftmaxCrossEntropyLoss()
        case "binary_crossentropy":
            return gluon.loss.SigmoidBinaryCrossEntropyLoss(from_sigmoid=False)
        case "mean_squared_error":
            return gluon.loss.L2Loss(weight=2.0)  # Gluon halves the square


def _trainer(task: Task, net: gluon.HybridBlock) -> gluon.Trainer:
    optimizer = task.optimizer
    options: dict[str, float] = {"learning_rate": optimizer.learning_rate}
    if isinstance(optimizer, Adam):
        options |= {
            "beta1": optimizer.beta_1,
            "beta2": optimizer.beta_2,
            "epsilon": optimizer.epsilon,
        }
    name = "adam" if isinstance(optimizer, Adam) else "sgd"
    return gluon.Trainer(net.collect_params(), name, options, kvstore=None)


def _normalised(warps: Array, height: int, width: int) -> Array:
    """Pixel maps (..., 6) as maps of GridGenerator's coordinates, -1 to 1 from edge to edge."""
    a, b, c, d, e, f = np.moveaxis(warps.astype(np.float64), -1, 0)
    sx, sy = (width - 1) / 2, (height - 1) / 2
    b, d = b * sy / sx, d * sx / sy
    parts = (a, b, a + b + c / sx - 1, d, e, d + e + f / sy - 1)
    return np.stack(parts, axis=-1).astype(np.float32)


def _warp(images: nd.NDArray, maps: nd.NDArray) -> nd.NDArray:
    """Affine warp of (N, C, H, W) by normalised maps (N, 6)."""
    grid = nd.GridGenerator(maps, transform_type="affine", target_shape=images.shape[2:])
    # BilinearSampler reads zeros outside; on the clipped grid it reads the nearest edge.
    return nd.BilinearSampler(images, nd.clip(grid, -1, 1))


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
