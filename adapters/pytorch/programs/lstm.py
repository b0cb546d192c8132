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
        states, _ = self.lstm(self.embedding(words))
        return self.head(states[:, -1])


def model():
    return Critic()


def train_epoch(network, batches, loss_function, optimizer):
    network.train()
    total = 0.0
    for words, verdicts in batches:
        loss = loss_function(network(words), verdicts)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(batches)


def train(x, y, epochs):
    network = model()
    optimizer = torch.optim.Adam(network.parameters())
    rows = TensorDataset(torch.from_numpy(x), torch.from_numpy(y).unsqueeze(1))
    batches = DataLoader(rows, batch_size=32, shuffle=True)
    for _ in range(epochs):
        train_epoch(network, batches, nn.BCEWithLogitsLoss(), optimizer)
    return network


def outputs(network, batches):
    with torch.no_grad():
        return torch.cat([network(words) for words in batches])


def predict(model, x):
    model.eval()
    return outputs(model, torch.from_numpy(x).split(256)).numpy()
