# Trains exported networks with plain PyTorch: reads lines `name side batch`, prints `name images-per-second` of a
# loop with the same recipe, and `name:plain …` of forward pass, backward pass and SGD alone. Batches are in memory,
# normalised and of channels last, before the clock starts.
import importlib.util
import sys
import time

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

folder, threads, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
torch.manual_seed(0)


def module(name):
    path = f"{folder}/{name.replace('-', '_')}.py"
    spec = importlib.util.spec_from_file_location("network", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded.Network()


def train(name, side, batch, plain):
    network = module(name).to(memory_format=torch.channels_last).train()
    transformer = name.startswith("autoformer")
    if transformer:
        optimizer = torch.optim.AdamW(network.parameters(), lr=5e-4, weight_decay=0.05, fused=True)
    else:
        optimizer = torch.optim.SGD(
            network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True
        )
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.99), use_buffers=True)
    smoothing = 0.0 if plain else 0.1
    loss = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)
    batches = [
        (
            torch.randn(batch, 3, side, side).contiguous(memory_format=torch.channels_last),
            torch.randint(0, 10, (batch,)),
        )
        for _ in range(4)
    ]
    begun = 0.0
    for step in range(steps + 3):
        if step == 3:
            begun = time.perf_counter()
        images, labels = batches[step % len(batches)]
        optimizer.zero_grad(set_to_none=True)
        value = loss(network(images), labels)
        value.backward()
        if not plain:
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        if not plain:
            average.update_parameters(network)
        value.item()
    return steps * batch / (time.perf_counter() - begun)


for line in sys.stdin:
    name, side, batch = line.split()
    print(name, train(name, int(side), int(batch), False), flush=True)
    print(f"{name}:plain", train(name, int(side), int(batch), True), flush=True)
