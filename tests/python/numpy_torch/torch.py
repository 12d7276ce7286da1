"""What exported modules use of PyTorch, in numpy, as PyTorch's documentation defines it.

The wheel of PyTorch that libtorch is taken from imports only beside 2 GB of NVIDIA's libraries: where
there is no other, exported modules are run with this.
"""

import math
import sys
import types

import numpy as np


class Tensor(np.ndarray):
    """Where numpy has a method of the same name, it must not call ours: hence `np.asarray`."""

    device = None

    def permute(self, *order):
        return tensor(np.asarray(self).transpose(order))

    def transpose(self, one, other):
        return tensor(np.asarray(self).swapaxes(one, other))

    def flatten(self, start):
        return self.reshape(*self.shape[:start], -1)

    def mean(self, dim):
        return tensor(np.asarray(self).mean(dim))

    def expand(self, *shape):
        shape = [own if wanted == -1 else wanted for own, wanted in zip(self.shape, shape)]
        return np.broadcast_to(self, shape, subok=True)

    def clamp(self, least, most):
        return np.clip(self, least, most)

    def softmax(self, dim):
        powers = np.asarray(self)
        powers = np.exp(powers - powers.max(dim, keepdims=True))
        return tensor(powers / powers.sum(dim, keepdims=True))


class Parameter(Tensor):
    def __new__(cls, values):
        return np.asarray(values, np.float32).view(cls)


def tensor(values):
    return np.asarray(values).view(Tensor)


def randn(*shape):
    return tensor(np.random.standard_normal(shape))


def arange(count, device=None):
    return tensor(np.arange(count))


def zeros_like(values):
    return tensor(np.zeros_like(values))


def cat(tensors, dim):
    return tensor(np.concatenate(tensors, dim))


def einsum(how, one, other):
    return tensor(np.einsum(how, np.asarray(one), np.asarray(other), optimize=True))


def channel_shuffle(x, groups):
    count, channels, height, width = x.shape
    dealt = x.reshape(count, groups, channels // groups, height, width).swapaxes(1, 2)
    return dealt.reshape(count, channels, height, width)


def windows(x, kernel, stride, padding):
    around = [(0, 0), (0, 0), (padding, padding), (padding, padding)]
    all_windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(np.asarray(x), around), (kernel, kernel), axis=(2, 3)
    )
    return all_windows[:, :, ::stride, ::stride]


class Module:
    def __call__(self, *inputs):
        return self.forward(*inputs)

    def eval(self):
        return self

    def state(self):
        for name, value in vars(self).items():
            if isinstance(value, Module):
                for inner, owner, attribute in value.state():
                    yield f"{name}.{inner}", owner, attribute
            elif isinstance(value, Parameter):
                yield name, self, name

    def parameters(self):
        everything = ((name, getattr(owner, attribute)) for name, owner, attribute in self.state())
        return [value for name, value in everything if ".running_" not in name]

    def load_state_dict(self, weights, strict=True):
        for name, owner, attribute in list(self.state()):
            value = Parameter(weights.pop(name))
            assert value.shape == getattr(owner, attribute).shape, name
            setattr(owner, attribute, value)
        assert not weights, f"unknown: {weights.keys()}"


class Conv2d(Module):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0, groups=1, bias=True):
        self.how = (kernel, stride, padding)
        self.groups = groups
        self.weight = Parameter(np.zeros((outputs, inputs // groups, kernel, kernel)))
        self.bias = Parameter(np.zeros(outputs)) if bias else None

    def forward(self, x):
        found = windows(x, *self.how)
        count, channels, height, width, *kernel = found.shape
        groups = self.groups
        found = found.reshape(count, groups, channels // groups, height, width, *kernel)
        weight = np.asarray(self.weight).reshape(groups, -1, *self.weight.shape[1:])
        found = np.einsum("bgchwij,gocij->bgohw", found, weight, optimize=True)
        found = found.reshape(count, -1, height, width)
        return tensor(found if self.bias is None else found + self.bias[:, None, None])


class BatchNorm2d(Module):
    def __init__(self, channels, eps):
        self.eps = eps
        self.weight, self.running_var = (Parameter(np.ones(channels)) for _ in range(2))
        self.bias, self.running_mean = (Parameter(np.zeros(channels)) for _ in range(2))

    def forward(self, x):
        mean, variance, weight, bias = (
            one[:, None, None] for one in (self.running_mean, self.running_var, self.weight, self.bias)
        )
        return tensor((x - mean) / np.sqrt(variance + self.eps) * weight + bias)


class LayerNorm(Module):
    def __init__(self, channels, eps):
        self.eps = eps
        self.weight, self.bias = Parameter(np.ones(channels)), Parameter(np.zeros(channels))

    def forward(self, x):
        x = np.asarray(x)
        mean, variance = (of(x, axis=-1, keepdims=True) for of in (np.mean, np.var))
        return tensor((x - mean) / np.sqrt(variance + self.eps) * self.weight + self.bias)


class Linear(Module):
    def __init__(self, inputs, outputs):
        self.weight, self.bias = Parameter(np.zeros((outputs, inputs))), Parameter(np.zeros(outputs))

    def forward(self, x):
        return tensor(x @ self.weight.T + self.bias)


def relu(x):
    return np.maximum(x, 0)


def gelu(x):
    return tensor(x * (1 + np.vectorize(math.erf, otypes="f")(x / math.sqrt(2))) / 2)


def avg_pool2d(x, kernel, stride, padding, count_include_pad):
    assert not count_include_pad
    sums, counts = (
        windows(values, kernel, stride, padding).sum((-2, -1)) for values in (x, np.ones_like(x))
    )
    return tensor(sums / counts)


def pad(x, widths):
    left, right, top, bottom = widths
    return tensor(np.pad(np.asarray(x), ((top, bottom), (left, right))))


nn = types.ModuleType("torch.nn")
for layer in (Module, Parameter, Conv2d, BatchNorm2d, LayerNorm, Linear):
    setattr(nn, layer.__name__, layer)
nn.functional = types.ModuleType("torch.nn.functional")
for function in (relu, gelu, avg_pool2d, pad):
    setattr(nn.functional, function.__name__, function)
sys.modules.update({"torch.nn": nn, "torch.nn.functional": nn.functional})
