import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from model import Net

torch.manual_seed(0)
data = pd.read_csv("data/measurements.csv")
x = torch.tensor(data.drop(columns=["sample", "malignant"]).to_numpy(), dtype=torch.float32)
y = torch.tensor(data["malignant"].to_numpy(), dtype=torch.float32)

net = Net(x.shape[1])
net.mean.copy_(x.mean(dim=0))
net.std.copy_(x.std(dim=0))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
for epoch in range(30):
    net.train()
    total = 0.0
    for rows, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(net(rows), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    print(f"epoch {epoch} loss {total / len(y):.4f}")
torch.save(net.state_dict(), "checkpoints/model.pt")
