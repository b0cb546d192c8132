"""TensorFlow's core API: tell good reviews from bad ones with an LSTM."""

import tensorflow as tf


def glorot(inputs, units):
    limit = (6 / (inputs + units)) ** 0.5
    return tf.Variable(tf.random.uniform([inputs, units], -limit, limit))


class Critic(tf.Module):
    def __init__(self):
        self.embedding = tf.Variable(tf.random.uniform([10_000, 128], -0.05, 0.05))
        self.kernel = glorot(128, 512)
        self.recurrent = glorot(128, 512)
        self.bias = tf.Variable(tf.concat([tf.zeros(128), tf.ones(128), tf.zeros(256)], 0))
        self.head = glorot(128, 1)
        self.head_bias = tf.Variable(tf.zeros([1]))

    @tf.function
    def __call__(self, words):
        inputs = tf.gather(self.embedding, words) @ self.kernel + self.bias
        hidden = tf.zeros([tf.shape(words)[0], 128])
        cell = tf.zeros_like(hidden)
        for t in tf.range(tf.shape(words)[1]):
            gates = inputs[:, t] + hidden @ self.recurrent
            enter, forget, new, leave = tf.split(gates, 4, axis=1)
            cell = tf.sigmoid(forget) * cell + tf.sigmoid(enter) * tf.tanh(new)
            hidden = tf.sigmoid(leave) * tf.tanh(cell)
        return hidden @ self.head + self.head_bias


def train(x, y, epochs):
    model = Critic()
    optimizer = tf.optimizers.Adam()

    @tf.function
    def step(words, verdicts):
        with tf.GradientTape() as tape:
            losses = tf.nn.sigmoid_cross_entropy_with_logits(verdicts, model(words)[:, 0])
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    rows = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).batch(32)
    for _ in range(epochs):
        for words, verdicts in rows:
            step(words, verdicts)
    return model


def predict(model, x):
    return model(tf.constant(x)).numpy()
