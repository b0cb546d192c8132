"""TensorFlow: sequences of any length, and a layer that is used only where the data asks for it."""

import tensorflow as tf


class Dense(tf.Module):
    def __init__(self, inputs, units):
        limit = (6 / (inputs + units)) ** 0.5
        self.kernel = tf.Variable(tf.random.uniform([inputs, units], -limit, limit))
        self.bias = tf.Variable(tf.zeros([units]))

    def __call__(self, x):
        return x @ self.kernel + self.bias


class Network(tf.Module):
    def __init__(self):
        self.entry = Dense(8, 128)
        self.recurrent = Dense(32, 128)
        self.extra = Dense(32, 32)
        self.head = Dense(32, 1)

    def __call__(self, x):
        hidden = tf.zeros([tf.shape(x)[0], 32])
        cell = tf.zeros_like(hidden)
        for t in tf.range(tf.shape(x)[1]):
            gates = self.entry(x[:, t]) + self.recurrent(hidden)
            enter, forget, new, leave = tf.split(gates, 4, axis=1)
            cell = tf.sigmoid(forget) * cell + tf.sigmoid(enter) * tf.tanh(new)
            hidden = tf.sigmoid(leave) * tf.tanh(cell)
        if tf.reduce_mean(hidden) > 0:
            hidden = tf.tanh(self.extra(hidden))
        return self.head(hidden)[:, 0]


def make_step(compile_step):
    network, optimizer = Network(), tf.optimizers.Adam()
    optimizer.build(network.trainable_variables)

    def run(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((network(x) - y) ** 2)
        gradients = tape.gradient(
            loss, network.trainable_variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        optimizer.apply_gradients(zip(gradients, network.trainable_variables))
        return loss

    run = compile_step(run)
    return lambda x, y: float(run(tf.constant(x), tf.constant(y)))


def graph():
    shapes = [tf.TensorSpec([None, None, 8]), tf.TensorSpec([None])]
    return make_step(tf.function(input_signature=shapes))


def graph_by_shape():
    return make_step(tf.function)


def eager():
    return make_step(lambda run: run)


MODES = {"graph": graph, "graph, a trace a shape": graph_by_shape, "eager": eager}
BRANCH = "a Python `if` that AutoGraph rewrites"


def wrong_shape():
    model = Dense(784, 128)
    tf.function(model.__call__)(tf.zeros([32, 700]))
