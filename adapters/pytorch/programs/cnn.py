"""PyTorch: classify colour photographs with a convolutional network."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def channels_first(x):
    return torch.from_numpy(x).permute(0, 3, 1, 2)


def train(x, y, epochs):
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 31 * 31, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )
    optimizer = torch.optim.Adam(model.parameters())
    loss_function = nn.CrossEntropyLoss()
    rows = TensorDataset(channels_first(x), torch.from_numpy(y).long())
    for _ in range(epochs):
        for images, labels in DataLoader(rows, batch_size=32, shuffle=True):
            loss = loss_function(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def predict(model, x):
    with torch.no_grad():
        return model(channels_first(x)).numpy()
