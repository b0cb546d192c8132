"""TensorFlow: a trained model written in each format its own package knows, and read again."""

import tensorflow as tf


class Model(tf.Module):
    def __init__(self):
        self.kernel = tf.Variable(tf.random.normal([784, 128], stddev=0.05))
        self.head = tf.Variable(tf.random.normal([128, 10], stddev=0.1))

    @tf.function(input_signature=[tf.TensorSpec([None, 784])])
    def __call__(self, x):
        return tf.nn.relu(x @ self.kernel) @ self.head


def make():
    return Model()


def answers(model, x):
    return model(tf.constant(x)).numpy()


def checkpoint(model, x, folder):
    path = tf.train.Checkpoint(model=model).write(str(folder / "checkpoint"))
    again = Model()
    tf.train.Checkpoint(model=again).read(path).assert_consumed()
    return answers(again, x)


def saved_model(model, x, folder):
    tf.saved_model.save(model, str(folder / "saved"))
    loaded = tf.saved_model.load(str(folder / "saved"))
    return answers(loaded, x)


def lite(model, x, folder):
    function = model.__call__.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    (folder / "model.tflite").write_bytes(converter.convert())
    interpreter = tf.lite.Interpreter(str(folder / "model.tflite"))
    entry = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(entry, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry, x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


FORMATS = {"checkpoint": checkpoint, "SavedModel": saved_model, "LiteRT": lite}
