"""pytorch:compile as on "cuda", without a GPU: all but the recording of the graphs themselves.

Run in PyTorch's environment:
.envs/pytorch-cpu/bin/python -m pytest tests/adapters/test_cuda_graphs.py
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.spec.network import Task
from tasks.weights import initial_weights
from tests.adapters import conformance
from tests.support.small import CNN, FNN, LSTM_WORDS, RNN, random_rows

torch = pytest.importorskip("torch", reason="needs PyTorch's own environment; see the docstring")
compiled = importlib.import_module("adapters.pytorch.compiled")
STEPS = 3
GRAPHS_MADE = compiled._graphs_made


@pytest.fixture
def graphed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The contender made for a GPU that is made up, then set to work on the CPU.

    Inductor then leaves the graphs out; all that is done for them is done.
    """
    with monkeypatch.context() as there:
        there.setattr(torch.cuda, "is_available", lambda: True)
        contender = compiled.Contender("compile", "cuda", "fp32", conformance.THREADS)
    contender._device = torch.device("cpu")
    # The certificate reads the settings, and no graph was recorded.
    monkeypatch.setattr(compiled, "_graphs_made", dict)
    return contender


def work(contender: Any, task: Task, batch: int = 15) -> tuple[float, np.ndarray]:
    """The mean loss of some steps, and outputs in batches of which the last one is shorter."""
    contender.build(task, initial_weights(task, 3), 0)
    data = contender.stage(*random_rows(task, rows=16 * STEPS))
    order = np.arange(16 * STEPS, dtype=np.int32).reshape(STEPS, 16)
    return float(contender.train(data, order)), contender.predict(data, batch)


@pytest.mark.parametrize("task", [FNN, CNN, RNN], ids=lambda t: t.name)
def test_whole_steps_are_certified(graphed: Any, task: Task) -> None:
    """An LSTM takes minutes; its whole step is certified for the CPU."""
    conformance.test_certificate(graphed, task)


def test_a_whole_step_in_bfloat16_is_certified(graphed: Any) -> None:
    graphed._mixed = True
    certificate = conformance.certify(graphed, FNN, *random_rows(FNN), seed=1, precision="bf16")
    assert certificate.passed, certificate.reason()


def test_what_else_is_asked_of_every_adapter(graphed: Any) -> None:
    conformance.test_weights_survive_and_never_alias(graphed, FNN)
    conformance.test_predict_gives_every_row_whatever_the_batch(graphed, FNN)


@pytest.mark.parametrize(
    ("device", "options"),
    [
        ("cpu", {"fullgraph": True}),
        ("cuda", {"fullgraph": True, "mode": "reduce-overhead", "dynamic": False}),
    ],
)
def test_what_torch_compile_is_asked_for(
    device: str, options: dict[str, Any], graphed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu = compiled.Contender("compile", "cpu", "fp32", conformance.THREADS)
    asked = []

    def compile_(program: Callable[..., Any], **given: Any) -> Callable[..., Any]:
        asked.append(given)
        return program

    monkeypatch.setattr(torch, "compile", compile_)
    work(graphed if device == "cuda" else cpu, FNN)
    assert asked == [options, options]  # inference and a step
    assert torch._inductor.list_mode_options("reduce-overhead") == {"triton.cudagraphs": True}


@pytest.mark.parametrize("marked", [True, False])
def test_inductor_takes_all_it_writes_to_for_static(
    marked: bool, graphed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves CUDA graphs out otherwise; without the marks it would."""
    from torch._inductor.output_code import CompiledFxGraph

    seen = []
    after_compiling = CompiledFxGraph.post_compile

    def post_compile(graph: Any, *rest: Any) -> None:
        seen.append((set(graph.mutated_input_idxs), set(graph.fx_kwargs["static_input_idxs"])))
        after_compiling(graph, *rest)

    monkeypatch.setattr(CompiledFxGraph, "post_compile", post_compile)
    if not marked:
        monkeypatch.setattr(torch._dynamo, "mark_static_address", lambda *_, **__: None)
    work(graphed, FNN)
    (written, static), *inference = seen
    tensors = len(list(graphed._model.parameters()))
    assert len(written) == 3 * tensors + 1  # parameters, both moments, the number of steps
    assert (written <= static) is marked
    assert len(inference) == 2, "a program for each size of batch"
    assert not any(written for written, _ in inference)


@pytest.mark.parametrize("task", [FNN, CNN, RNN, LSTM_WORDS], ids=lambda t: t.name)
def test_a_whole_step_has_nothing_on_the_host(task: Task) -> None:
    """Traced on the device "meta", as a stand-in; Adam's number of steps is what could be off it.

    With this loss: PyTorch 2.13 fails to trace the gradient of two others there.
    """
    from torch._dynamo.backends.common import aot_autograd
    from torch._inductor.utils import get_first_incompatible_cudagraph_node

    devices, unfit = set(), []

    def look(graph: Any, _: Any) -> Any:
        values = [node.meta.get("val") for node in graph.graph.nodes]
        tensors = [v for v in torch.utils._pytree.tree_leaves(values) if torch.is_tensor(v)]
        devices.update(tensor.device.type for tensor in tensors)
        unfit.append(get_first_incompatible_cudagraph_node(graph))
        return graph

    compiled._set_up()
    torch.compiler.reset()
    task = replace(task, loss="binary_crossentropy")
    model = compiled.eager.network(task, compiled.Unrolled).to("meta")
    step, _ = compiled._whole_step(task, model, model)
    x = torch.empty(16, *task.input_shape, dtype=getattr(torch, task.input_dtype), device="meta")
    y = torch.empty_like(model(x)).detach()
    torch.compile(step, fullgraph=True, backend=aot_autograd(fw_compiler=look))(x, y)
    assert devices == {"meta"}
    assert unfit == [None]


def test_outputs_outlive_the_next_replay(graphed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that give the same memory each time, as a replayed CUDA graph does."""
    cpu = compiled.Contender("compile", "cpu", "fp32", conformance.THREADS)
    loss, outputs = work(cpu, FNN.without_dropout())
    begun = []

    def replaying(program: Callable[..., Any], **_: Any) -> Callable[..., Any]:
        memory: dict[Any, Any] = {}

        def run(*inputs: Any) -> Any:
            output = program(*inputs)
            return memory.setdefault(output.shape, torch.empty_like(output)).copy_(output)

        return run

    monkeypatch.setattr(torch, "compile", replaying)
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", lambda: begun.append(1))
    replayed_loss, replayed_outputs = work(graphed, FNN.without_dropout())
    assert replayed_loss == pytest.approx(loss, rel=1e-5)
    assert np.allclose(replayed_outputs, outputs, rtol=1e-4, atol=1e-5)
    assert len(begun) == STEPS + len(range(0, len(outputs), 15))


def test_inference_is_no_inference_mode(graphed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []

    def look(program: Callable[..., Any], **_: Any) -> Callable[..., Any]:
        def run(*inputs: Any) -> Any:
            modes.append((torch.is_inference_mode_enabled(), torch.is_grad_enabled()))
            return program(*inputs)

        return run

    monkeypatch.setattr(torch, "compile", look)
    work(graphed, FNN)
    assert modes[0] == (False, True) and modes[-1] == (False, False)


def test_settings_say_what_became_of_the_graphs(
    graphed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._dynamo.utils import counters
    from torch._inductor import cudagraph_trees

    cpu = compiled.Contender("compile", "cpu", "fp32", conformance.THREADS)
    assert cpu.settings()["cuda_graphs"] == "none"
    monkeypatch.setattr(compiled, "_graphs_made", GRAPHS_MADE)
    leaf = SimpleNamespace(children={})
    root = SimpleNamespace(children={"a": [leaf], "b": [leaf, leaf]})
    trees = SimpleNamespace(get_roots=lambda: iter([root, leaf]))
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    for manager, recorded, left_out in ((None, 0, 3), (trees, 5, 0)):
        monkeypatch.setattr(cudagraph_trees, "get_manager", lambda *_, m=manager, **__: m)
        monkeypatch.setitem(counters["inductor"], "cudagraph_skips", left_out)
        settings = graphed.settings()
        assert settings["cuda_graphs"] == "on"
        assert settings["cuda_graphs_recorded"] == recorded
        assert settings["cuda_graphs_left_out"] == left_out
