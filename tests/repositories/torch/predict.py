import sys

import pandas as pd
import torch

from model import Net

weights, source, target = sys.argv[1:]
rows = pd.read_csv(source)
x = torch.tensor(rows.drop(columns=["sample"]).to_numpy(), dtype=torch.float32)
net = Net(x.shape[1])
net.load_state_dict(torch.load(weights))
net.eval()
with torch.no_grad():
    probability = torch.sigmoid(net(x)).numpy()
pd.DataFrame({"sample": rows["sample"], "probability": probability}).to_csv(target, index=False)
