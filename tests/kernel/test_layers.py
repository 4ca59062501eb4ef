"""Every layer against PyTorch's: text, names of its state, output, gradients, and mistakes."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import flambeau as fb
from flambeau import nn

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


def case(name, *args, inputs=((2, 6),), call=None, random=False, **options):
    shown = ", ".join([*map(str, args), *(f"{k}={v}" for k, v in options.items())])
    return pytest.param(name, args, options, inputs, call or {}, random, id=f"{name}({shown})")


IMAGE = ((2, 4, 8, 6),)
LINE = ((2, 4, 9),)
SEQUENCE = ((5, 2, 8),) * 3  # (L, N, E)

LAYERS = [
    case("Identity", 3),
    case("Linear", 6, 3),
    case("Linear", 6, 3, bias=False),
    case("Bilinear", 6, 4, 3, inputs=((2, 6), (2, 4))),
    case("Bilinear", 6, 4, 3, bias=False, inputs=((2, 6), (2, 4))),
    case("Conv1d", 4, 6, 3, stride=2, padding=1, inputs=LINE),
    case("Conv1d", 4, 6, 4, padding="same", padding_mode="circular", inputs=LINE),
    case("Conv2d", 4, 6, 3, inputs=IMAGE),
    case("Conv2d", 4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=2, inputs=IMAGE),
    case("Conv2d", 4, 6, 3, padding="same", groups=2, bias=False, inputs=IMAGE),
    case("Conv2d", 4, 6, 3, padding="valid", inputs=IMAGE),
    case("Conv2d", 4, 6, 3, padding=2, padding_mode="reflect", inputs=IMAGE),
    case("Conv2d", 4, 6, 3, padding=(1, 2), padding_mode="replicate", inputs=IMAGE),
    case("Conv2d", 4, 6, 3, padding=1, inputs=((4, 8, 6),)),
    case("ConvTranspose1d", 4, 6, 3, stride=2, output_padding=1, inputs=LINE),
    case("ConvTranspose2d", 4, 6, 3, stride=2, padding=1, groups=2, inputs=IMAGE),
    case("ConvTranspose2d", 4, 6, 3, stride=2, inputs=IMAGE, call={"output_size": (18, 13)}),
    case("MaxPool1d", 2, inputs=LINE),
    case("MaxPool2d", 2, inputs=IMAGE),
    case("MaxPool2d", (3, 2), stride=2, padding=1, ceil_mode=True, inputs=IMAGE),
    case("AvgPool1d", 3, inputs=LINE),
    case("AvgPool2d", 3, stride=2, padding=1, count_include_pad=False, inputs=IMAGE),
    case("AdaptiveAvgPool1d", 3, inputs=LINE),
    case("AdaptiveAvgPool2d", 1, inputs=IMAGE),
    case("AdaptiveAvgPool2d", (3, None), inputs=IMAGE),
    case("AdaptiveMaxPool2d", (3, 4), inputs=IMAGE),
    case("Upsample", scale_factor=2, inputs=IMAGE),
    case("Upsample", size=(5, 9), inputs=IMAGE),
    case("BatchNorm1d", 6),
    case("BatchNorm1d", 4, inputs=LINE),
    case("BatchNorm2d", 4, inputs=IMAGE),
    case("BatchNorm2d", 4, momentum=None, affine=False, inputs=IMAGE),
    case("BatchNorm2d", 4, eps=1e-3, momentum=0.3, track_running_stats=False, inputs=IMAGE),
    case("BatchNorm3d", 2, inputs=((3, 2, 2, 3, 2),)),
    case("InstanceNorm1d", 4, inputs=LINE),
    case("InstanceNorm2d", 4, affine=True, inputs=IMAGE),
    case("InstanceNorm2d", 4, inputs=((4, 8, 6),)),
    case("InstanceNorm2d", 4, track_running_stats=True, inputs=IMAGE),
    case("LayerNorm", 6),
    case("LayerNorm", (4, 9), eps=1e-3, bias=False, inputs=LINE),
    case("LayerNorm", 6, elementwise_affine=False),
    case("GroupNorm", 2, 4, inputs=IMAGE),
    case("GroupNorm", 4, 4, affine=False, inputs=IMAGE),
    case("RMSNorm", 6),
    case("RMSNorm", [4, 9], eps=1e-3, inputs=LINE),
    case("Flatten", inputs=IMAGE),
    case("Flatten", 0, 1, inputs=IMAGE),
    case("Unflatten", 1, (2, 3)),
    *(case(name) for name in ("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardswish")),
    *(case(name) for name in ("Hardsigmoid", "Sigmoid", "LogSigmoid", "Tanh", "Softsign")),
    *(case(name) for name in ("LeakyReLU", "ELU", "Hardtanh", "Softplus", "GELU", "PReLU", "GLU")),
    case("ReLU", inplace=True),
    case("LeakyReLU", 0.3, inplace=True),
    case("ELU", 0.5),
    case("Threshold", 0.1, 20),
    case("Hardtanh", -0.5, 0.7),
    case("Softplus", 2, 5),
    case("GELU", "tanh"),
    case("PReLU", 4, inputs=IMAGE),
    case("GLU", 1),
    case("Softmax", 1),
    case("Softmin", 0),
    case("LogSoftmax", -1),
    case("Softmax2d", inputs=IMAGE),
    case("Dropout", 0.0),
    case("Dropout", random=True),
    case("Dropout", 0.3, inplace=True, random=True),
    case("Dropout1d", 0.4, inputs=LINE, random=True),
    case("Dropout2d", 0.4, inputs=IMAGE, random=True),
    case("AlphaDropout", 0.4, random=True),
    case("CosineSimilarity", inputs=((3, 4), (3, 4))),
    case("PairwiseDistance", 1.0, keepdim=True, inputs=((3, 4), (3, 4))),
    case("MultiheadAttention", 8, 2, inputs=SEQUENCE),
    case("MultiheadAttention", 8, 2, bias=False, batch_first=True, inputs=SEQUENCE),
    case("MultiheadAttention", 8, 4, inputs=SEQUENCE, call={"average_attn_weights": False}),
    case("MultiheadAttention", 8, 2, inputs=SEQUENCE, call={"need_weights": False}),
    case("MultiheadAttention", 8, 2, inputs=((5, 8),) * 3),
    case("MultiheadAttention", 8, 2, add_bias_kv=True, add_zero_attn=True, inputs=SEQUENCE),
    case(
        *("MultiheadAttention", 8, 2),
        kdim=6,
        vdim=4,
        inputs=((5, 2, 8), (7, 2, 6), (7, 2, 4)),
    ),
    case("TransformerEncoderLayer", 8, 2, 16, 0.0, inputs=((5, 2, 8),)),
    case("TransformerEncoderLayer", 8, 2, 16, 0.0, norm_first=True, batch_first=True,
         activation="gelu", bias=False, inputs=((5, 2, 8),)),
]  # fmt: skip


def numpy_of(value):
    return value.detach().numpy()


def outputs(value):
    return [v for v in (value if isinstance(value, tuple) else (value,)) if v is not None]


def run(lib, layer, arrays, call):
    """Outputs and gradients of a layer."""
    xs = [(fb.from_numpy if lib is fb else torch.from_numpy)(a.copy()) for a in arrays]
    for x in xs:
        x.requires_grad_()
    outs = outputs(layer(*(x * 1 for x in xs), **call))
    floats = [o for o in outs if o.dtype in (lib.float32, lib.float64)]
    sum((o * o).sum() + o.sum() for o in floats).backward()
    grads = [x.grad for x in xs] + [p.grad for p in layer.parameters()]
    return [numpy_of(t) for t in outs], [None if g is None else numpy_of(g) for g in grads]


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "args", "options", "inputs", "call", "random"), LAYERS)
def test_layer(name, args, options, inputs, call, random):
    ours = getattr(nn, name)(*args, **options)
    theirs = getattr(torch.nn, name)(*args, **options)
    assert repr(ours) == repr(theirs)
    shapes = [[(k, tuple(v.shape)) for k, v in m.state_dict().items()] for m in (ours, theirs)]
    assert shapes[0] == shapes[1]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in inputs]
    if random:
        (out,), _ = run(fb, ours, arrays, call)
        assert out.shape == arrays[0].shape
        theirs.eval(), ours.eval()
    ours.load_state_dict(theirs.state_dict())
    for mode in (True, False) if not random else (False,):
        ours.train(mode), theirs.train(mode)
        mine, wanted = run(fb, ours, arrays, call), run(torch, theirs, arrays, call)
        for a, b in zip([*mine[0], *mine[1]], [*wanted[0], *wanted[1]], strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                assert a.shape == b.shape
                assert a.dtype == b.dtype
                assert np.allclose(a, b, rtol=1e-4, atol=1e-4 * max(1, abs(b).max(initial=0)))
        ours.zero_grad(), theirs.zero_grad()
    for (key, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        assert np.allclose(a.numpy(), b.numpy(), atol=1e-5), key


LOSSES = [
    ("L1Loss", {}, "real"),
    ("MSELoss", {"reduction": "sum"}, "real"),
    ("MSELoss", {"size_average": False}, "real"),
    ("MSELoss", {"reduce": False}, "real"),
    ("SmoothL1Loss", {"beta": 0.5}, "real"),
    ("HuberLoss", {"delta": 0.5, "reduction": "none"}, "real"),
    ("BCELoss", {}, "probability"),
    ("BCEWithLogitsLoss", {"pos_weight": [1.0, 2, 3, 4]}, "share"),
    ("KLDivLoss", {"reduction": "batchmean"}, "log"),
    ("KLDivLoss", {"reduction": "sum", "log_target": True}, "both log"),
    ("CrossEntropyLoss", {}, "class"),
    ("CrossEntropyLoss", {"label_smoothing": 0.1, "weight": [1.0, 2, 3, 4]}, "class"),
    ("CrossEntropyLoss", {"ignore_index": 1, "reduction": "sum"}, "class"),
    ("NLLLoss", {"reduction": "none"}, "class of log"),
]


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "options", "kind"), LOSSES)
def test_loss(name, options, kind):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 4)).astype(np.float32)
    y = rng.standard_normal((5, 4)).astype(np.float32)
    if kind in ("probability", "share", "log", "both log"):
        y = 1 / (1 + np.exp(-y))
    if kind == "probability":
        x = 1 / (1 + np.exp(-x))
    if "log" in kind:
        x = x - np.log(np.exp(x).sum(1, keepdims=True))
    if kind == "both log":
        y = np.log(y)
    if "class" in kind:
        y = rng.integers(0, 4, 5)
    results = []
    for lib in (fb, torch):
        kwargs = {k: lib.tensor(v) if isinstance(v, list) else v for k, v in options.items()}
        loss = getattr(lib.nn, name)(**kwargs)
        given = lib.tensor(x.tolist(), requires_grad=True)
        out = loss(given, lib.tensor(y.tolist()))
        out.sum().backward()
        results.append((repr(loss), list(loss.state_dict()), numpy_of(out), numpy_of(given.grad)))
    assert results[0][:2] == results[1][:2]
    for a, b in zip(results[0][2:], results[1][2:], strict=True):
        assert a.shape == b.shape
        assert np.allclose(a, b, atol=1e-5)


@needs_torch
def test_embedding():
    indices = [[1, 2, 0], [4, 4, 2]]
    for options in ({}, {"padding_idx": 2}, {"padding_idx": -1, "norm_type": 1.0}):
        ours, theirs = (lib.nn.Embedding(5, 3, **options) for lib in (fb, torch))
        assert repr(ours) == repr(theirs)
        if options:
            assert float(ours.weight[ours.padding_idx].abs().sum()) == 0
        ours.load_state_dict(theirs.state_dict())
        grads = []
        for lib, layer in ((fb, ours), (torch, theirs)):
            out = layer(lib.tensor(indices))
            (out * out).sum().backward()
            grads.append(numpy_of(layer.weight.grad))
        assert np.allclose(*grads)
    table = fb.arange(6.0).reshape(3, 2)
    layer = nn.Embedding.from_pretrained(table)
    assert not layer.weight.requires_grad
    assert layer(fb.tensor([2, 0])).tolist() == [[4, 5], [0, 1]]


@needs_torch
@pytest.mark.parametrize("kind", ["bool", "float", "3d"])
@pytest.mark.parametrize("need_weights", [True, False])
def test_attention_masks(kind, need_weights):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 8)).astype(np.float32)
    mask = np.triu(np.ones((5, 5), bool), 1)
    if kind == "float":
        mask = np.where(mask, -np.inf, 0).astype(np.float32)
    if kind == "3d":
        mask = np.stack([mask] * 4)
    padding = np.zeros((2, 5), bool)
    padding[1, 3:] = True
    ours, theirs = (lib.nn.MultiheadAttention(8, 2, batch_first=True) for lib in (fb, torch))
    ours.load_state_dict(theirs.state_dict())
    results = []
    for lib, layer in ((fb, ours), (torch, theirs)):
        t, m, p = (lib.tensor(a.tolist()) for a in (x, mask, padding))
        if kind == "float":
            p = lib.zeros(2, 5).masked_fill(p, -math.inf)
        out, weights = layer(t, t, t, key_padding_mask=p, attn_mask=m, need_weights=need_weights)
        results.append([numpy_of(out)] + ([numpy_of(weights)] if need_weights else []))
    for a, b in zip(*results, strict=True):
        assert a.shape == b.shape
        assert np.allclose(a, b, atol=1e-5)


@needs_torch
@pytest.mark.filterwarnings("ignore")
def test_transformer_encoder():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 8)).astype(np.float32)
    results = []
    nets = []
    for lib in (fb, torch):
        layer = lib.nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)
        nets.append(lib.nn.TransformerEncoder(layer, 2, lib.nn.LayerNorm(8)))
    assert repr(nets[0]) == repr(nets[1])
    nets[0].load_state_dict(nets[1].state_dict())
    for lib, net in zip((fb, torch), nets, strict=True):
        mask = lib.triu(lib.ones(5, 5), 1).bool()
        padding = lib.tensor([[False] * 5, [False] * 3 + [True] * 2])
        out = net(lib.tensor(x.tolist()), mask=mask, src_key_padding_mask=padding)
        results.append(numpy_of(out)[padding.numpy() == 0])
    assert np.allclose(*results, atol=1e-5)


WRONG = {
    "BatchNorm2d on 3D": lambda lib: lib.nn.BatchNorm2d(2)(lib.ones(2, 3, 4)),
    "LayerNorm shape": lambda lib: lib.nn.LayerNorm(3)(lib.ones(2, 4)),
    "Dropout p": lambda lib: lib.nn.Dropout(1.5),
    "GroupNorm groups": lambda lib: lib.nn.GroupNorm(3, 4),
    "Conv groups": lambda lib: lib.nn.Conv2d(3, 4, 1, groups=2),
    "Conv groups 0": lambda lib: lib.nn.Conv2d(3, 4, 1, groups=0),
    "Conv padding": lambda lib: lib.nn.Conv2d(3, 4, 1, padding="wide"),
    "Conv same stride": lambda lib: lib.nn.Conv2d(3, 4, 1, padding="same", stride=2),
    "Conv mode": lambda lib: lib.nn.Conv2d(3, 4, 1, padding_mode="mirror"),
    "ConvTranspose mode": lambda lib: lib.nn.ConvTranspose2d(3, 4, 1, padding_mode="reflect"),
    "output size": lambda lib: lib.nn.ConvTranspose1d(1, 1, 3)(lib.ones(1, 1, 4), (99,)),
    "Unflatten": lambda lib: lib.nn.Unflatten(1, 3),
    "Unflatten element": lambda lib: lib.nn.Unflatten(1, (2, 1.5)),
    "Softmax2d": lambda lib: lib.nn.Softmax2d()(lib.ones(2, 2)),
    "heads": lambda lib: lib.nn.MultiheadAttention(7, 2),
    "no heads": lambda lib: lib.nn.MultiheadAttention(8, 0),
    "embedding size": lambda lib: lib.nn.MultiheadAttention(8, 2)(*(lib.ones(3, 1, 6),) * 3),
    "mask shape": lambda lib: lib.nn.MultiheadAttention(8, 2)(
        *(lib.ones(3, 1, 8),) * 3, attn_mask=lib.zeros(2, 2)
    ),
    "mask type": lambda lib: lib.nn.MultiheadAttention(8, 2)(
        *(lib.ones(3, 1, 8),) * 3, attn_mask=lib.zeros(3, 3, dtype=lib.int64)
    ),
    "causal": lambda lib: lib.nn.MultiheadAttention(8, 2)(
        *(lib.ones(3, 1, 8),) * 3, is_causal=True
    ),
    "query": lambda lib: lib.nn.MultiheadAttention(8, 2)(*(lib.ones(8),) * 3),
    "activation": lambda lib: lib.nn.TransformerEncoderLayer(8, 2, activation="step"),
    "padding_idx": lambda lib: lib.nn.Embedding(3, 2, padding_idx=3),
    "index": lambda lib: lib.nn.Embedding(3, 2)(lib.tensor([3])),
    "Hardtanh": lambda lib: lib.nn.Hardtanh(1, 0),
}


@needs_torch
@pytest.mark.parametrize("name", WRONG)
def test_mistakes_raise_the_type_that_pytorch_raises(name):
    kinds = []
    for lib in (torch, fb):
        with warnings.catch_warnings(), pytest.raises(Exception) as caught:  # noqa: PT011
            warnings.simplefilter("ignore")
            WRONG[name](lib)
        kinds.append(caught.type)
    assert issubclass(kinds[1], kinds[0]), kinds


def test_dropout_keeps_the_mean_and_is_off_in_evaluation():
    fb.manual_seed(0)
    layer = nn.Dropout(0.25)
    out = layer(fb.ones(20000))
    assert abs(out.mean().item() - 1) < 0.02
    assert abs((out == 0).float().mean().item() - 0.25) < 0.02
    x = fb.ones(3)
    assert layer.eval()(x) is x or fb.equal(layer(x), x)


def test_batch_norm_averages_over_all_batches_without_momentum():
    norm = nn.BatchNorm1d(1, momentum=None)
    for value in (1.0, 3.0, 5.0):
        norm(fb.full((4, 1), value))
    assert abs(norm.running_mean.item() - 3) < 1e-6
    assert norm.num_batches_tracked.item() == 3
    norm.reset_running_stats()
    assert norm.running_mean.item() == 0
    assert norm.num_batches_tracked.item() == 0


@needs_torch
def test_default_values_are_drawn_as_pytorchs_are():
    """Same bounds and spread, layer by layer."""
    for name, args in (
        ("Linear", (64, 500)),
        ("Conv2d", (16, 64, 3)),
        ("ConvTranspose2d", (16, 64, 3)),
        ("Embedding", (200, 50)),
        ("Bilinear", (40, 30, 20)),
        ("MultiheadAttention", (128, 4)),
    ):
        ours, theirs = getattr(nn, name)(*args), getattr(torch.nn, name)(*args)
        pairs = zip(ours.named_parameters(), theirs.parameters(), strict=True)
        for (key, a), b in pairs:
            a, b = numpy_of(a), numpy_of(b)
            assert a.dtype == b.dtype == np.float32
            if a.size > 1000:
                assert abs(a.std() / b.std() - 1) < 0.05, (name, key)
                assert abs(abs(a).max() / abs(b).max() - 1) < 0.25, (name, key)
            assert abs(a).max() == abs(b).max() == 0 or abs(b).max() > 0, (name, key)
