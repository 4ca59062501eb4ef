"""Whole networks learn, and step by step they lose what PyTorch's lose."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as fb
from flambeau import nn
from flambeau.utils.data import DataLoader, TensorDataset

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


def mlp(lib):
    n = lib.nn
    return n.Sequential(n.Linear(8, 32), n.ReLU(), n.Dropout(0.0), n.Linear(32, 16), n.Tanh(),
                        n.Linear(16, 3))  # fmt: skip


def lenet(lib):
    n = lib.nn
    return n.Sequential(
        *(n.Conv2d(1, 6, 3, padding=1), n.ReLU(), n.MaxPool2d(2)),
        *(n.Conv2d(6, 16, 3, padding="same"), n.ReLU(), n.AvgPool2d(2)),
        *(n.Flatten(), n.Linear(64, 32), n.ReLU(), n.Linear(32, 10)),
    )


def resnet(lib):
    n = lib.nn

    class Block(n.Module):
        def __init__(self, channels, out, stride):
            super().__init__()
            self.conv1 = n.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False)
            self.bn1 = n.BatchNorm2d(out)
            self.conv2 = n.Conv2d(out, out, 3, padding=1, bias=False)
            self.bn2 = n.BatchNorm2d(out)
            self.relu = n.ReLU(inplace=True)
            self.skip = n.Identity()
            if stride != 1 or channels != out:
                self.skip = n.Sequential(
                    n.Conv2d(channels, out, 1, stride=stride, bias=False), n.BatchNorm2d(out)
                )

        def forward(self, x):
            y = self.relu(self.bn1(self.conv1(x)))
            return self.relu(self.bn2(self.conv2(y)) + self.skip(x))

    return n.Sequential(
        *(n.Conv2d(1, 4, 3, padding=1), n.BatchNorm2d(4), n.ReLU()),
        *(Block(4, 4, 1), Block(4, 8, 2)),
        *(n.AdaptiveAvgPool2d(1), n.Flatten(), n.Linear(8, 10)),
    )


def transformer(lib):
    """One block that reads 12 tokens and says which comes next."""
    n = lib.nn

    class Net(n.Module):
        def __init__(self):
            super().__init__()
            self.token = n.Embedding(11, 16)
            self.place = n.Parameter(lib.zeros(12, 16))
            self.block = n.TransformerEncoderLayer(
                16, 2, 32, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            self.norm = n.LayerNorm(16)
            self.head = n.Linear(16, 11, bias=False)

        def forward(self, tokens):
            x = self.token(tokens) + self.place  # (B, T, C)
            mask = lib.triu(lib.ones(12, 12), 1).bool()
            x = self.block(x, src_mask=mask, is_causal=True)
            return self.head(self.norm(x)).transpose(1, 2)  # (B, classes, T)

    return Net()


def blobs(rng, count):
    labels = rng.integers(0, 3, count)
    centres = rng.standard_normal((3, 8)) * 2
    return (centres[labels] + rng.standard_normal((count, 8))).astype(np.float32), labels


def bars(rng, count):
    """8x8 images of ten kinds: a bright row or column."""
    labels = rng.integers(0, 10, count)
    images = rng.standard_normal((count, 1, 8, 8)) * 0.3
    for image, label in zip(images[:, 0], labels, strict=True):
        (image if label < 5 else image.T)[label % 5 + 1] += 1.5
    return images.astype(np.float32), labels


def sequences(rng, count):
    """Odd places add three to the token before, even ones repeat the last but one."""
    tokens = rng.integers(0, 11, (count, 13))
    for i in range(2, 13):
        tokens[:, i] = (tokens[:, i - 1] + 3) % 11 if i % 2 else tokens[:, i - 2]
    return tokens[:, :-1], tokens[:, 1:]


NETS = {
    "mlp": (mlp, blobs, lambda lib, p: lib.optim.SGD(p, lr=0.05, momentum=0.9)),
    "lenet": (lenet, bars, lambda lib, p: lib.optim.Adam(p, lr=0.005)),
    "resnet": (resnet, bars, lambda lib, p: lib.optim.SGD(p, lr=0.05, nesterov=True, momentum=0.9)),
    "transformer": (transformer, sequences, lambda lib, p: lib.optim.AdamW(p, lr=0.01)),
}


@pytest.mark.parametrize("name", NETS)
def test_it_learns(name):
    make, data, optimizer_of = NETS[name]
    fb.manual_seed(0)
    x, y = (fb.from_numpy(a) for a in data(np.random.default_rng(0), 256))
    net = make(fb)
    optimizer = optimizer_of(fb, net.parameters())
    schedule = fb.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    losses = []
    for _ in range(8):
        total = 0.0
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(inputs), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            total += loss.item()
        losses.append(total / len(loader))
        schedule.step()
    assert losses[-1] < 0.5 * losses[0], losses
    with fb.no_grad():
        net.eval()
        right = (net(x).argmax(1) == y).float().mean().item()
    assert right > 0.8


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETS)
def test_it_loses_what_pytorch_loses(name):
    make, data, optimizer_of = NETS[name]
    torch.manual_seed(0)
    theirs, ours = make(torch), make(fb)
    ours.load_state_dict(theirs.state_dict())
    x, y = data(np.random.default_rng(1), 64)
    losses = []
    for lib, net in ((fb, ours), (torch, theirs)):
        optimizer = optimizer_of(lib, net.parameters())
        criterion = lib.nn.CrossEntropyLoss()
        seen = []
        for i in range(8):
            part = slice(16 * (i % 4), 16 * (i % 4) + 16)
            inputs, labels = lib.from_numpy(x[part].copy()), lib.from_numpy(y[part].copy())
            loss = criterion(net(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.append(loss.item())
        losses.append(seen)
    assert np.allclose(*losses, rtol=1e-4, atol=1e-4), losses
    for (key, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        if "in_proj_bias" not in key:  # keys' biases have no gradient, and Adam steps by noise
            assert np.allclose(a.numpy(), b.numpy(), atol=2e-3), key
    back = {k: torch.from_numpy(v.numpy().copy()) for k, v in ours.state_dict().items()}
    assert str(theirs.load_state_dict(back)) == "<All keys matched successfully>"


def test_the_same_seed_gives_the_same_weights():
    weights = []
    for _ in range(2):
        fb.manual_seed(7)
        x, y = (fb.from_numpy(a) for a in bars(np.random.default_rng(0), 64))
        net = lenet(fb)
        optimizer = fb.optim.Adam(net.parameters())
        for inputs, labels in DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True):
            optimizer.zero_grad()
            nn.functional.cross_entropy(nn.functional.dropout(net(inputs)), labels).backward()
            optimizer.step()
        weights.append([p.detach().numpy().tobytes() for p in net.parameters()])
    assert weights[0] == weights[1]


def test_real_digits():
    datasets = pytest.importorskip("sklearn.datasets")
    digits = datasets.load_digits()
    x = fb.tensor(digits.images, dtype=fb.float32).unsqueeze(1) / 16
    y = fb.tensor(digits.target)
    fb.manual_seed(0)
    net = lenet(fb)
    optimizer = fb.optim.Adam(net.parameters(), lr=0.005)
    for _ in range(6):
        for a, b in DataLoader(TensorDataset(x[400:], y[400:]), 32, shuffle=True):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(a), b).backward()
            optimizer.step()
    with fb.no_grad():
        right = (net(x[:400]).argmax(1) == y[:400]).float().mean().item()
    assert right > 0.8  # the first 400 are by other writers than the rest


def test_gradients_of_gradients_through_a_network():
    net = mlp(fb)
    x = fb.randn(4, 8, requires_grad=True)
    (g,) = fb.autograd.grad(net(x).sum(), x, create_graph=True)
    (g.pow(2).sum()).backward()  # a gradient penalty
    assert all(p.grad is not None for name, p in net.named_parameters() if "weight" in name)


def test_memory_is_flat_over_many_steps():
    import gc

    net = mlp(fb)
    optimizer = fb.optim.Adam(net.parameters())
    x = fb.randn(4, 8)

    def step():
        optimizer.zero_grad()
        net(x).pow(2).sum().backward()
        optimizer.step()

    for _ in range(5):
        step()
    gc.collect()
    gc.disable()  # reference counts alone must free everything
    try:
        before = len(gc.get_objects())
        for _ in range(50):
            step()
        assert len(gc.get_objects()) < before + 50
    finally:
        gc.enable()
