"""JAX: one large matrix product and one copy, for the machine's ceiling."""

import jax
import jax.numpy as jnp


def product(a, b, device, precision):
    narrow = "tensorfloat32" if precision == "tf32" else "highest"
    kind = jnp.bfloat16 if precision == "bf16" else jnp.float32
    where = jax.devices(device)[0]
    left, right = (jax.device_put(jnp.asarray(x, kind), where) for x in (a, b))
    multiply = jax.jit(lambda a, b: jnp.matmul(a, b, precision=narrow))
    return lambda: multiply(left, right).block_until_ready()


def copy(x, device):
    source = jax.device_put(jnp.asarray(x), jax.devices(device)[0])
    again = jax.jit(jnp.copy)
    return lambda: again(source).block_until_ready()
