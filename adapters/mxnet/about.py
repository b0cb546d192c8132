"""MXNet, as the suite knows it before it is installed."""

from __future__ import annotations

from adapters.base import Export, Framework, Implementation, Installation, Place, Scheme
from adapters.repeating import Repeating

_TUNED = (
    "where there are several threads the engine is the naive one (MXNET_ENGINE_TYPE), which "
    "MXNet's guide keeps for debugging",
    "losses of chains are written with operators instead of gluon.loss",
    "batches are gathered by take from rows that are MXNet's arrays, without a DataLoader",
    "losses are read once a call, not once a step",
    "the Trainer is made without a kvstore",
    "threads are set through MXNet's private handle of its library",
)


def parameter_server(place: Place) -> dict[str, str]:
    """The variables of MXNet's launcher: one scheduler, one server, and the workers."""
    if place.size == 1:
        return {}
    return {
        "DMLC_ROLE": "worker" if place.role == "peer" else place.role,
        "DMLC_PS_ROOT_URI": "127.0.0.1",
        "DMLC_PS_ROOT_PORT": str(place.ports[0]),
        "DMLC_NUM_WORKER": str(place.size),
        "DMLC_NUM_SERVER": "1",
    }


FRAMEWORK = Framework(
    name="mxnet",
    title="MXNet",
    order=4,
    package="mxnet",
    repeating=Repeating(
        "a switch",
        "`MXNET_ENFORCE_DETERMINISM=1` allows only deterministic algorithms",
        "https://mxnet.apache.org/versions/1.9.1/api/faq/env_var.html",
    ),
    # Its OpenBLAS of 2022 computes wrongly on some newer processors unless it is told a kernel.
    installations=(Installation("mxnet", keeps=("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")),),
    exports=(
        Export("mxnet-symbol", "mxnet_export"),
        Export("onnx", "mxnet_export"),
        Export("onnx-int8-dynamic", "onnx_export", of="onnx"),
        Export("onnx-int8-static", "onnx_export", of="onnx"),
    ),
    implementations=(
        Implementation(
            "mxnet", "hybrid", "adapters.mxnet.contender", "mxnet",
            "Gluon, hybridized, with its Trainer",
            tests=("tests/adapters/test_mxnet_engine.py", "tests/adapters/test_mxnet_graphs.py"),
            division="tuned",
            departures=(
                *_TUNED,
                "gathering and loss are inside the hybridized graph, not the network alone",
                "memory and shapes of the graph are static (static_alloc, static_shape), so that "
                "prediction has a graph for each batch size",
            ),
        ),
        Implementation(
            "mxnet", "imperative", "adapters.mxnet.contender", "mxnet",
            "Gluon, operation by operation, with its Trainer", usual=False,
            division="tuned",
            departures=_TUNED,
        ),
        Implementation(
            "mxnet", "gluon", "adapters.mxnet.documented", "mxnet",
            "the tutorials' program: Gluon's blocks, hybridized, a DataLoader, its losses and "
            "Trainer",
            usual=False,
            tests=(
                "tests/adapters/test_documented_mxnet.py", "tests/adapters/test_mxnet_graphs.py",
            ),
            division="documented",
        ),
    ),
    schemes=(
        Scheme(
            "mxnet", "dist-sync", "adapters.mxnet.distributed",
            "the Trainer with the dist_sync store: a scheduler, a server, and the workers",
            variables=parameter_server, helpers=("scheduler", "server"),
        ),
    ),
)  # fmt: skip
