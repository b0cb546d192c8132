"""PyTorch: tell good reviews from bad ones with an LSTM."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10_000, 128)
        self.lstm = nn.LSTM(128, 128, batch_first=True)
        self.head = nn.Linear(128, 1)

    def forward(self, words):
        outputs, _ = self.lstm(self.embedding(words))
        return self.head(outputs[:, -1])


def train(x, y, epochs):
    model = Critic()
    optimizer = torch.optim.Adam(model.parameters())
    loss_function = nn.BCEWithLogitsLoss()
    rows = TensorDataset(torch.from_numpy(x), torch.from_numpy(y).unsqueeze(1))
    for _ in range(epochs):
        for words, verdicts in DataLoader(rows, batch_size=32, shuffle=True):
            loss = loss_function(model(words), verdicts)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def predict(model, x):
    with torch.no_grad():
        return model(torch.from_numpy(x)).numpy()
