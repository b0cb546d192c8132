"""Which of TensorFlow's modes for finding faults are on: they slow every operation down."""

from __future__ import annotations

import tensorflow as tf
from tensorflow.python.data.ops import debug_mode
from tensorflow.python.eager import context

from adapters.base import modes_on


def debugging() -> str:
    """As `settings` say it. tf.debugging's own (check_numerics, dump_debug_info) are called at
    every operation, and nothing public tells whether they are."""
    return modes_on(
        {
            "run_functions_eagerly": tf.config.functions_run_eagerly(),
            "check_numerics or dump_debug_info": bool(context.context().op_callbacks),
            "tf.data's debug mode": bool(debug_mode.DEBUG_MODE),
            "log_device_placement": tf.debugging.get_log_device_placement(),
        }
    )
