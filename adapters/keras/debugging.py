"""Which modes for finding faults are on, Keras's own and those of the backend under it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from adapters.base import modes_on


def debugging(keras: Any, model: Any) -> str:
    """As `settings` say it. model: the compiled one, or None before there is one."""
    own = {"run_eagerly": model is not None and bool(model.run_eagerly)}
    return modes_on(own | _BACKENDS[keras.config.backend()]())


def _of_tensorflow() -> dict[str, bool]:
    """tf.debugging's own are called at every operation, and nothing public tells whether they
    are."""
    tf = import_module("tensorflow")
    context = import_module("tensorflow.python.eager.context").context()
    data = import_module("tensorflow.python.data.ops.debug_mode")
    return {
        "run_functions_eagerly": tf.config.functions_run_eagerly(),
        "check_numerics or dump_debug_info": bool(context.op_callbacks),
        "tf.data's debug mode": bool(data.DEBUG_MODE),
        "log_device_placement": tf.debugging.get_log_device_placement(),
    }


def _of_jax() -> dict[str, bool]:
    config = import_module("jax").config
    names = ("disable_jit", "debug_nans", "debug_infs", "enable_checks", "check_tracer_leaks")
    return {f"jax_{name}": bool(getattr(config, f"jax_{name}")) for name in names}


def _of_torch() -> dict[str, bool]:
    return {"anomaly detection": import_module("torch").is_anomaly_enabled()}


_BACKENDS = {"tensorflow": _of_tensorflow, "jax": _of_jax, "torch": _of_torch}
