import argparse

import numpy as np
import pandas as pd

from nn.net import Net

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=300)
parser.add_argument("--lr", type=float, default=0.5)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

data = pd.read_parquet("data/measurements.parquet")
x = data.drop(columns=["sample", "malignant"]).to_numpy(float)
y = data["malignant"].to_numpy(float)
net = Net(x.shape[1], seed=args.seed)
net.mean, net.std = x.mean(axis=0), x.std(axis=0)
for epoch in range(args.epochs):
    net.step(x, y, args.lr)
    if epoch % 100 == 0:
        print(f"epoch {epoch} accuracy {((net.forward(x) > 0.5) == y).mean():.3f}")
np.savez("checkpoints/last.npz", **net.state_dict())
