"""The less common layers against PyTorch's: text, names of their state, output, gradients."""

from __future__ import annotations

import numpy as np
import pytest
from test_layers import case, numpy_of, run

import flambeau as fb
from flambeau import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

LINE = ((2, 4, 9),)
IMAGE = ((2, 4, 8, 6),)
VOLUME = ((1, 4, 4, 5, 4),)
PADS = {1: (2, 1), 2: (1, 2, 0, 3), 3: (1, 1, 0, 2, 1, 0)}

LAYERS = [
    case("Conv3d", 4, 6, (2, 3, 2), padding=1, stride=(1, 2, 1), inputs=VOLUME),
    case("Conv3d", 4, 6, 2, groups=2, padding="same", bias=False, inputs=VOLUME),
    case("ConvTranspose3d", 4, 2, 2, stride=2, output_padding=1, inputs=VOLUME),
    case("MaxPool3d", 2, inputs=VOLUME),
    case("MaxPool3d", (2, 3, 2), stride=1, padding=1, inputs=VOLUME),
    case("AvgPool3d", 2, inputs=VOLUME),
    case("AvgPool3d", 2, 1, 1, count_include_pad=False, inputs=VOLUME),
    case("AdaptiveAvgPool3d", (2, None, 3), inputs=VOLUME),
    case("AdaptiveMaxPool1d", 4, inputs=LINE),
    case("AdaptiveMaxPool3d", 2, inputs=VOLUME),
    case("UpsamplingNearest2d", scale_factor=2, inputs=IMAGE),
    case("UpsamplingBilinear2d", size=(5, 9), inputs=IMAGE),
    case("Upsample", scale_factor=2, mode="bilinear", inputs=IMAGE),
    case("Upsample", size=(5, 9), mode="bilinear", align_corners=True, inputs=IMAGE),
    case("InstanceNorm3d", 4, affine=True, inputs=VOLUME),
    case("LocalResponseNorm", 3, inputs=IMAGE),
    case("LocalResponseNorm", 2, alpha=0.1, beta=0.5, k=2.0, inputs=LINE),
    case("Dropout3d", 0.4, inputs=VOLUME, random=True),
    case("FeatureAlphaDropout", 0.4, inputs=IMAGE, random=True),
    case("CELU", 0.7),
    case("CELU", inplace=True),
    case("Hardshrink"),
    case("Softshrink", 0.3),
    case("Tanhshrink"),
    case("RReLU", random=True),
    case("RReLU", 0.2, 0.4, inplace=True, random=True),
    *(
        case(f"{kind}Pad{n}d", width, inputs=inputs)
        for kind in ("Zero", "Reflection", "Replication", "Circular")
        for n, inputs in ((1, LINE), (2, IMAGE), (3, VOLUME))
        for width in (1, PADS[n])
    ),
    case("ConstantPad1d", 2, 3.5, inputs=LINE),
    case("ConstantPad2d", (1, -1, 0, 2), 0.5, inputs=IMAGE),
    case("ConstantPad3d", 1, -1, inputs=VOLUME),
    case("Unfold", 2, padding=1, inputs=IMAGE),
    case("Unfold", (2, 3), dilation=2, stride=(1, 2), inputs=IMAGE),
    case("Fold", (4, 5), (2, 3), inputs=((2, 12, 9),)),
    case("LPPool1d", 2, 3, inputs=LINE),
    case("LPPool2d", 2, (2, 3), stride=2, inputs=IMAGE),
    case("LPPool3d", 2, 2, ceil_mode=True, inputs=VOLUME),
    case("PixelShuffle", 2, inputs=IMAGE),
    case("PixelUnshuffle", 2, inputs=IMAGE),
    case("ChannelShuffle", 2, inputs=IMAGE),
    case("TransformerDecoderLayer", 8, 2, 16, 0.0, inputs=((5, 2, 8), (3, 2, 8))),
    case(
        *("TransformerDecoderLayer", 8, 2, 16, 0.0),
        norm_first=True,
        batch_first=True,
        bias=False,
        activation="gelu",
        inputs=((2, 5, 8), (2, 3, 8)),
    ),
    case("Transformer", 8, 2, 1, 2, 16, 0.0, inputs=((5, 2, 8), (3, 2, 8))),
    case("Transformer", 8, 2, 2, 1, 16, 0.0, batch_first=True, inputs=((2, 5, 8), (2, 3, 8))),
]


def close(mine, wanted):
    for a, b in zip([*mine[0], *mine[1]], [*wanted[0], *wanted[1]], strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert a.shape == b.shape
            assert a.dtype == b.dtype
            assert np.allclose(a, b, rtol=1e-4, atol=1e-4 * max(1, abs(b).max(initial=0)))


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
        ours.eval(), theirs.eval()
    ours.load_state_dict(theirs.state_dict())
    close(run(fb, ours, arrays, call), run(torch, theirs, arrays, call))


REAL, LABEL, SIGN = (4, 3), ("class", 4), ("sign", (4, 3))
LOSSES = [
    ("HingeEmbeddingLoss", {"margin": 0.5}, (REAL, SIGN)),
    ("CosineEmbeddingLoss", {"margin": 0.1}, (REAL, REAL, ("sign", (4,)))),
    ("MarginRankingLoss", {"margin": 0.2, "reduction": "sum"}, (REAL, REAL, SIGN)),
    ("SoftMarginLoss", {"reduction": "none"}, (REAL, SIGN)),
    ("MultiLabelMarginLoss", {}, (REAL, ("labels", (4, 3)))),
    ("MultiLabelSoftMarginLoss", {"weight": [1.0, 2, 3]}, (REAL, ("share", (4, 3)))),
    ("MultiMarginLoss", {"p": 2, "margin": 0.5, "weight": [1.0, 2, 3]}, (REAL, LABEL)),
    ("TripletMarginLoss", {"swap": True}, (REAL, REAL, REAL)),
    ("TripletMarginWithDistanceLoss", {"margin": 2.0}, (REAL, REAL, REAL)),
    ("PoissonNLLLoss", {"full": True}, (REAL, ("share", (4, 3)))),
    ("PoissonNLLLoss", {"log_input": False}, (("share", (4, 3)), ("share", (4, 3)))),
    ("GaussianNLLLoss", {"full": True}, (REAL, REAL, ("share", (4, 3)))),
    ("GaussianNLLLoss", {"reduction": "none"}, (REAL, REAL, ("share", (4, 1)))),
]


def drawn(rng, kind):
    if kind[0] == "class":
        return rng.integers(0, 3, kind[1])
    if kind[0] == "sign":
        return rng.choice([-1.0, 1.0], kind[1])
    if kind[0] == "labels":
        return rng.integers(-1, 3, kind[1])
    return rng.uniform(0.1, 3, kind[1]) if kind[0] == "share" else rng.standard_normal(kind)


@pytest.mark.parametrize(("name", "options", "kinds"), LOSSES)
def test_loss(name, options, kinds):
    results = []
    for lib in (fb, torch):
        rng = np.random.default_rng(0)
        given = {k: lib.tensor(v) if isinstance(v, list) else v for k, v in options.items()}
        loss = getattr(lib.nn, name)(**given)
        xs = [lib.tensor(drawn(rng, kind).tolist()) for kind in kinds]
        wanted = [x.requires_grad_() for x, k in zip(xs, kinds, strict=True) if k == REAL]
        out = loss(*xs)
        grads = [numpy_of(g) for g in lib.autograd.grad(out.sum(), wanted)] if wanted else []
        results.append((repr(loss), list(loss.state_dict()), [numpy_of(out), *grads]))
    assert results[0][:2] == results[1][:2]
    for a, b in zip(results[0][2], results[1][2], strict=True):
        assert a.shape == b.shape
        assert np.allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_unpooling(n):
    x = np.random.default_rng(0).standard_normal((2, 3, *(7, 6, 4)[:n])).astype(np.float32)
    results = []
    for lib in (fb, torch):
        pool = getattr(lib.nn, f"MaxPool{n}d")(2, return_indices=True)
        back = getattr(lib.nn, f"MaxUnpool{n}d")(2)
        given = lib.tensor(x.tolist(), requires_grad=True)
        out = back(*pool(given), output_size=given.shape)
        (out * out).sum().backward()
        results.append((repr(back), numpy_of(out), numpy_of(given.grad)))
    assert results[0][0] == results[1][0]
    assert np.allclose(results[0][1], results[1][1])
    assert np.allclose(results[0][2], results[1][2])


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_embedding_bag(mode):
    results = []
    bags = [nn.EmbeddingBag(5, 3, mode=mode, padding_idx=1)]
    bags.append(torch.nn.EmbeddingBag(5, 3, mode=mode, padding_idx=1))
    bags[0].load_state_dict(bags[1].state_dict())
    for lib, bag in zip((fb, torch), bags, strict=True):
        out = bag(lib.tensor([[1, 2], [3, 3], [1, 1]]))
        more = bag(lib.tensor([0, 1, 4, 2]), lib.tensor([0, 3, 4]))
        ((out * out).sum() + (more * more).sum()).backward()
        results.append((repr(bag), *map(numpy_of, (out, more, bag.weight.grad))))
    assert results[0][0] == results[1][0]
    for a, b in zip(results[0][1:], results[1][1:], strict=True):
        assert np.allclose(a, b, atol=1e-6)
    assert not nn.EmbeddingBag.from_pretrained(fb.ones(2, 3)).weight.requires_grad


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm(dim):
    x = np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)
    layers = [lib.nn.utils.weight_norm(lib.nn.Linear(4, 3), dim=dim) for lib in (fb, torch)]
    layers[0].load_state_dict(layers[1].state_dict())
    close(run(fb, layers[0], [x], {}), run(torch, layers[1], [x], {}))
    before = layers[0](fb.from_numpy(x))
    nn.utils.remove_weight_norm(layers[0])
    assert sorted(layers[0].state_dict()) == ["bias", "weight"]
    assert fb.allclose(before, layers[0](fb.from_numpy(x)), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_spectral_norm():
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 5)).astype(np.float32)
    layers = [lib.nn.utils.spectral_norm(lib.nn.Conv2d(3, 4, 2)) for lib in (fb, torch)]
    assert list(layers[0].state_dict()) == list(layers[1].state_dict())
    layers[0].load_state_dict(layers[1].state_dict())
    for mode in (True, False):
        layers[0].train(mode), layers[1].train(mode)
        close(run(fb, layers[0], [x], {}), run(torch, layers[1], [x], {}))
        for layer in layers:
            layer.zero_grad()
    nn.utils.remove_spectral_norm(layers[0])
    assert sorted(layers[0].state_dict()) == ["bias", "weight"]


def test_ctc_loss():
    x = np.random.default_rng(0).standard_normal((7, 2, 5))
    results = []
    for lib in (fb, torch):
        loss = lib.nn.CTCLoss(blank=2, zero_infinity=True)
        given = lib.tensor(x.tolist(), dtype=lib.float64, requires_grad=True)
        targets = lib.tensor([[1, 1, 3], [4, 0, 0]])
        lengths = lib.tensor([7, 4]), lib.tensor([3, 1])
        out = loss(given.log_softmax(2), targets, *lengths)
        out.backward()
        one = loss(given[:, 0].log_softmax(1), targets[0], lib.tensor(7), lib.tensor(3))
        results.append((repr(loss), out.item(), one.item(), numpy_of(given.grad)))
    assert results[0][0] == results[1][0]
    for a, b in zip(results[0][1:], results[1][1:], strict=True):
        assert np.allclose(a, b)


def test_transformer_masks():
    results = []
    rng = np.random.default_rng(0)
    src, tgt = (rng.standard_normal((2, n, 8)).astype(np.float32) for n in (5, 3))
    nets = [lib.nn.Transformer(8, 2, 1, 1, 16, 0.0, batch_first=True) for lib in (fb, torch)]
    nets[0].load_state_dict(nets[1].state_dict())
    for lib, net in zip((fb, torch), nets, strict=True):
        padding = lib.tensor([[False] * 5, [False] * 3 + [True] * 2])
        out = net(
            *(lib.tensor(src.tolist()), lib.tensor(tgt.tolist())),
            tgt_mask=net.generate_square_subsequent_mask(3),
            src_key_padding_mask=padding.float().masked_fill(padding, -1e9),
            memory_key_padding_mask=padding.float().masked_fill(padding, -1e9),
            tgt_is_causal=True,
        )
        results.append(numpy_of(out))
    assert np.allclose(*results, atol=1e-5)


WRONG = {
    "pad": lambda lib: lib.nn.ReflectionPad1d(4)(lib.ones(1, 1, 4)),
    "circular": lambda lib: lib.nn.CircularPad2d(1)(lib.ones(2, 2)),
    "fold": lambda lib: lib.nn.Fold(4, 2)(lib.ones(1, 4, 8)),
    "unfold": lambda lib: lib.nn.Unfold(5)(lib.ones(1, 1, 4, 4)),
    "pixels": lambda lib: lib.nn.PixelShuffle(2)(lib.ones(1, 3, 2, 2)),
    "places": lambda lib: lib.nn.PixelUnshuffle(2)(lib.ones(1, 3, 3, 2)),
    "groups": lambda lib: lib.nn.ChannelShuffle(2)(lib.ones(1, 3, 2)),
    "margin": lambda lib: lib.nn.TripletMarginLoss(margin=0),
    "power": lambda lib: lib.nn.MultiMarginLoss(p=3),
    "variance": lambda lib: lib.nn.GaussianNLLLoss()(
        lib.ones(2), lib.ones(2), lib.tensor([1.0, -1.0])
    ),
    "variance size": lambda lib: lib.nn.GaussianNLLLoss()(
        lib.ones(2, 3), lib.ones(2, 3), lib.ones(3)
    ),
    "batch": lambda lib: lib.nn.Transformer(8, 2, 1, 1, 8)(lib.ones(2, 3, 8), lib.ones(2, 2, 8)),
    "features": lambda lib: lib.nn.Transformer(8, 2, 1, 1, 8)(lib.ones(2, 3, 8), lib.ones(2, 3, 4)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WRONG)
def test_mistakes_raise_the_type_that_pytorch_raises(name):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        WRONG[name](torch)
    with pytest.raises(caught.type):
        WRONG[name](fb)
