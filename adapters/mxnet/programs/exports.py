"""MXNet: a trained model written in each format its own package knows, and read again."""

from mxnet import gluon, init, nd
from mxnet.gluon import nn


def make():
    model = nn.HybridSequential()
    model.add(nn.Dense(128, activation="relu", in_units=784), nn.Dense(10, in_units=128))
    model.initialize(init.Xavier())
    model.hybridize()
    return model


def answers(model, x):
    return model(nd.array(x)).asnumpy()


def parameters(model, x, folder):
    model.save_parameters(str(folder / "model.params"))
    again = make()
    again.load_parameters(str(folder / "model.params"))
    return answers(again, x)


def symbol(model, x, folder):
    answers(model, x)
    model.export(str(folder / "model"))
    files = [str(folder / name) for name in ("model-symbol.json", "model-0000.params")]
    return answers(gluon.SymbolBlock.imports(files[0], ["data"], files[1]), x)


def onnx(model, x, folder):
    import onnxruntime
    from mxnet import onnx as mx_onnx

    answers(model, x)
    model.export(str(folder / "model"))
    graph, values = str(folder / "model-symbol.json"), str(folder / "model-0000.params")
    path = str(folder / "model.onnx")
    mx_onnx.export_model(graph, values, [x.shape], "float32", path)
    session = onnxruntime.InferenceSession(path)
    return session.run(None, {session.get_inputs()[0].name: x})[0]


FORMATS = {"parameters": parameters, "symbol and parameters": symbol, "ONNX": onnx}
