"""The CuPy path runs without a GPU: on arrays that, like CuPy's, will not mix with NumPy's.

In a process of its own, because the stand-in takes CuPy's place.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# They ask for memory by its address, or are for the CPU alone.
LEFT_OUT = {
    "as_strided", "as_strided_", "as_strided_copy", "as_strided_scatter", "resize_",
    "resize_as_", "apply_", "map_", "map2_", "cpu",
}  # fmt: skip


def run(code: str) -> str:
    """What a new process prints that has the stand-in for CuPy."""
    head = f"import sys; sys.path.insert(0, {str(HERE)!r}); import flambeau as fb\n"
    head += "import stand_in_cupy; stand_in_cupy.install()\n"
    command = [sys.executable, "-W", "ignore", "-c", head + code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_operations_never_mix_the_arrays_of_two_devices() -> None:
    code = """
import json, test_ops
wrong, count = {}, 0
for sample in [s for s in test_ops.ALL if not s.random]:
    count += 1
    try:
        test_ops.test_cuda_agrees_with_cpu(sample)
    except BaseException as error:
        wrong.setdefault(sample.name, f"{type(error).__name__}: {error}")
print(json.dumps([count, wrong]))
"""
    count, wrong = json.loads(run(code))
    assert count > 1000
    assert {name: why for name, why in wrong.items() if name not in LEFT_OUT} == {}


def test_a_network_trains_on_the_card() -> None:
    code = """
def train(device):
    fb.manual_seed(0)
    net = fb.nn.Sequential(
        fb.nn.Conv2d(1, 4, 3), fb.nn.BatchNorm2d(4), fb.nn.ReLU(), fb.nn.MaxPool2d(2),
        fb.nn.Flatten(), fb.nn.Linear(36, 8), fb.nn.LayerNorm(8), fb.nn.GELU(), fb.nn.Linear(8, 3),
    )
    x, y = fb.randn(16, 1, 8, 8), fb.arange(16) % 3
    net, x, y = net.to(device), x.to(device), y.to(device)
    step = fb.optim.AdamW(net.parameters(), lr=0.01)
    losses = []
    for _ in range(5):
        step.zero_grad()
        loss = fb.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        fb.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        step.step()
        losses.append(round(loss.item(), 4))
    return losses

print(train("cpu") == train("cuda"), train("cuda"))
"""
    assert run(code).startswith("True")


def test_layers_of_sizes_that_loops_serve_on_the_cpu_run_on_the_card() -> None:
    code = """
nn, F = fb.nn, fb.nn.functional
one = lambda *args, **options: lambda kind: getattr(nn, kind)(*args, **options)
CASES = {
    "Conv1d": (one(8, 16, 3), (4, 8, 200)), "Conv2d": (one(64, 64, 3), (2, 64, 16, 16)),
    "Conv3d": (one(4, 8, 3), (2, 4, 10, 10, 10)), "LSTM": (one(8, 16), (20, 16, 8)),
    "ConvTranspose2d": (one(8, 4, 4, 2), (4, 8, 16, 16)), "GRU": (one(8, 16), (20, 16, 8)),
    "RNN": (one(8, 16), (20, 16, 8)), "BatchNorm2d": (one(16), (8, 16, 20, 20)),
    "GroupNorm": (one(4, 16), (8, 16, 20, 20)), "LayerNorm": (one(512), (64, 512)),
    "RMSNorm": (one(512), (64, 512)), "AdaptiveAvgPool2d": (one(3), (8, 16, 20, 20)),
    "MaxPool2d": (one(2), (8, 16, 20, 20)), "AvgPool2d": (one(3, 2, 1), (8, 16, 20, 20)),
    "Linear": (one(64, 64), (32, 64)), "GELU": (one(), (100, 100)), "ELU": (one(), (100, 100)),
    "Softmax": (one(1), (64, 100)), "LogSoftmax": (one(0), (64, 100)),
    "TransformerEncoderLayer": (one(16, 4, 32, 0.0, batch_first=True), (2, 40, 16)),
}
def outcome(kind, device):
    make, shape = CASES[kind]
    fb.manual_seed(0)
    layer, x = make(kind).to(device), fb.randn(shape).to(device).requires_grad_()
    out = layer(x)
    out = out[0] if isinstance(out, tuple) else out
    (out * fb.linspace(0, 1, out.numel()).reshape(out.shape).to(device)).sum().backward()
    return [t.detach().cpu() for t in (out, x.grad, *(p.grad for p in layer.parameters()))]

for kind in CASES:
    for a, b in zip(outcome(kind, "cpu"), outcome(kind, "cuda")):
        assert fb.linalg.norm(a - b) <= 1e-4 * fb.linalg.norm(a) + 1e-4, kind
print("same")
"""
    assert run(code) == "same"
