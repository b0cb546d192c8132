"""TensorFlow: one large matrix product and one copy, for the machine's ceiling."""

import tensorflow as tf


def product(a, b, device, precision):
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    kind = tf.bfloat16 if precision == "bf16" else tf.float32
    with tf.device("GPU:0" if device == "cuda" else "CPU:0"):
        left, right = (tf.identity(tf.cast(x, kind)) for x in (a, b))
    corner = tf.function(lambda: tf.matmul(left, right)[0, 0])
    return lambda: corner().numpy()  # of all the outputs one, on the host when all are done


def copy(x, device):
    with tf.device("GPU:0" if device == "cuda" else "CPU:0"):
        source = tf.identity(x)
    again = tf.function(lambda: tf.raw_ops.DeepCopy(x=source)[0])
    return lambda: again().numpy()
