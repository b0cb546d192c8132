"""TensorFlow: one large matrix product, for the machine's ceiling."""

import tensorflow as tf


def make(a, b):
    left, right = tf.constant(a), tf.constant(b)
    product = tf.function(lambda: tf.reduce_sum(left @ right))
    return lambda: product().numpy()
