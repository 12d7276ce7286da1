# /// script
# requires-python = ">=3.10"
# dependencies = ["torch==2.11.0", "torchvision==0.26.0", "safetensors==0.8.0", "numpy==2.4.6"]
# ///
"""Trains a network that `nas export --format python` wrote, with the recipe in the module's METADATA.

    pip install torch==2.11.0 torchvision==0.26.0 safetensors==0.8.0 numpy==2.4.6
    python train.py network.py images

Images lie in folders by class: in images/train and images/val; or in images alone, and a share of each class
is held out. The weights of the best epoch are written beside the module, as network.safetensors.
"""

import argparse
import copy
import importlib.util
import json
import math
import os
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("module", type=Path, help="the network, as exported")
    parser.add_argument("data", type=Path, help="folders of images by class")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="changes of the recipe: epochs=10 …")
    parser.add_argument("--holdout", type=float, default=0.2, help="the share that is held out without val/ (0.2)")
    parser.add_argument("--weights", type=Path, help="safetensors to begin with, such as those of a run of nas train")
    parser.add_argument("--teacher", type=Path, help="TorchScript whose probabilities are learnt as well")
    parser.add_argument("--out", type=Path, help="the file for the weights (the module's name with .safetensors)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes that read images")
    given = parser.parse_args()
    for path in (given.module, given.data, given.weights, given.teacher):
        if path is not None and not path.exists():
            parser.error(f"{path} is not there")
    given.out = given.out or given.module.with_suffix(".safetensors")
    if given.out.exists():
        parser.error(f"{given.out} exists: move it, or name another file with --out")
    spec = importlib.util.spec_from_file_location(given.module.stem, given.module)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    recipe = json.loads(module.METADATA["recipe"])
    for change in given.set:
        name, _, value = change.partition("=")
        if name not in recipe:
            parser.error(f"--set {change}: the recipe has {', '.join(recipe)}")
        try:
            recipe[name] = value if name == "optimizer" else json.loads(value)
        except json.JSONDecodeError:
            parser.error(f"--set {change}: expected a value as {json.dumps(recipe[name])}")
    if recipe["optimizer"] not in ("sgd", "adamw"):
        parser.error(f"--set optimizer={recipe['optimizer']}: expected sgd or adamw")
    return given, module, recipe


class Cutout(nn.Module):
    """Zeros in a square around a random pixel, as far as it lies in the image."""

    def __init__(self, side):
        super().__init__()
        self.side = side

    def forward(self, image):
        image = image.clone()
        middles = [int(torch.randint(length, ())) for length in image.shape[1:]]
        rows, columns = (slice(max(0, at - self.side // 2), at + (self.side + 1) // 2) for at in middles)
        image[:, rows, columns] = 0
        return image


def parts(given, recipe, channels, side):
    """The training part with images changed at random, the same unchanged, and the validation part."""
    plain = [v2.PILToTensor(), v2.Resize(side), v2.CenterCrop(side)]
    if channels == 1:
        plain.append(v2.Grayscale())
    changes = [v2.RandomCrop(side, padding=recipe["crop"])]
    if recipe["flip"]:
        changes.append(v2.RandomHorizontalFlip())
    if recipe["cutout"] > 0:
        changes.append(Cutout(recipe["cutout"]))
    plain, changed = v2.Compose(plain), v2.Compose(plain + changes)
    train, validation = given.data / "train", given.data / "val"
    if validation.is_dir():
        return ImageFolder(train, changed), ImageFolder(train, plain), ImageFolder(validation, plain)
    every = ImageFolder(given.data, changed), ImageFolder(given.data, plain)
    labels = torch.tensor(every[0].targets)
    kept, held_out = [], []
    for label in range(len(every[0].classes)):
        of_class = (labels == label).nonzero().flatten()
        of_class = of_class[torch.randperm(len(of_class))].tolist()
        count = max(1, round(given.holdout * len(of_class)))
        held_out += of_class[:count]
        kept += of_class[count:]
    return Subset(every[0], kept), Subset(every[1], kept), Subset(every[1], held_out)


def optimizer_of(network, recipe):
    """Weights of convolutions and linear layers decay; normalisations, biases and positions do not."""
    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    weights = {id(layer.weight) for layer in layers}
    groups = [
        {"params": [one for one in network.parameters() if id(one) in weights], "weight_decay": recipe["weight-decay"]},
        {"params": [one for one in network.parameters() if id(one) not in weights], "weight_decay": 0.0},
    ]
    if recipe["optimizer"] == "adamw":
        return torch.optim.AdamW(groups, lr=recipe["learning-rate"])
    return torch.optim.SGD(groups, lr=recipe["learning-rate"], momentum=0.9, nesterov=True)


def learning_rate(recipe, step, steps):
    warm_up = recipe["warm-up"] * steps
    if step < warm_up:
        return recipe["learning-rate"] * step / warm_up
    done = min(1.0, (step - warm_up) / max(1.0, steps - warm_up))
    return recipe["learning-rate"] * 0.5 * (1.0 + math.cos(math.pi * done))


def main():
    given, module, recipe = arguments()
    torch.manual_seed(recipe["seed"])
    channels, side, _ = map(int, module.METADATA["images"].split("x"))
    changed, train, validation = parts(given, recipe, channels, side)
    names = (train.dataset if isinstance(train, Subset) else train).classes
    network = module.Network().to(DEVICE, memory_format=torch.channels_last)
    if len(names) != int(module.METADATA["logits"]):
        sys.exit(
            f"{given.data} has {len(names)} classes, {given.module} predicts {module.METADATA['logits']}: "
            f"export it for these images, nas export … --format python --data {given.data}"
        )
    if given.weights:
        missing, unknown = network.load_state_dict(load_file(given.weights), strict=False)
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        if missing or unknown:
            sys.exit(f"{given.weights} is of another network: {', '.join((missing + unknown)[:3])}")
    teacher = torch.jit.load(given.teacher, map_location=DEVICE).eval() if given.teacher else None

    batch = min(recipe["batch"], len(changed))
    options = {"num_workers": given.workers, "pin_memory": DEVICE == "cuda", "persistent_workers": given.workers > 0}
    batches = DataLoader(changed, batch, shuffle=True, drop_last=True, **options)
    in_order = DataLoader(validation, 2 * batch, **options)

    # Of the pixels of all training images, in each channel.
    count, total, squares = 0, 0.0, 0.0
    labels = []
    for images, of_batch in DataLoader(train, 2 * batch, num_workers=given.workers):
        images = images.double()
        count += images.numel() // channels
        total, squares = total + images.sum((0, 2, 3)), squares + images.square().sum((0, 2, 3))
        labels.append(of_batch)
    means = total / count
    deviations = (squares / count - means.square()).clamp_min(0).sqrt()
    # A channel that is the same everywhere.
    deviations[deviations == 0] = 1
    shift, scale = (one.float().view(1, -1, 1, 1).to(DEVICE) for one in (means, deviations))

    def examples(images):
        return ((images.to(DEVICE).float() - shift) / scale).contiguous(memory_format=torch.channels_last)

    counts = torch.cat(labels).bincount(minlength=len(names)).float()
    class_weights = (counts.mean() / counts).to(DEVICE) if recipe["class-weights"] else None
    cross_entropy = nn.CrossEntropyLoss(weight=class_weights, label_smoothing=recipe["label-smoothing"])
    optimizer = optimizer_of(network, recipe)
    average = copy.deepcopy(network).eval()
    steps, step, best = len(batches) * recipe["epochs"], 0, -1.0
    print(f"{given.module}: {len(train)} images to train, {len(validation)} held out, {len(names)} classes, {DEVICE}")
    for epoch in range(1, recipe["epochs"] + 1):
        network.train()
        begun, losses = time.perf_counter(), 0.0
        for images, labels in batches:
            step += 1
            images, labels = examples(images), labels.to(DEVICE)
            share = 1.0
            if recipe["mixup"] > 0:
                share = float(torch.distributions.Beta(recipe["mixup"], recipe["mixup"]).sample())
                images = share * images + (1 - share) * images.flip(0)
            with torch.autocast(DEVICE, torch.bfloat16, enabled=DEVICE == "cuda"):
                logits = network(images)
            logits = logits.float()
            loss = cross_entropy(logits, labels)
            if share < 1.0:
                loss = share * loss + (1 - share) * cross_entropy(logits, labels.flip(0))
            if teacher is not None:
                heat = recipe["temperature"]
                with torch.no_grad():
                    theirs = F.log_softmax(teacher(images) / heat, 1)
                ours = F.log_softmax(logits / heat, 1)
                divergence = heat**2 * F.kl_div(ours, theirs, reduction="batchmean", log_target=True)
                loss = (1 - recipe["teacher-share"]) * loss + recipe["teacher-share"] * divergence
            if not loss.isfinite():
                sys.exit(f"epoch {epoch}: the loss is no number: try a lower learning rate, --set learning-rate=…")
            optimizer.zero_grad()
            loss.backward()
            if recipe["clip"] > 0:
                nn.utils.clip_grad_norm_(network.parameters(), recipe["clip"])
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(recipe, step, steps)
            optimizer.step()
            # In the first steps the average is of few.
            kept = min(recipe["averaging"], step / (step + 10)) if recipe["averaging"] > 0 else 0.0
            with torch.no_grad():
                for mean, now in zip(average.state_dict().values(), network.state_dict().values()):
                    mean.lerp_(now, 1 - kept) if mean.is_floating_point() else mean.copy_(now)
            losses += float(loss.detach())
        seconds = time.perf_counter() - begun
        right = 0
        with torch.no_grad():
            for images, labels in in_order:
                right += int((average(examples(images)).argmax(1).cpu() == labels).sum())
        accuracy = 100 * right / len(validation)
        print(
            f"epoch {epoch:3}  loss {losses / len(batches):.3f}  validation {accuracy:.2f} %  "
            f"{len(batches) * batch / seconds:.0f} images/s",
            flush=True,
        )
        if accuracy > best:
            best = accuracy
            metadata = {"classes": "\n".join(names), "accuracy": str(accuracy), "epoch": str(epoch)}
            for name, values in (("means", means), ("deviations", deviations)):
                metadata[name] = ", ".join(map(str, values.tolist()))
            weights = {name: one.cpu().contiguous() for name, one in average.state_dict().items()}
            save_file(weights, given.out, metadata)
    print(f"{given.out}: {best:.2f} % on the images held out")


if __name__ == "__main__":
    main()
