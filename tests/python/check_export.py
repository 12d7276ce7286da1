"""Checks exported networks: the arguments are files NAME.onnx with NAME.py, NAME.images and NAME.logits.

Each ONNX file must be valid, and the Python module must compute the logits with the file's weights.
Prints for each the number of parameters, and how far logits are apart, to the largest of them.
"""

import runpy
import sys

import numpy as np
import onnx
import torch
from onnx import numpy_helper

for file in sys.argv[1:]:
    onnx.checker.check_model(file, full_check=True)
    model = onnx.load(file)
    weights = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    network = runpy.run_path(file.replace(".onnx", ".py"))["Network"]().eval()
    parameters = sum(int(np.prod(one.shape)) for one in network.parameters())
    # PyTorch's batch normalisation also counts batches, which no weights of ours do.
    network.load_state_dict({name: torch.tensor(one) for name, one in weights.items()}, strict=False)
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    images = np.fromfile(file.replace(".onnx", ".images"), "<f4").reshape([-1, *shape[1:]])
    expected = np.fromfile(file.replace(".onnx", ".logits"), "<f4").reshape([len(images), -1])
    with torch.no_grad():
        found = network(torch.tensor(images)).numpy()
    assert found.shape == expected.shape, (found.shape, expected.shape)
    difference, largest = np.abs(found - expected).max(), np.abs(expected).max()
    # Above 1,000 neighbouring floats are as far apart as the absolute limit.
    limit = 1e-4 * (largest if largest > 1000 else min(1, largest))
    assert difference <= limit, f"{file}: {difference}, of {largest}"
    print(parameters, difference, largest)
