"""The 13 proxies of NAS-Bench-Suite-Zero in plain PyTorch, each by itself, and how long they take.

Standard input: arch strings of NAS-Bench-201, one on each line. Standard output: a line
`proxy@layout threads seconds` for each proxy and memory layout, the seconds of a cell;
`gemm threads GFLOP/s` for the arithmetic peak; `macs 1 N` for the mean forward pass.
"""

import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH = 64


class ReluConvBN(nn.Sequential):
    def __init__(self, inputs, outputs, kernel, stride=1):
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        )


def operation(name, channels):
    if name == "nor_conv_3x3":
        return ReluConvBN(channels, channels, 3)
    if name == "nor_conv_1x1":
        return ReluConvBN(channels, channels, 1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    return nn.Identity() if name == "skip_connect" else None


class Cell(nn.Module):
    def __init__(self, arch, channels):
        super().__init__()
        self.edges = []
        self.operations = nn.ModuleList()
        for target, node in enumerate(arch.split("+"), 1):
            for edge in node.strip("|").split("|"):
                name, source = edge.split("~")
                built = operation(name, channels)
                if built is not None:
                    self.edges.append((int(source), target))
                    self.operations.append(built)

    def forward(self, x):
        nodes = [x]
        for target in (1, 2, 3):
            incoming = [
                built(nodes[source])
                for (source, goal), built in zip(self.edges, self.operations)
                if goal == target
            ]
            nodes.append(sum(incoming) if incoming else torch.zeros_like(x))
        return nodes[3]


class Reduction(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.a = ReluConvBN(inputs, outputs, 3, 2)
        self.b = ReluConvBN(outputs, outputs, 3)
        self.pool = nn.AvgPool2d(2, 2)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x):
        return self.b(self.a(x)) + self.shortcut(self.pool(x))


class Network(nn.Module):
    def __init__(self, arch):
        super().__init__()
        layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)]
        inputs = 16
        for channels in (16, 32, 64):
            if channels != inputs:
                layers.append(Reduction(inputs, channels))
            layers += [Cell(arch, channels) for _ in range(5)]
            inputs = channels
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(64), nn.ReLU())
        self.classifier = nn.Linear(64, 10)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def weighted(net):
    return [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]


def loss_gradients(net, x, y, **options):
    weights = [m.weight for m in weighted(net)]
    loss = F.cross_entropy(net(x), y)
    return weights, torch.autograd.grad(loss, weights, allow_unused=True, **options)


def pairs(net, x, y):
    return [(w, g) for w, g in zip(*loss_gradients(net, x, y)) if g is not None]


def grad_norm(net, x, y):
    return sum(g.norm().item() for _, g in pairs(net, x, y))


def snip(net, x, y):
    return sum((w * g).abs().sum().item() for w, g in pairs(net, x, y))


def plain(net, x, y):
    return sum((w * g).sum().item() for w, g in pairs(net, x, y))


def fisher(net, x, y):
    outputs = []
    hooks = [m.register_forward_hook(lambda m, i, o: outputs.append((m, o))) for m in weighted(net)]
    loss = F.cross_entropy(net(x), y)
    gradients = torch.autograd.grad(loss, [o for _, o in outputs], allow_unused=True)
    for hook in hooks:
        hook.remove()
    total = 0.0
    for (module, output), gradient in zip(outputs, gradients):
        if gradient is not None:
            product = output.detach() * gradient
            product = product.sum((2, 3)) if product.dim() == 4 else product
            channel = product.square().mean(0) / 2
            total += (channel.sum() * module.weight[0].numel()).item()
    return total


def grasp(net, x, y):
    weights, first = loss_gradients(net, x, y)
    _, second = loss_gradients(net, x, y, create_graph=True)
    product = sum((a * b).sum() for a, b in zip(first, second) if a is not None)
    curvature = torch.autograd.grad(product, weights, allow_unused=True)
    return sum(-(w * h).sum().item() for w, h in zip(weights, curvature) if h is not None)


def jacobian(net, x):
    x = x.clone().requires_grad_(True)
    rows, = torch.autograd.grad(net(x).sum(), x)
    return rows.flatten(1).numpy()


def jacov(net, x, y):
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(jacobian(net, x)))
    return -np.sum(np.log(eigenvalues + 1e-5) + 1 / (eigenvalues + 1e-5))


def epe_nas(net, x, y):
    rows, labels = jacobian(net, x), y.numpy()
    score = 0.0
    for label in np.unique(labels):
        correlation = np.corrcoef(rows[labels == label])
        score += abs(np.log(np.abs(correlation) + 1e-5).sum())
    return score


def nwot(net, x, y):
    kernel = np.zeros((len(x), len(x)))

    def hook(module, inputs, output):
        nonlocal kernel
        active = (inputs[0].flatten(1) > 0).float()
        both = active @ active.t() + (1 - active) @ (1 - active).t()
        kernel = kernel + both.numpy()

    hooks = [m.register_forward_hook(hook) for m in net.modules() if isinstance(m, nn.ReLU)]
    with torch.no_grad():
        net(x)
    for one in hooks:
        one.remove()
    return np.linalg.slogdet(kernel)[1]


def synflow(net, x, y):
    magnitudes = [p.data.clone() for p in net.parameters()]
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    forwards = [m.forward for m in norms]
    for module in norms:
        module.forward = lambda values: values
    for parameter in net.parameters():
        parameter.data = parameter.data.double().abs()
    weights = [m.weight for m in weighted(net)]
    total = net(torch.ones_like(x[:1]).double()).sum()
    gradients = torch.autograd.grad(total, weights, allow_unused=True)
    score = sum((w * g).abs().sum().item() for w, g in zip(weights, gradients) if g is not None)
    for parameter, value in zip(net.parameters(), magnitudes):
        parameter.data = value
    for module, forward in zip(norms, forwards):
        module.forward = forward
    return score


def zen(net, x, y):
    before = [m.weight.data for m in weighted(net)]
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    variances = []
    hooks = [m.register_forward_hook(lambda m, i, o: variances.append(m.running_var)) for m in norms]
    with torch.no_grad():
        for module in weighted(net):
            module.weight.data = torch.empty_like(module.weight).normal_()
        first = torch.randn_like(x)
        second = first + 1e-2 * torch.randn_like(x)
        difference = (net.features(first) - net.features(second)).abs().sum((1, 2, 3)).mean()
        score = difference.log() + sum(v.mean().sqrt().log() for v in variances[: len(norms)])
    for hook in hooks:
        hook.remove()
    for module, weight in zip(weighted(net), before):
        module.weight.data = weight
    return score.item()


def l2_norm(net, x, y):
    return sum(m.weight.norm().item() for m in weighted(net))


PROXIES = [
    epe_nas, fisher, grad_norm, grasp, jacov, l2_norm, nwot, plain, snip, synflow, zen,
]

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def seconds(proxy, nets, x, y):
    proxy(nets[0], x, y)
    start = time.perf_counter()
    for net in nets:
        proxy(net, x, y)
    return (time.perf_counter() - start) / len(nets)


def gemm(size=2048, rounds=6):
    a, b = torch.randn(size, size), torch.randn(size, size)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def macs(net, x):
    total = 0

    def hook(module, inputs, output):
        nonlocal total
        total += module.weight[0].numel() * output.numel()

    hooks = [m.register_forward_hook(hook) for m in weighted(net)]
    with torch.no_grad():
        net(x)
    for one in hooks:
        one.remove()
    return total


def main():
    torch.manual_seed(0)
    nets = [Network(line.strip()) for line in sys.stdin]
    x, y = torch.randn(BATCH, 3, 32, 32), torch.randint(0, 10, (BATCH,))
    print("macs", 1, sum(macs(net, x) for net in nets) / len(nets), flush=True)
    for threads in (2, 1):
        torch.set_num_threads(threads)
        print("gemm", threads, gemm(), flush=True)
        for name, layout in LAYOUTS.items():
            for net in nets:
                net.to(memory_format=layout)
            images = x.to(memory_format=layout)
            for proxy in PROXIES:
                taken = seconds(proxy, nets, images, y)
                print(f"{proxy.__name__}@{name}", threads, taken, flush=True)


main()
