"""JAX with Flax: a trained model written in each format its own packages know, and read again."""

import jax
import numpy as np
from flax import nnx, serialization
from jax import export


def make():
    rngs = nnx.Rngs(0)
    return nnx.Sequential(nnx.Linear(784, 128, rngs=rngs), nnx.relu, nnx.Linear(128, 10, rngs=rngs))


def answers(model, x):
    return np.asarray(model(x))


def parameters(model, x, folder):
    state = nnx.to_pure_dict(nnx.state(model))
    (folder / "model.msgpack").write_bytes(serialization.msgpack_serialize(state))
    again = make()
    kept = nnx.state(again)
    nnx.replace_by_pure_dict(
        kept, serialization.msgpack_restore((folder / "model.msgpack").read_bytes())
    )
    nnx.update(again, kept)
    return answers(again, x)


def stable_hlo(model, x, folder):
    graph, state = nnx.split(model)

    @jax.jit
    def outputs(x):
        return nnx.merge(graph, state)(x)

    written = export.export(outputs)(jax.ShapeDtypeStruct(x.shape, x.dtype))
    (folder / "model.stablehlo").write_bytes(written.serialize())
    read = export.deserialize(bytearray((folder / "model.stablehlo").read_bytes()))
    return np.asarray(read.call(x))


def checkpoint(model, x, folder):
    import orbax.checkpoint as checkpoints

    graph, state = nnx.split(model)
    with checkpoints.StandardCheckpointer() as writer:
        writer.save(folder / "checkpoint", state)
        writer.wait_until_finished()
        kept = writer.restore(folder / "checkpoint", state)
    return answers(nnx.merge(graph, kept), x)


FORMATS = {"state (msgpack)": parameters, "StableHLO": stable_hlo, "Orbax checkpoint": checkpoint}
