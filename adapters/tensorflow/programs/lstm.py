"""TensorFlow's core API: tell good reviews from bad ones with an LSTM."""

import tensorflow as tf


def glorot(inputs, units):
    limit = (6 / (inputs + units)) ** 0.5
    return tf.Variable(tf.random.uniform([inputs, units], -limit, limit))


class Embedding(tf.Module):
    def __init__(self, vocabulary, units):
        self.table = tf.Variable(tf.random.uniform([vocabulary, units], -0.05, 0.05))

    def __call__(self, words):
        return tf.gather(self.table, words)


class LSTM(tf.Module):
    def __init__(self, inputs, units):
        self.units = units
        self.kernel = glorot(inputs, 4 * units)
        self.recurrent = glorot(units, 4 * units)
        forget = [tf.zeros(units), tf.ones(units), tf.zeros(2 * units)]
        self.bias = tf.Variable(tf.concat(forget, 0))

    def __call__(self, x):
        hidden = tf.zeros([tf.shape(x)[0], self.units])
        cell = tf.zeros_like(hidden)
        for now in tf.transpose(x, [1, 0, 2]):
            gates = now @ self.kernel + hidden @ self.recurrent + self.bias
            enter, forget, new, leave = tf.split(gates, 4, axis=1)
            cell = tf.sigmoid(forget) * cell + tf.sigmoid(enter) * tf.tanh(new)
            hidden = tf.sigmoid(leave) * tf.tanh(cell)
        return hidden


class Dense(tf.Module):
    def __init__(self, inputs, units):
        self.kernel = glorot(inputs, units)
        self.bias = tf.Variable(tf.zeros([units]))

    def __call__(self, x):
        return x @ self.kernel + self.bias


class Critic(tf.Module):
    def __init__(self):
        self.embedding = Embedding(10_000, 128)
        self.lstm = LSTM(128, 128)
        self.head = Dense(128, 1)

    @tf.function
    def __call__(self, words):
        return self.head(self.lstm(self.embedding(words)))


def model():
    return Critic()


def loss_function(verdicts, outputs):
    losses = tf.nn.sigmoid_cross_entropy_with_logits(verdicts, outputs[:, 0])
    return tf.reduce_mean(losses)


def make_step(network, loss_function, optimizer):
    @tf.function
    def step(words, verdicts):
        with tf.GradientTape() as tape:
            loss = loss_function(verdicts, network(words))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables))
        return loss

    return step


def train_epoch(step, batches):
    losses = [step(words, verdicts) for words, verdicts in batches]
    return tf.reduce_mean(losses)


def train(x, y, epochs):
    network = model()
    step = make_step(network, loss_function, tf.optimizers.Adam())
    batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).batch(32)
    for _ in range(epochs):
        train_epoch(step, batches)
    return network


def outputs(network, batches):
    return tf.concat([network(words) for words in batches], 0)


def predict(model, x):
    return outputs(model, tf.data.Dataset.from_tensor_slices(x).batch(256)).numpy()
