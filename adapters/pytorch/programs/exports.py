"""PyTorch: a trained model written in each format its own package knows, and read again."""

import torch
from torch import nn


def make():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)).eval()


def answers(model, x):
    with torch.no_grad():
        return model(torch.from_numpy(x)).numpy()


def weights(model, x, folder):
    torch.save(model.state_dict(), folder / "weights.pt")
    again = make()
    again.load_state_dict(torch.load(folder / "weights.pt"))
    return answers(again, x)


def exported_program(model, x, folder):
    torch.export.save(torch.export.export(model, (torch.from_numpy(x),)), folder / "model.pt2")
    return answers(torch.export.load(folder / "model.pt2").module(), x)


def torchscript(model, x, folder):
    torch.jit.save(torch.jit.trace(model, torch.from_numpy(x)), folder / "model.pt")
    return answers(torch.jit.load(folder / "model.pt"), x)


def onnx(model, x, folder):
    import onnxruntime

    path = str(folder / "model.onnx")
    torch.onnx.export(model, (torch.from_numpy(x),), path, dynamo=True)
    session = onnxruntime.InferenceSession(path)
    return session.run(None, {session.get_inputs()[0].name: x})[0]


FORMATS = {
    "state_dict": weights,
    "torch.export": exported_program,
    "TorchScript": torchscript,
    "ONNX": onnx,
}
