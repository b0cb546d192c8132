"""Documented rows use what a framework's documents show a user, and nothing from behind the scenes.

Read from the source alone, so no framework is needed: adapters/*/documented*.py and the programs
that they run. What the suite's contract cannot be met without is named in `ALLOWED`, with why.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.claims.programs import FAMILIES

ADAPTERS = Path(__file__).parents[2] / "adapters"
# What documented rows and tuned ones share of graphs.
SHARED = (
    "keras/graph_*.py",
    "mxnet/graph_layers.py",
    "mxnet/graph_model.py",
    "mxnet/graph_operators.py",
    "mxnet/graph_training.py",
    "tensorflow/graph_layers.py",
    "tensorflow/graph_model.py",
)
FILES = sorted(
    [
        *ADAPTERS.glob("*/documented*.py"),
        *(path for name in SHARED for path in ADAPTERS.glob(name)),
        *(path for name in FAMILIES for path in ADAPTERS.glob(f"*/programs/{name}.py")),
    ]
)
GRADIENTS = {"custom_gradient", "custom_vjp", "custom_jvp"}
READS = {"get", "copy", "items", "keys", "values"}  # of os.environ
ALLOWED = {
    "enable_tensor_float_32_execution": "TensorFlow's only switch for strict float32",
    "tensor_float_32_execution_enabled": "how that switch is read back",
    "sync_devices": "how TensorFlow is waited for; outside of training and prediction",
}


def broken(source: str, beside: str = "") -> list[str]:
    """What of the rules a module breaks, "line: what", in the order of lines.

    beside: the source of the framework's other documented modules, whose classes it may extend.
    """
    tree = ast.parse(source)
    own = _own(tree) | _own(ast.parse(beside))
    found = [*_names(tree, own), *_environment(tree)]
    return [f"{line}: {what}" for line, what in sorted(set(found))]


def _names(tree: ast.Module, own: set[str]) -> Iterator[tuple[int, str]]:
    """Names that are imported, read or called, keywords, and strings that stand for names."""
    inner = _inner(tree)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if private := _private(node, own):
            yield line, f"private: {private}"
        for name in () if node in inner else _named(node):
            parts = name.split(".")
            if "experimental" in name and parts[-1] not in ALLOWED:
                yield line, f"experimental: {name}"
            if "raw_ops" in parts:
                yield line, f"raw operations: {name}"
            if GRADIENTS & set(parts) or name.endswith("autograd.Function"):
                yield line, f"a gradient of its own: {name}"


def _named(node: ast.AST) -> list[str]:
    """The dotted names that one node holds."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Attribute):
        return [_dotted(node)]
    if isinstance(node, ast.keyword) and node.arg:
        return [node.arg]
    text = node.value if isinstance(node, ast.Constant) else None
    return [text] if isinstance(text, str) and " " not in text else []  # a name, not a sentence


def _private(node: ast.AST, own: set[str]) -> str:
    """The name with an underscore in front that is not the module's own; empty for none."""
    if isinstance(node, ast.Attribute):
        on_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        return _dotted(node) if _hidden(node.attr) and not (on_self and node.attr in own) else ""
    if isinstance(node, ast.Constant):
        text = node.value
        return text if isinstance(text, str) and text.isidentifier() and _hidden(text) else ""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return next((n for n in _named(node) if any(map(_hidden, n.split(".")))), "")
    return ""


def _hidden(name: str) -> bool:
    return name.startswith("_") and name != "_" and not name.endswith("__")


def _inner(tree: ast.Module) -> set[ast.AST]:
    """Attributes that are a part of a longer dotted name."""
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Attribute)}


def _own(tree: ast.Module) -> set[str]:
    """The attributes and methods that the module's classes give themselves."""
    methods = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return methods | {node.attr for node in attributes if isinstance(node.ctx, ast.Store)}


def _dotted(node: ast.Attribute) -> str:
    """The dotted name of an attribute; only its end where it begins with a call."""
    parts = [node.attr]
    inner = node.value
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    if isinstance(inner, ast.Name):
        parts.append(inner.id)
    return ".".join(reversed(parts))


def _environment(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Everything that is done with os.environ but reading it."""
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        name = getattr(node, "attr", getattr(node, "id", ""))
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            name = next((a.name for a in node.names if a.name in ("environ", "putenv")), "")
        if name in ("putenv", "unsetenv"):
            yield getattr(node, "lineno", 0), f"environment: {name}"
        elif name == "environ" and not _read(above[node]):
            yield getattr(node, "lineno", 0), "environment: os.environ is written or passed on"


def _read(parent: ast.AST) -> bool:
    if isinstance(parent, ast.Subscript):
        return isinstance(parent.ctx, ast.Load)
    if isinstance(parent, ast.Attribute):
        return parent.attr in READS
    return isinstance(parent, ast.Compare)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ADAPTERS)))
def test_a_documented_row_uses_what_is_documented(path: Path) -> None:
    others = sorted(path.parent.glob("documented*.py"))
    beside = "\n".join(other.read_text(encoding="utf-8") for other in others)
    beside = beside.replace("from __future__ import annotations\n", "")
    assert broken(path.read_text(encoding="utf-8"), beside) == []


def test_every_documented_framework_is_looked_at() -> None:
    seen = {path.relative_to(ADAPTERS).parts[0] for path in FILES if "documented" in path.name}
    assert {"tensorflow", "pytorch", "keras", "mxnet", "jax"} <= seen


PLANTED = {
    "import torch._dynamo": "private: torch._dynamo",
    "from mxnet.base import _LIB": "private: mxnet.base._LIB",
    "torch._C.do()": "private: torch._C",
    "self._modules.clear()": "private: self._modules",
    "getattr(torch, '_dynamo')": "private: _dynamo",
    "tf.raw_ops.ResourceApplyAdam()": "raw operations: tf.raw_ops.ResourceApplyAdam",
    "from tensorflow import raw_ops": "raw operations: tensorflow.raw_ops",
    "@tf.custom_gradient\ndef f(x): ...": "a gradient of its own: tf.custom_gradient",
    "f = jax.custom_vjp(g)": "a gradient of its own: jax.custom_vjp",
    "class F(torch.autograd.Function): ...": "a gradient of its own: torch.autograd.Function",
    "from torch.autograd import Function": "a gradient of its own: torch.autograd.Function",
    "from jax.experimental import pjit": "experimental: jax.experimental.pjit",
    "tf.data.experimental.prefetch()": "experimental: tf.data.experimental.prefetch",
    "tf.function(experimental_relax_shapes=True)": "experimental: experimental_relax_shapes",
    "o = {'xla_experimental_x': 1}": "experimental: xla_experimental_x",
    "os.environ['A'] = 'b'": "environment: os.environ is written or passed on",
    "os.environ |= {'A': 'b'}": "environment: os.environ is written or passed on",
    "os.environ.setdefault('A', 'b')": "environment: os.environ is written or passed on",
    "os.environ.update(A='b')": "environment: os.environ is written or passed on",
    "del os.environ['A']": "environment: os.environ is written or passed on",
    "e = os.environ": "environment: os.environ is written or passed on",
    "from os import environ": "environment: os.environ is written or passed on",
    "os.putenv('A', 'b')": "environment: putenv",
}


@pytest.mark.parametrize("line", PLANTED)
def test_each_rule_sees_a_planted_line(line: str) -> None:
    assert any(PLANTED[line] in what for what in broken(line)), broken(line)


@pytest.mark.parametrize(
    "line",
    [
        "import torch\nmodel = torch.nn.Linear(1, 1)",
        "torch.__version__",
        "self._network = 1\nself._network.eval()",
        "for _ in range(3): ...",
        "os.environ.get('A', '')\nos.environ['A']\n'A' in os.environ",
        "'an experimental thing, said in a sentence'",
    ],
)
def test_ordinary_lines_break_no_rule(line: str) -> None:
    assert broken(line) == []
