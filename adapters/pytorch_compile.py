"""PyTorch through torch.compile: the model of adapters/pytorch.py, its steps compiled.

Choices, measured with 2.13.0+cpu on 2 cores; shares of eager's time, alternatives interleaved.

* Forward, loss and backward are one graph without a break, and Adam too where that wins
  (`Contender._programs`). torch.optim.Adam.step() breaks the graph; its functional form does
  not trace with foreach or fused, and as a plain loop took 1.10 times eager's CPU time on
  784-128-10 where Adam written out took 0.97. The CNN stays behind eager: inductor's own relu and
  pool with their gradients take 11 ms a step where eager's kernels take 7; the convolutions and
  products are the same library calls.
* Recurrent layers are laid out over their time steps. nn.LSTM itself, under allow_rnn, is
  passed to oneDNN's kernel and then fails in the generated code. The first step takes 9 to 24 s
  over 10 or 12 time steps; over lstm-imdb's 200 it had not come after 150 s and is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters import pytorch as eager
from adapters.base import Device, Precision, Unsupported
from tasks.spec import LSTM, SGD, SimpleRNN, Task, output_shapes
from tasks.weights import Weights

UNROLLED = 32  # time steps up to which a recurrent layer is compiled


class Unrolled(eager.LastState):
    """The same in plain operations, a time step after another, for torch.compile to fuse.

    nn.LSTM's own kernel does not compile: its code fails on an output the kernel leaves undefined.
    """

    def forward(self, x: Tensor) -> Tensor:
        cell = self.cell
        activation = torch.relu if cell.mode == "RNN_RELU" else torch.tanh
        inputs = F.linear(x.transpose(0, 1), cell.weight_ih_l0, cell.bias_ih_l0)
        h = c = x.new_zeros(x.shape[0], cell.hidden_size)
        for step, z in enumerate(inputs.unbind()):
            if step:  # the first state is zero
                z = torch.addmm(z, h, cell.weight_hh_l0.T)
            if not isinstance(cell, nn.LSTM):
                h = activation(z)
                continue
            i, f, g, o = z.chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h


class Contender(eager.Contender):
    """Mode "compile"."""

    mode: ClassVar[str] = "compile"
    recurrent: ClassVar[type[eager.LastState]] = Unrolled

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        super().__init__(mode, device, precision, threads)
        _set_up()

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        _refuse_long(task)
        torch.compiler.reset()  # the graphs of an earlier build
        super().build(task, weights, seed)

    def _programs(
        self, task: Task, model: nn.Module, forward: eager.Forward
    ) -> tuple[eager.Step, eager.Forward]:
        """With the update in the graph and without: SimpleRNN 0.45 and 0.56 of eager's step time,
        LSTM 0.90 and 0.95; but 784-128-10 0.96 and 0.86, CNN 1.17 and 1.11: large tensors are
        updated better by the fused kernel of torch.optim (wall time, two threads, quiet machine).
        """
        infer = torch.compile(forward, fullgraph=True)
        if any(isinstance(layer, (SimpleRNN, LSTM)) for layer in task.layers):
            return _whole_step(task, model, forward), infer
        gradients = torch.compile(eager.gradients_of(task, forward), fullgraph=True)
        return eager.stepping(task, model, gradients), infer


def _set_up() -> None:
    """Backward inside the graph, recurrent layers too, no silent return to eager execution."""
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except InvalidCxxCompiler as error:
        raise Unsupported("torch.compile needs a C++ compiler; none was found") from error
    torch._dynamo.config.trace_autograd_ops = True
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    torch._dynamo.config.allow_rnn = True  # only lets it look at nn.LSTM, which holds the weights


def _refuse_long(task: Task) -> None:
    """Recurrent layers are compiled time step by time step: long ones take minutes."""
    for index, layer in enumerate(task.layers):
        if isinstance(layer, (SimpleRNN, LSTM)):
            steps = (task.input_shape, *output_shapes(task))[index][0]
            if steps > UNROLLED:
                raise Unsupported(
                    f"torch.compile lays a recurrent layer out step by step; {steps} steps "
                    f"take minutes to compile, so it is done up to {UNROLLED}"
                )


def _whole_step(task: Task, model: nn.Module, forward: eager.Forward) -> eager.Step:
    """Forward, loss, backward and update in one graph; gives the loss before the update."""
    loss_of, update = eager.LOSSES[task.loss], _update(task, model)
    trained = eager.trained(model)

    def step(batch: Tensor, target: Tensor) -> Tensor:
        loss = loss_of(forward(batch), target)
        gradients = torch.autograd.grad(loss, trained)
        with torch.no_grad():
            update(gradients)
        return loss.detach()

    return torch.compile(step, fullgraph=True)


def _update(task: Task, model: nn.Module) -> Callable[[tuple[Tensor, ...]], None]:
    """What the optimizer does to the parameters, in operations torch.compile can fuse.

    torch.optim's own step() breaks the graph.
    """
    trained, optimizer = eager.trained(model), task.optimizer

    def descend(gradients: tuple[Tensor, ...]) -> None:
        for p, g in zip(trained, gradients, strict=True):
            p.sub_(g, alpha=optimizer.learning_rate)

    if isinstance(optimizer, SGD):
        return descend
    adam = optimizer
    means = [torch.zeros_like(p) for p in trained]
    squares = [torch.zeros_like(p) for p in trained]
    # Whole: a float64 scalar is not added to by what torch.compile makes of it in 2.13.
    count = torch.zeros((), dtype=torch.int64, device=trained[0].device)

    def adapt(gradients: tuple[Tensor, ...]) -> None:
        steps = count.add_(1).double()
        rate = (adam.learning_rate / (1 - adam.beta_1**steps)).float()
        unbiased = (1 - adam.beta_2**steps).rsqrt().float()
        for p, g, m, v in zip(trained, gradients, means, squares, strict=True):
            m.add_((1 - adam.beta_1) * (g - m))
            v.add_((1 - adam.beta_2) * (g * g - v))
            p.sub_(rate * m / (v.sqrt() * unbiased + adam.epsilon))

    return adapt
