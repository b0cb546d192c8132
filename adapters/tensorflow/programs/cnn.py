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
    def __init__(self, channels, filters):
        self.kernel = glorot([3, 3, channels, filters], 9 * channels, 9 * filters)
        self.bias = tf.Variable(tf.zeros([filters]))

    def __call__(self, x):
        return tf.nn.conv2d(x, self.kernel, strides=1, padding="VALID") + self.bias


class Classifier(tf.Module):
    def __init__(self):
        self.convolution = Convolution(3, 32)
        self.hidden = Dense(31 * 31 * 32, 64)
        self.head = Dense(64, 10)

    @tf.function
    def __call__(self, x):
        x = tf.nn.relu(self.convolution(x))
        x = tf.nn.max_pool2d(x, 2, strides=2, padding="VALID")
        x = tf.reshape(x, [-1, 31 * 31 * 32])
        return self.head(tf.nn.relu(self.hidden(x)))


def train(x, y, epochs):
    model = Classifier()
    optimizer = tf.optimizers.Adam()

    @tf.function
    def step(images, labels):
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(images))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    rows = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).batch(32)
    for _ in range(epochs):
        for images, labels in rows:
            step(images, labels)
    return model


def predict(model, x):
    return model(tf.constant(x)).numpy()
