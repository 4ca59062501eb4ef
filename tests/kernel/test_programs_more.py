"""What teaching programs written for PyTorch lean on, run as they are with both libraries."""

from __future__ import annotations

import copy
import pickle
from collections import deque

import numpy as np
import pytest
from test_programs import agree, fill, labels, plain, wave

import flambeau

torch = pytest.importorskip("torch")

PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


@program
def value_of_one_written_as_a_row(torch):
    """A prediction of shape (1, 1) written to one place of a series, and to a row of a table."""
    net = fill(torch, torch.nn.Linear(3, 1))
    series = torch.zeros(8)
    series[:3] = torch.tensor([0.1, 0.4, -0.2])
    for i in range(3, 8):
        series[i] = net(series[i - 3 : i].clone().reshape(1, -1))
    table = torch.zeros(2, 4)
    weight = torch.ones(1, 1, 4, requires_grad=True)
    table[0] = weight * 2
    (series.sum() + (table**2).sum()).backward()
    return [series.detach(), net.weight.grad, net.bias.grad, weight.grad]


@program
def slope_of_the_slope_through_a_write(torch):
    w = torch.tensor([[2.0]], requires_grad=True)
    y = torch.zeros(3)
    y[1] = w
    (g,) = torch.autograd.grad((y**3).sum(), w, create_graph=True)
    return [g.detach(), *torch.autograd.grad(g.sum(), w)]


@program
def states_carried_from_batch_to_batch(torch):
    """Truncated backpropagation: states are detached in place and looked at by layers."""
    nn, out = torch.nn, []
    for kind in (nn.RNN, nn.GRU, nn.LSTM):
        net = fill(torch, kind(3, 4, num_layers=2, bidirectional=True))
        state = None
        for _ in range(2):
            for s in (state if isinstance(state, tuple) else (state,)) if state is not None else ():
                s.detach_()
            y, state = net(wave(torch, 5, 2, 3), state)
            net.zero_grad()
            y.square().mean().backward()
        states = state if isinstance(state, tuple) else (state,)
        out += [s.view(2, 2, 2, 4)[-1].detach() for s in states]
        out += [p.grad for p in net.parameters()]
    for kind in (nn.RNNCell, nn.GRUCell, nn.LSTMCell):
        state = fill(torch, kind(3, 4))(wave(torch, 2, 3))
        for s in state if isinstance(state, tuple) else (state,):
            out.append(s.detach_().view(-1))
    return out


@program
def relu_in_place_after_pooling(torch):
    nn, out = torch.nn, []
    for n in (1, 2, 3):
        conv, pool = getattr(nn, f"Conv{n}d"), getattr(nn, f"MaxPool{n}d")
        net = fill(torch, nn.Sequential(conv(1, 3, 3), pool(2, stride=2), nn.ReLU(True)))
        y = net(wave(torch, 2, 1, *(8,) * n))
        y.square().sum().backward()
        out += [y.detach(), *(p.grad for p in net.parameters())]
    return out


@program
def activations_written_to_afterwards(torch):
    F, out = torch.nn.functional, []
    for f in (F.leaky_relu, F.hardtanh, F.relu6, F.hardsigmoid):
        for inplace in (False, True):
            x = (wave(torch, 4, 6) * 14).requires_grad_()
            y = f(x * 1, inplace=inplace)
            y = y + 1 if inplace else y.add_(1)
            y.square().sum().backward()
            out += [y.detach(), x.grad]
    return out


@program
def tensors_of_what_programs_collect(torch):
    """Deques of rewards, losses of both kinds, NumPy's numbers among Python's."""
    made = [
        torch.tensor(deque([1.0, 2.0])),
        torch.tensor([torch.tensor(1), 2.5]),
        torch.tensor([np.float32(1), 2]),
        torch.tensor([np.int32(1), 2.0]),
        torch.tensor([1.0, np.float64(3)]),
        torch.tensor([np.float32(3), np.float64(3)]),
        torch.tensor([[1, 2.0], [True, False]]),
        torch.tensor([[], []]),
    ]
    return [*made, [str(t.dtype) for t in made]]


@program
def graph_walked_by_type_names(torch):
    x = torch.ones(2, 2, requires_grad=True)
    loss = torch.nn.functional.mse_loss((x * 3).exp(), torch.zeros(2, 2))
    names, node = [], loss.grad_fn
    while True:
        names.append(type(node).__name__)
        assert repr(node).startswith(f"<{names[-1]} object at 0x")
        if not node.next_functions:
            break
        node = node.next_functions[0][0]
    loss.backward()
    return [names, x.grad]


@program
def histogram_of_activations(torch):
    counts, edges = torch.histogram(wave(torch, 50), density=True)
    return [counts, edges]


@program
def networks_copied_and_pickled(torch):
    net = fill(torch, torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4)))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    torch.nn.functional.cross_entropy(net(wave(torch, 6, 3)), labels(torch, 6, 4)).backward()
    optimizer.step()
    other, third = copy.deepcopy(net), pickle.loads(pickle.dumps(net))
    with torch.no_grad():
        for p in other.parameters():
            p.mul_(0.5)
    x = wave(torch, 2, 3)
    return [net(x).detach(), other(x).detach(), third(x).detach(), str(third)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_gives_torchs_numbers(name):
    run = PROGRAMS[name]
    agree(plain(run(flambeau)), plain(run(torch)), name, 2e-5)
