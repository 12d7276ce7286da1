"""Trains all 324 networks of a small space on scikit-learn's digits, and writes their learning curves.

Usage: learning_curves.py OUT. OUT is a CSV file; networks that it contains are not trained again.
"""

import itertools
import os
import sys
import time

import numpy
import torch
from sklearn.datasets import load_digits
from torch import nn

EPOCHS = 27
TRAINING = 1000
BATCH = 50

SPACE = {
    "depth": [1, 2, 3],
    "width": [2, 4, 8, 16],
    "kernel": [1, 3, 5],
    "pool": ["max", "average", "stride"],
    "activation": ["relu", "silu", "tanh"],
}


def images():
    """The training images and the others, 8 x 8, each with its labels."""
    pixels, labels = load_digits(return_X_y=True)
    pixels = torch.from_numpy(pixels.reshape(-1, 1, 8, 8).astype(numpy.float32) / 8 - 0.6)
    labels = torch.from_numpy(labels.astype(numpy.int64))
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    parts = order[:TRAINING], order[TRAINING:]
    return [(pixels[part], labels[part]) for part in parts]


def network(depth, width, kernel, pool, activation):
    """The network, and its multiply-accumulates."""
    activations = {"relu": nn.ReLU, "silu": nn.SiLU, "tanh": nn.Tanh}
    layers, inputs, side, macs = [], 1, 8, 0
    for at in range(depth):
        # The first two layers halve the side.
        halves = at < 2
        stride = 2 if halves and pool == "stride" else 1
        outputs = width * (2 if at else 1)
        layers += [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)]
        side //= stride
        macs += inputs * outputs * kernel * kernel * side * side
        layers += [nn.BatchNorm2d(outputs), activations[activation]()]
        if halves and pool != "stride":
            layers.append(nn.MaxPool2d(2) if pool == "max" else nn.AvgPool2d(2))
            side //= 2
        inputs = outputs
    layers += [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(inputs * 4, 10)]
    return nn.Sequential(*layers), macs + inputs * 40


def curve(choices, seed, training, test):
    """The accuracy in percent on the test images after each epoch, and the multiply-accumulates."""
    torch.manual_seed(seed)
    model, macs = network(*choices)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    accuracies = []
    for _ in range(EPOCHS):
        model.train()
        for batch in torch.randperm(TRAINING).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(training[0][batch]), training[1][batch])
            loss.backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            right = model(test[0]).argmax(1) == test[1]
        accuracies.append(100 * right.float().mean().item())
    return accuracies, macs


def main():
    (out,) = sys.argv[1:]
    torch.set_num_threads(1)
    training, test = images()
    done = set()
    if os.path.exists(out):
        with open(out) as file:
            done = {line.split(",")[0] for line in file}
    with open(out, "a") as file:
        if not done:
            print("arch,macs," + ",".join(f"epoch_{epoch}" for epoch in range(1, EPOCHS + 1)), file=file)
        for seed, choices in enumerate(itertools.product(*SPACE.values())):
            arch = " ".join(map(str, choices))
            if arch in done:
                continue
            begun = time.time()
            accuracies, macs = curve(choices, seed, training, test)
            print(arch, macs, *(f"{value:.2f}" for value in accuracies), sep=",", file=file, flush=True)
            print(f"{arch}: {accuracies[-1]:.2f} %, {time.time() - begun:.1f} s", file=sys.stderr)


main()
