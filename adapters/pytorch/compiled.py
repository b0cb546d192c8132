"""PyTorch through torch.compile: the model of adapters/pytorch/model.py, its steps compiled.

What was measured stands in MEASURED.md.

* Forward, loss and backward are one graph without a break, and Adam too where that wins
  (`Contender._programs`). torch.optim.Adam.step() breaks the graph; its functional form does
  not trace with foreach or fused, and as a plain loop is slower than Adam written out. Gathering
  a batch belongs to the graph too, which is a little faster. The CNN stays behind eager for
  inductor's own relu and pool.
* Recurrent layers are laid out over their time steps. nn.LSTM itself, under allow_rnn, is
  passed to oneDNN's kernel and then fails in the generated code. Long sequences take minutes to
  compile and are refused.

CUDA graphs, on "cuda" only. Written from PyTorch's documents ("CUDAGraph Trees") and the source of
2.13; we never ran it on a GPU, so nothing here is measured, and on the CPU nothing of it is used.

* Every task's whole step, update included, is one program of mode "reduce-overhead", which records
  it as a CUDA graph; so is inference. The first call with a batch size runs without a graph, the
  second records one, the third is the first fast one.
* Inductor leaves CUDA graphs out, with a log line, where a program writes to an input whose
  address may change. torch.compile takes parameters for fixed, not Adam's moments and step count:
  all are marked, as torch.optim marks its own when compiled, and all live on the device.
* A replay overwrites what the last one gave, and outside a program nothing says that a new step
  has begun: `_kept` says it, and copies the output.
* dynamic=False: a graph has one batch size. Left to itself, torch.compile would make the second
  size it meets a program for any size, and then record that once a size all the same: fewer
  compilations, but then the sizes met first would decide which kernels are measured. A build meets
  few: the full batch, the last one of each data set, one row. Over 8, torch.compile raises.
* torch.no_grad for inference: graphs recorded first under inference_mode and then outside it were
  seen to fail (pytorch/pytorch issue 135892), and a certificate begins with inference.
* `settings` reads back how many graphs were recorded since `build`, and how often inductor left
  them out since the process began. A task that was replayed has some recorded and none left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.base import Device, Precision, Setting, Unsupported, form_of, unknown
from adapters.pytorch import contender as eager
from adapters.pytorch.model import LOSSES, LastState, trained
from tasks.spec.layers import LSTM, SimpleRNN
from tasks.spec.network import Task, output_shapes
from tasks.spec.sequence import GRU, Bidirectional
from tasks.spec.training import SGD, Adam
from tasks.weights import Weights

UNROLLED = 32  # time steps up to which a recurrent layer is compiled
_GRAPHS = "reduce-overhead"  # the mode that has CUDA graphs and nothing else


class Unrolled(LastState):
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
    recurrent: ClassVar[type[LastState]] = Unrolled
    inductor: ClassVar[dict[str, Any]] = {}
    """Options of inductor that are not its own defaults; only alternatives.py has some."""

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        super().__init__(mode, device, precision, threads)
        self._graphs = device == "cuda"
        if self._graphs:
            self._no_gradients = torch.no_grad
        _set_up()

    def settings(self) -> dict[str, Setting]:
        return super().settings() | (_graphs_made() if self._graphs else {"cuda_graphs": "none"})

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        _refuse_long(task)
        torch.compiler.reset()  # the graphs of an earlier build
        super().build(task, weights, seed)

    def _programs(
        self, task: Task, model: nn.Module, forward: eager.Forward
    ) -> tuple[eager.StagedStep, eager.Forward]:
        """The update is in the graph for recurrent networks; large tensors are updated better by
        the fused kernel of torch.optim (MEASURED.md)."""
        if task.is_graph:
            return super()._programs(task, model, forward)
        options = compile_options(self._graphs) | (
            {"options": self.inductor} if self.inductor else {}
        )
        infer = torch.compile(forward, **options)
        if self._graphs:
            step, written = _whole_step(task, model, forward)
            for tensor in written:
                torch._dynamo.mark_static_address(tensor, guard=True)
            return eager.gathering(_kept(torch.compile(step, **options))), _kept(infer)
        if any(isinstance(layer, (SimpleRNN, LSTM)) for layer in task.layers):
            step, _ = _whole_step(task, model, forward)
            return torch.compile(eager.gathering(step), **options), infer
        gradients = torch.compile(eager.gathering(eager.gradients_of(task, forward)), **options)
        return eager.stepping(task, model, gradients), infer

    def _graph_loss(self, loss: eager.Step) -> eager.Step:
        """An update's loss in one graph, and its backward pass; torch.optim stays outside, and no
        CUDA graph is recorded."""
        compiled: eager.Step = torch.compile(super()._graph_loss(loss), **compile_options(False))
        return compiled

    def _graph_forward(self, forward: eager.Forward) -> eager.Forward:
        compiled: eager.Forward = torch.compile(forward, **compile_options(False))
        return compiled


def compile_options(graphs: bool) -> dict[str, Any]:
    """What torch.compile is called with, with CUDA graphs or without."""
    return {"fullgraph": True} | ({"mode": _GRAPHS, "dynamic": False} if graphs else {})


def _kept(program: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The program, a new step of the CUDA graphs each time; gives a copy, which no replay changes.

    Once one step is announced, all must be: later calls would count as parts of that one.
    """

    def run(*inputs: Tensor) -> Tensor:
        torch.compiler.cudagraph_mark_step_begin()
        return program(*inputs).clone()

    return run


def _graphs_made() -> dict[str, Setting]:
    """What became of the CUDA graphs that were asked for."""
    from torch._dynamo.utils import counters
    from torch._inductor.cudagraph_trees import get_manager

    on = torch._inductor.list_mode_options(_GRAPHS)["triton.cudagraphs"]
    manager = get_manager(torch.cuda.current_device(), create_if_none_exists=False)
    graphs = list(manager.get_roots()) if manager else []
    for graph in graphs:  # the list grows: some are recorded as following others
        graphs += [follower for each in graph.children.values() for follower in each]
    return {
        "cuda_graphs": "on" if on else "off",
        "cuda_graphs_recorded": len(graphs),
        "cuda_graphs_left_out": counters["inductor"]["cudagraph_skips"],
    }


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
    for node in task.network:
        if isinstance(node.layer, LSTM | GRU | Bidirectional):
            raise unknown("layer", node.layer)
    for index, layer in enumerate(task.layers):
        if isinstance(layer, (SimpleRNN, LSTM)):
            steps = (task.input_shape, *output_shapes(task))[index][0]
            if steps > UNROLLED:
                raise Unsupported(
                    f"torch.compile lays a recurrent layer out step by step; {steps} steps "
                    f"take minutes to compile, so it is done up to {UNROLLED}"
                )


def _whole_step(
    task: Task, model: nn.Module, forward: eager.Forward
) -> tuple[eager.Step, list[Tensor]]:
    """Forward, loss, backward and update, for one graph, and all tensors it writes to.

    The step gives the loss before the update.
    """
    loss_of, parameters = form_of("loss", task.loss, LOSSES), trained(model)
    update, written = _update(task, parameters)

    def step(batch: Tensor, target: Tensor) -> Tensor:
        loss = loss_of(forward(batch), target)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            update(gradients)
        return loss.detach()

    return step, written


def _update(
    task: Task, parameters: list[nn.Parameter]
) -> tuple[Callable[[tuple[Tensor, ...]], None], list[Tensor]]:
    """What the optimizer does to the parameters, in operations torch.compile can fuse, and all
    tensors it writes to.

    torch.optim's own step() breaks the graph.
    """
    optimizer = task.optimizer

    def descend(gradients: tuple[Tensor, ...]) -> None:
        for p, g in zip(parameters, gradients, strict=True):
            p.sub_(g, alpha=optimizer.learning_rate)

    if isinstance(optimizer, SGD):
        return descend, [*parameters]
    if not isinstance(optimizer, Adam):
        raise unknown("optimizer", optimizer)
    adam = optimizer
    means = [torch.zeros_like(p) for p in parameters]
    squares = [torch.zeros_like(p) for p in parameters]
    # Whole: a float64 scalar is not added to by what torch.compile makes of it in 2.13.
    count = torch.zeros((), dtype=torch.int64, device=parameters[0].device)

    def adapt(gradients: tuple[Tensor, ...]) -> None:
        steps = count.add_(1).double()
        rate = (adam.learning_rate / (1 - adam.beta_1**steps)).float()
        unbiased = (1 - adam.beta_2**steps).rsqrt().float()
        for p, g, m, v in zip(parameters, gradients, means, squares, strict=True):
            m.add_((1 - adam.beta_1) * (g - m))
            v.add_((1 - adam.beta_2) * (g * g - v))
            p.sub_(rate * m / (v.sqrt() * unbiased + adam.epsilon))

    return adapt, [*parameters, *means, *squares, count]
