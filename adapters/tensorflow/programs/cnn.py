"""TensorFlow's core API: classify colour photographs with a convolutional network."""

import tensorflow as tf


def glorot(shape, inputs, outputs):
    limit = (6 / (inputs + outputs)) ** 0.5
    return tf.Variable(tf.random.uniform(shape, -limit, limit))


class Dense(tf.Module):
    def __init__(self, inputs, units):
        self.kernel = glorot([inputs, units], inputs, units)
        self.bias = tf.Variable(tf.zeros([units]))

    def __call__(self, x):
        return x @ self.kernel + self.bias


class Convolution(tf.Module):
    def __init__(self, channels, filters, size):
        pixels = size * size
        shape = [size, size, channels, filters]
        self.kernel = glorot(shape, pixels * channels, pixels * filters)
        self.bias = tf.Variable(tf.zeros([filters]))

    def __call__(self, x):
        return tf.nn.conv2d(x, self.kernel, strides=1, padding="VALID") + self.bias


class Classifier(tf.Module):
    def __init__(self):
        self.convolution = Convolution(3, 32, 3)
        self.hidden = Dense(31 * 31 * 32, 64)
        self.head = Dense(64, 10)

    @tf.function
    def __call__(self, x):
        x = tf.nn.relu(self.convolution(x))
        x = tf.nn.max_pool2d(x, 2, strides=2, padding="VALID")
        x = tf.reshape(x, [-1, 31 * 31 * 32])
        return self.head(tf.nn.relu(self.hidden(x)))


def model():
    return Classifier()


def loss_function(labels, outputs):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, outputs))


def make_step(network, loss_function, optimizer):
    @tf.function
    def step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_function(labels, network(images))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables))
        return loss

    return step


def train_epoch(step, batches):
    losses = [step(images, labels) for images, labels in batches]
    return tf.reduce_mean(losses)


def train(x, y, epochs):
    network = model()
    step = make_step(network, loss_function, tf.optimizers.Adam())
    batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).batch(32)
    for _ in range(epochs):
        train_epoch(step, batches)
    return network


def outputs(network, batches):
    return tf.concat([network(images) for images in batches], 0)


def predict(model, x):
    return outputs(model, tf.data.Dataset.from_tensor_slices(x).batch(256)).numpy()
