"""Writes the logits of an exported module with the weights of a run: MODULE WEIGHTS IMAGES LOGITS.

Images and logits are files of 32-bit floats.
"""

import runpy
import sys

import numpy as np
import torch
from safetensors.torch import load_file

module, weights, images, logits = sys.argv[1:]
module = runpy.run_path(module)
network = module["Network"]().eval()
missing, unknown = network.load_state_dict(load_file(weights), strict=False)
# PyTorch's batch normalisation also counts batches, which no weights of ours do.
assert not unknown and all(name.endswith("num_batches_tracked") for name in missing), (missing, unknown)
shape = [int(length) for length in module["METADATA"]["images"].split("x")]
with torch.no_grad():
    found = network(torch.from_numpy(np.fromfile(images, "<f4")).reshape(-1, *shape))
assert found.shape[1] == int(module["METADATA"]["logits"])
found.numpy().tofile(logits)
