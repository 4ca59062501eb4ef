"""Recurrent layers, and packed sequences, against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as fb
from flambeau import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

CASES = [
    ("RNN", (3, 5), {}),
    ("RNN", (3, 5), {"nonlinearity": "relu", "bidirectional": True}),
    ("RNN", (3, 5, 2), {"batch_first": True, "bias": False}),
    ("GRU", (3, 5), {}),
    ("GRU", (3, 5, 2), {"bidirectional": True, "bias": False}),
    ("LSTM", (3, 5), {}),
    ("LSTM", (3, 5, 2), {"bidirectional": True, "batch_first": True, "dropout": 0.5}),
    ("LSTM", (3, 5, 2), {"proj_size": 2, "bidirectional": True}),
    ("LSTM", (3, 5), {"proj_size": 2, "bias": False}),
]
KINDS = ["plain", "states", "single", "packed", "packed states"]


def pair(name, args, options):
    """The same layer in both libraries, in float64."""
    ours = getattr(nn, name)(*args, **options)
    theirs = getattr(torch.nn, name)(*args, **options).double()
    assert repr(ours) == repr(theirs)
    assert [(k, tuple(v.shape)) for k, v in ours.state_dict().items()] == [
        (k, tuple(v.shape)) for k, v in theirs.state_dict().items()
    ]
    ours.double().load_state_dict(theirs.state_dict())
    return ours.eval(), theirs.eval()


def flat(value):
    if isinstance(value, tuple):
        return [t for part in value if part is not None for t in flat(part)]
    return [value]


def leaf(lib, array):
    return lib.tensor(array.tolist(), dtype=lib.float64, requires_grad=True)


def first_states(layer, batch, rng):
    n = layer.num_layers * (1 + layer.bidirectional)
    shapes = [(n, *batch, layer.proj_size or layer.hidden_size)]
    if layer.mode == "LSTM":
        shapes.append((n, *batch, layer.hidden_size))
    return [rng.standard_normal(s) for s in shapes]


def compute(lib, layer, kind, x, states):
    """Outputs, gradients, and gradients of the gradients' sum of squares."""
    leaves = [leaf(lib, a) for a in (x, *states)]
    given = leaves[0] * 1
    if "packed" in kind:
        given = lib.nn.utils.rnn.pack_padded_sequence(
            *(given, [2, 4, 1]), batch_first=layer.batch_first, enforce_sorted=False
        )
    hx = None
    if states:
        hx = tuple(leaves[1:]) if len(states) > 1 else leaves[1]
    out, last = layer(given, hx)
    results = [*flat(out)[: 1 if "packed" in kind else None], *flat(last)]
    wanted = [*leaves, *layer.parameters()]
    loss = sum((t * t).sum() + t.sum() for t in results)
    first = lib.autograd.grad(loss, wanted, create_graph=True)
    second = lib.autograd.grad(sum((g * g).sum() for g in first), wanted)
    return [t.detach().numpy() for t in (*results, *first, *second)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "args", "options"), CASES)
def test_layer(name, args, options, kind):
    ours, theirs = pair(name, args, options)
    rng = np.random.default_rng(0)
    shape = (4, 3) if kind == "single" else (3, 4, 3) if ours.batch_first else (4, 3, 3)
    batch = () if kind == "single" else (3,)
    states = first_states(ours, batch, rng) if "states" in kind or kind == "single" else []
    x = rng.standard_normal(shape)
    found = compute(fb, ours, kind, x, states)
    for a, b in zip(found, compute(torch, theirs, kind, x, states), strict=True):
        assert a.shape == b.shape
        assert np.allclose(a, b, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("shape", [(4, 3), (3,)])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("RNNCell", {}),
        ("RNNCell", {"nonlinearity": "relu", "bias": False}),
        ("GRUCell", {}),
        ("LSTMCell", {}),
    ],
)
def test_cell(name, options, shape):
    ours, theirs = pair(name, (3, 5), options)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    states = [rng.standard_normal((*shape[:-1], 5)) for _ in range(2 if "LSTM" in name else 1)]
    results = []
    for lib, cell in ((fb, ours), (torch, theirs)):
        leaves = [leaf(lib, a) for a in (x, *states)]
        out = flat(cell(leaves[0], tuple(leaves[1:]) if len(states) > 1 else leaves[1]))
        again = flat(cell(leaves[0]))
        sum((t * t).sum() for t in out + again).backward()
        grads = [t.grad for t in (*leaves, *cell.parameters())]
        results.append([t.detach().numpy() for t in (*out, *again, *grads)])
    for a, b in zip(*results, strict=True):
        assert a.shape == b.shape
        assert np.allclose(a, b)


def test_dropout_between_layers_is_random_in_training_only():
    fb.manual_seed(0)
    layer = nn.GRU(3, 20, 2, dropout=0.5)
    x = fb.ones(4, 2, 3)
    assert not fb.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert fb.equal(layer(x)[0], layer(x)[0])
    with pytest.warns(UserWarning, match="num_layers"):
        nn.GRU(3, 4, dropout=0.5)


@pytest.mark.parametrize("batch_first", [True, False])
def test_packing_and_padding(batch_first):
    results = []
    for lib in (fb, torch):
        rnn = lib.nn.utils.rnn
        parts = [lib.arange(2.0 * n).reshape(n, 2) + 10 * n for n in (2, 4, 1)]
        padded = rnn.pad_sequence(parts, batch_first, -1.0)
        left = rnn.pad_sequence(parts, batch_first, padding_side="left")
        packed = rnn.pack_sequence(parts, enforce_sorted=False)
        wide, lengths = rnn.pad_packed_sequence(packed, batch_first, 7.0, 5)
        found = [padded, left, *packed, wide, lengths, *rnn.unpack_sequence(packed)]
        found += rnn.unpad_sequence(padded * 1, lengths, batch_first)
        found += [rnn.pack_padded_sequence(parts[1][:, None], lib.tensor([3])).data]
        assert packed.double().data.dtype == lib.float64
        results.append([t.tolist() for t in found])
    assert results[0] == results[1]


WRONG = {
    "4D": lambda lib: lib.nn.GRU(3, 4)(lib.ones(1, 1, 1, 3)),
    "features": lambda lib: lib.nn.LSTM(3, 4)(lib.ones(2, 1, 5)),
    "dtype": lambda lib: lib.nn.LSTM(3, 4)(lib.ones(2, 1, 3).double()),
    "no steps": lambda lib: lib.nn.GRU(3, 4)(lib.ones(0, 1, 3)),
    "state": lambda lib: lib.nn.GRU(3, 4)(lib.ones(2, 1, 3), lib.ones(1, 2, 4)),
    "state dims": lambda lib: lib.nn.GRU(3, 4)(lib.ones(2, 1, 3), lib.ones(1, 4)),
    "dropout": lambda lib: lib.nn.GRU(3, 4, dropout=2),
    "sizes": lambda lib: lib.nn.GRU(0, 4),
    "bias": lambda lib: lib.nn.GRU(3, 4, bias=1),
    "projection": lambda lib: lib.nn.GRU(3, 4, proj_size=2),
    "projection size": lambda lib: lib.nn.LSTM(3, 4, proj_size=4),
    "nonlinearity": lambda lib: lib.nn.RNN(3, 4, nonlinearity="sin"),
    "cell input": lambda lib: lib.nn.LSTMCell(3, 4)(lib.ones(1, 1, 3)),
    "cell state": lambda lib: lib.nn.GRUCell(3, 4)(lib.ones(2, 3), lib.ones(2, 5)),
    "unsorted": lambda lib: lib.nn.utils.rnn.pack_padded_sequence(lib.ones(3, 2, 1), [1, 2]),
    "lengths": lambda lib: lib.nn.utils.rnn.pack_padded_sequence(lib.ones(3, 2, 1), [1]),
    "length 0": lambda lib: lib.nn.utils.rnn.pack_padded_sequence(lib.ones(3, 1, 1), [0]),
    "no sequence": lambda lib: lib.nn.utils.rnn.pad_sequence([]),
    "total length": lambda lib: lib.nn.utils.rnn.pad_packed_sequence(
        lib.nn.utils.rnn.pack_sequence([lib.ones(3, 1)]), total_length=2
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_raise_the_type_that_pytorch_raises(name):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        WRONG[name](torch)
    with pytest.raises(caught.type):
        WRONG[name](fb)
