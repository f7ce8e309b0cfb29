import sys

import numpy as np
import pandas as pd

from nn.net import Net

weights, source, target = sys.argv[1:]
rows = pd.read_csv(source)
x = rows.drop(columns=["sample"]).to_numpy(float)
net = Net(x.shape[1])
net.load_state_dict(dict(np.load(weights)))
pd.DataFrame({"sample": rows["sample"], "probability": net.forward(x)}).to_csv(target, index=False)
