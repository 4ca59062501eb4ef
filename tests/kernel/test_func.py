"""``torch.func`` and ``vmap`` against PyTorch."""

from __future__ import annotations

import pytest
from beside_torch import agree, randn, same_error

import flambeau as fb


def wave(x):
    return x.sin() * x.sum()


def energy(x):
    return wave(x).sum()


TRANSFORMED = {
    "grad": lambda t: t.func.grad(energy)(randn(t, 3)),
    "third derivative": lambda t: t.func.grad(t.func.grad(t.func.grad(lambda x: x.sin())))(
        t.tensor(2.0)
    ),
    "grad of several": lambda t: t.func.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(
        randn(t, 3), randn(t, 3, seed=1)
    ),
    "grad of a dict": lambda t: t.func.grad(lambda d: (d["a"] * d["b"][0]).sum())(
        {"a": randn(t, 3), "b": [randn(t, 3, seed=1)]}
    ),
    "grad with aux": lambda t: t.func.grad(lambda x: (energy(x), x * 2), has_aux=True)(randn(t, 3)),
    "grad_and_value": lambda t: t.func.grad_and_value(energy)(randn(t, 3)),
    "unused": lambda t: t.func.grad(lambda x, y: x.sum(), argnums=1)(randn(t, 3), randn(t, 2)),
    "jacrev": lambda t: t.func.jacrev(wave)(randn(t, 3)),
    "jacrev of several": lambda t: t.func.jacrev(lambda x, y: (x * y, x.sum()), argnums=(0, 1))(
        randn(t, 3), randn(t, 3, seed=1)
    ),
    "jacrev in chunks": lambda t: t.func.jacrev(lambda x: x @ x.T, chunk_size=2)(randn(t, 3, 2)),
    "jacrev of a dict": lambda t: t.func.jacrev(lambda x: {"a": x * 2, "b": x.sum()})(randn(t, 3)),
    "jacfwd": lambda t: t.func.jacfwd(wave)(randn(t, 3)),
    "jacfwd of several": lambda t: t.func.jacfwd(lambda x, y: (x * y, x.sum()), argnums=(0, 1))(
        randn(t, 3), randn(t, 3, seed=1)
    ),
    "hessian": lambda t: t.func.hessian(energy)(randn(t, 3)),
    "rev of rev": lambda t: t.func.jacrev(t.func.jacrev(energy))(randn(t, 3)),
    "rev of fwd": lambda t: t.func.jacrev(t.func.jacfwd(lambda x: x**3))(randn(t, 2, 2)),
    "jvp": lambda t: t.func.jvp(
        lambda x, y: (x * y.sin(), x),
        (randn(t, 3), randn(t, 3, seed=1)),
        (randn(t, 3, seed=2), randn(t, 3, seed=3)),
    ),
    "jvp of jvp": lambda t: t.func.jvp(
        lambda a: t.func.jvp(lambda x: x**3, (a,), (t.ones(3),))[1], (randn(t, 3),), (t.ones(3),)
    ),
    "vmap of grad": lambda t: t.vmap(t.func.grad(energy))(randn(t, 4, 3)),
    "gradients for each sample": lambda t: t.vmap(
        t.func.grad(lambda w, x, y: ((x @ w - y) ** 2).sum()), (None, 0, 0)
    )(randn(t, 3, 2), randn(t, 5, 3), randn(t, 5, 2)),
    "vmap of hessian": lambda t: t.vmap(t.func.hessian(energy))(randn(t, 4, 3)),
    "vmap of jacrev": lambda t: t.vmap(t.func.jacrev(wave))(randn(t, 4, 3)),
    "vmap of jacfwd": lambda t: t.vmap(t.func.jacfwd(wave))(randn(t, 4, 3)),
    "vmap of vmap of grad": lambda t: t.vmap(
        t.vmap(t.func.grad(lambda w, x: (x @ w).tanh().sum()), (None, 0)), (0, None)
    )(randn(t, 4, 3, 2), randn(t, 5, 3)),
    "grad of vmap of grad": lambda t: t.func.grad(
        lambda x: t.vmap(t.func.grad(lambda y: (x * y).cos().sum()))(randn(t, 4, 3, seed=7)).sum()
    )(randn(t, 3)),
}


@pytest.mark.parametrize("program", TRANSFORMED.values(), ids=TRANSFORMED)
def test_transforms_give_what_torchs_give(program):
    agree(program, graph=True)


def test_vjp_and_linearize_give_functions():
    def program(t):
        x = randn(t, 3)
        out, pull = t.func.vjp(lambda x: x.sin() * 2, x)
        both, pull_both = t.func.vjp(lambda x, y: (x.sin(), x * y), x, x * 2)
        same, push = t.func.linearize(wave, x)
        ones = t.ones(3)
        return out, pull(ones), both, pull_both((ones, ones)), same, push(ones), push(ones * 2)

    agree(program)


def test_what_is_captured_still_gets_gradients():
    def program(t):
        w = randn(t, 3, seed=4).requires_grad_()
        g = t.func.grad(lambda x: (x * w).sin().sum())(randn(t, 3))
        g.sum().backward()
        return w.grad, g

    agree(program, graph=True)


def test_no_grad_outside_keeps_the_derivative_and_drops_its_graph():
    def program(t):
        with t.no_grad():
            return t.func.grad(lambda x: (x * x).sum())(randn(t, 3).requires_grad_())

    agree(program, graph=True)


def test_gradients_of_a_convolutional_network_for_each_sample():
    def program(t):
        net = t.nn.Sequential(
            t.nn.Conv2d(1, 4, 3), t.nn.ReLU(), t.nn.MaxPool2d(2), t.nn.Flatten(), t.nn.Linear(16, 3)
        )
        for i, p in enumerate(net.parameters()):
            p.data = randn(t, *p.shape, seed=i) * 0.3
        weights = {name: p.detach() for name, p in net.named_parameters()}

        def loss(weights, x, y):
            logits = t.func.functional_call(net, weights, (x[None],))
            return t.nn.functional.cross_entropy(logits, y[None])

        classes = t.tensor([0, 1, 2, 1, 0])
        return t.vmap(t.func.grad(loss), (None, 0, 0))(weights, randn(t, 5, 1, 6, 6), classes)

    agree(program)


def test_an_ensemble_of_stacked_modules():
    def program(t):
        models = [t.nn.Linear(3, 2) for _ in range(4)]
        for i, m in enumerate(models):
            m.weight.data, m.bias.data = randn(t, 2, 3, seed=i), randn(t, 2, seed=9 + i)
        params, buffers = t.func.stack_module_state(models)

        def call(p, b, x):
            return t.func.functional_call(models[0], (p, b), (x,))

        return t.vmap(call, (0, 0, None))(params, buffers, randn(t, 5, 3))

    agree(program)


def test_functional_call_leaves_the_module_as_it_was():
    layer = fb.nn.Linear(2, 2)
    weight = layer.weight
    out = fb.func.functional_call(layer, {"weight": fb.zeros(2, 2)}, fb.ones(1, 2))
    assert fb.equal(out, layer.bias.detach()[None])
    assert layer.weight is weight
    same_error(
        lambda t: t.func.functional_call(t.nn.Linear(2, 2), {"weight": t.ones(2, 2)}, t.ones(1, 2),
                                         strict=True),
        "Missing key",
    )  # fmt: skip


def test_batch_norm_can_be_made_to_fit_vmap():
    net = fb.nn.Sequential(fb.nn.BatchNorm1d(3), fb.nn.ReLU())
    assert fb.func.replace_all_batch_norm_modules_(net) is net
    assert net[0].running_mean is None
    assert fb.vmap(net)(fb.randn(2, 4, 3)).shape == (2, 4, 3)


MAPPED = {
    "in_dims and out_dims": lambda t: t.vmap(lambda a, b: a * b, (1, None), 1)(
        randn(t, 3, 4), randn(t, 3)
    ),
    "negative dims": lambda t: t.vmap(lambda a: a.sum(), -1)(randn(t, 3, 4)),
    "nested structures": lambda t: t.vmap(
        lambda d, p: {"s": d["a"] + p[0], "q": (p[1], d["a"])}, ({"a": 0}, (1, None))
    )({"a": randn(t, 4)}, (randn(t, 2, 4), randn(t, 3))),
    "chunks": lambda t: t.vmap(lambda a: a * 2, chunk_size=2)(randn(t, 5, 3)),
    "nested": lambda t: t.vmap(t.vmap(lambda a, b: a * b, (0, None)), (None, 0))(
        t.arange(3.0), t.arange(4.0)
    ),
    "an output that is the same for all": lambda t: t.vmap(lambda a: t.ones(2))(randn(t, 3)),
    "indices": lambda t: t.vmap(lambda x, i: x[i])(
        randn(t, 3, 5), t.tensor([[1, 0], [4, 2], [3, 3]])
    ),
    "indices of one table": lambda t: t.vmap(lambda i: t.arange(6.0).reshape(3, 2)[i])(
        t.tensor([[1, 0], [0, 2]])
    ),
    "in place": lambda t: t.vmap(lambda x: x.clone().add_(1).mul_(x))(randn(t, 3, 2)),
    "like a slice": lambda t: t.vmap(lambda x: t.zeros_like(x).add_(x))(randn(t, 3, 2)),
    "a view written to": lambda t: t.vmap(lambda x: _written(x.clone()))(randn(t, 3, 2)),
    "scalars keep their say in types": lambda t: t.vmap(lambda a, b: a * b, (0, None))(
        t.arange(3), t.tensor([1.5, 2.0])
    ),
}  # fmt: skip


def _written(x):
    x[0] = 5.0
    return x


@pytest.mark.parametrize("program", MAPPED.values(), ids=MAPPED)
def test_vmap_gives_what_torchs_gives(program):
    agree(program)


BAD = {
    "item": lambda t: t.vmap(lambda x: x.sum().item())(t.ones(3, 2)),
    "condition": lambda t: t.vmap(lambda x: x if x.sum() > 0 else -x)(t.ones(3, 2)),
    "write into what is shared": lambda t: t.vmap(lambda x: t.zeros(2).add_(x))(t.ones(3, 2)),
    "random numbers": lambda t: t.vmap(lambda x: t.rand(2))(t.ones(3, 2)),
    "dropout": lambda t: t.vmap(lambda x: t.nn.functional.dropout(x))(t.ones(3, 2)),
    "no tensor": lambda t: t.vmap(lambda x: 3)(t.ones(3, 2)),
    "structure of in_dims": lambda t: t.vmap(lambda x: x, in_dims=(0, 0))(t.ones(3, 2)),
    "structure of out_dims": lambda t: t.vmap(lambda x: x, out_dims=(0, 0))(t.ones(3, 2)),
    "in_dim out of range": lambda t: t.vmap(lambda x: x, in_dims=2)(t.ones(3, 2)),
    "sizes": lambda t: t.vmap(lambda x, y: x)(t.ones(3, 2), t.ones(4)),
    "no inputs": lambda t: t.vmap(lambda: 1)(),
    "nothing to map": lambda t: t.vmap(lambda x: x, in_dims=None)(t.ones(3)),
    "a number": lambda t: t.vmap(lambda x: x)(3.0),
    "a name": lambda t: t.vmap(lambda x: x, in_dims="a")(t.ones(3)),
    "sizes that depend on values": lambda t: t.vmap(lambda x: x[x > 0])(
        t.tensor([[1.0, -1], [1, 1]])
    ),
    "randomness": lambda t: t.vmap(lambda x: x, randomness="z")(t.ones(3)),
    "chunk_size": lambda t: t.vmap(lambda x: x, chunk_size=0)(t.ones(3)),
    "requires_grad_": lambda t: t.vmap(lambda x: x.requires_grad_())(t.ones(3)),
    "backward": lambda t: t.vmap(lambda x: x.backward())(t.ones(3, requires_grad=True)),
    "grad of a vector": lambda t: t.func.grad(lambda x: x)(t.ones(2)),
    "grad of no tensor": lambda t: t.func.grad(lambda x: 3)(t.ones(2)),
    "grad by no tensor": lambda t: t.func.grad(lambda x: x.sum())(3.0),
    "argnums": lambda t: t.func.grad(lambda x: x.sum(), argnums=2)(t.ones(2)),
    "has_aux": lambda t: t.func.grad(lambda x: x.sum(), has_aux=True)(t.ones(2)),
    "jvp without a tuple": lambda t: t.func.jvp(lambda x: x, t.ones(2), t.ones(2)),
    "jvp of other shapes": lambda t: t.func.jvp(lambda x: x, (t.ones(2),), (t.ones(3),)),
    "jvp of other structure": lambda t: t.func.jvp(lambda x: x, (t.ones(2),), (t.ones(2),) * 2),
    "vjp of other structure": lambda t: t.func.vjp(lambda x: x, t.ones(2))[1]((t.ones(2),) * 2),
    "jacrev of no tensor": lambda t: t.func.jacrev(lambda x: 3)(t.ones(2)),
    "jacrev in no chunks": lambda t: t.func.jacrev(lambda x: x, chunk_size=-1)(t.ones(2)),
}


@pytest.mark.parametrize("program", BAD.values(), ids=BAD)
def test_misuse_raises_torchs_type_of_error(program):
    same_error(program)


@pytest.mark.parametrize("name", ["rand", "randn_like", "dropout", "bernoulli", "randperm"])
def test_randomness_is_the_same_or_different_for_each_slice(name):
    draw = {
        "rand": lambda x: fb.rand(50),
        "randn_like": lambda x: fb.randn_like(x),
        "dropout": lambda x: fb.nn.functional.dropout(x),
        "bernoulli": lambda x: fb.bernoulli(x / 2),
        "randperm": lambda x: fb.randperm(50),
    }[name]
    x = fb.ones(3, 50)
    same = fb.vmap(draw, randomness="same")(x)
    different = fb.vmap(draw, randomness="different")(x)
    assert fb.equal(same[0], same[1])
    assert same.shape == different.shape == (3, 50)
    assert not fb.equal(different[0], different[1])


def test_a_tensor_that_escaped_from_vmap_says_so():
    kept = []
    fb.vmap(lambda x: kept.append(x) or x)(fb.ones(3))
    with pytest.raises(RuntimeError, match="vmap"):
        kept[0] + 1


def test_nothing_stays_switched_on():
    from flambeau.ops import apply, registry

    with pytest.raises(ValueError, match="must only return Tensors"):
        fb.vmap(lambda x: 1)(fb.ones(3))
    assert registry.apply is apply.apply
