"""Keras: a trained model written in each format its own package knows, and read again."""

import keras
from keras import layers


def make():
    return keras.Sequential(
        [keras.Input((784,)), layers.Dense(128, activation="relu"), layers.Dense(10)]
    )


def answers(model, x):
    return model.predict(x, verbose=0)


def weights(model, x, folder):
    model.save_weights(folder / "model.weights.h5")
    again = make()
    again.load_weights(folder / "model.weights.h5")
    return answers(again, x)


def keras_file(model, x, folder):
    model.save(folder / "model.keras")
    return answers(keras.saving.load_model(folder / "model.keras"), x)


def saved_model(model, x, folder):
    import tensorflow as tf

    model.export(folder / "saved", format="tf_saved_model", verbose=False)
    loaded = tf.saved_model.load(str(folder / "saved"))
    return loaded.serve(x).numpy()


def lite(model, x, folder):
    import tensorflow as tf

    model.export(folder / "model.tflite", format="litert")
    interpreter = tf.lite.Interpreter(str(folder / "model.tflite"))
    entry = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(entry, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry, x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def onnx(model, x, folder):
    import onnxruntime

    model.export(folder / "model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    return session.run(None, {session.get_inputs()[0].name: x})[0]


FORMATS = {
    "weights (HDF5)": weights,
    ".keras": keras_file,
    "SavedModel": saved_model,
    "LiteRT": lite,
    "ONNX": onnx,
}
