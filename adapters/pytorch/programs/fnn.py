"""PyTorch: classify images with a feed-forward network."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def train(x, y, epochs):
    model = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters())
    loss_function = nn.CrossEntropyLoss()
    rows = TensorDataset(torch.from_numpy(x), torch.from_numpy(y).long())
    for _ in range(epochs):
        for images, labels in DataLoader(rows, batch_size=32, shuffle=True):
            loss = loss_function(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def predict(model, x):
    with torch.no_grad():
        return model(torch.from_numpy(x)).numpy()
