import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, inputs, hidden=32):
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("std", torch.ones(inputs))
        self.layers = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(0.2), nn.Linear(hidden, 1))

    def forward(self, x):
        return self.layers((x - self.mean) / self.std).squeeze(-1)
