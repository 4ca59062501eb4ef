"""`nn.utils`: one program, run with both libraries."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from test_layers_rare import alike, data, fill

import flambeau as fb

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("torch.nn.utils.prune")


def state_of(module):
    return [repr(module), list(module.state_dict()), [n for n, _ in module.named_parameters()]]


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm(dim):
    def program(lib):
        layer, utils = fill(lib.nn.Linear(3, 4), lib), lib.nn.utils
        utils.parametrizations.weight_norm(layer, dim=dim)
        layer(data(lib, 2, 3)).sum().backward()
        found = [*state_of(layer), layer.weight, [p.grad for p in layer.parameters()]]
        utils.parametrize.remove_parametrizations(layer, "weight")
        return [*found, *state_of(layer), layer.weight]

    alike(program)


def test_spectral_norm():
    def program(lib):
        layer, normalize = fill(lib.nn.Conv2d(3, 4, 3), lib), lib.nn.functional.normalize
        lib.nn.utils.parametrizations.spectral_norm(layer)
        inner = layer.parametrizations.weight[0]
        inner._u.copy_(normalize(data(lib, 4), dim=0))
        inner._v.copy_(normalize(data(lib, 27), dim=0))
        found = [layer.weight, layer.weight, layer.eval().weight]
        layer(data(lib, 1, 3, 4, 4)).sum().backward()
        return [*state_of(layer), *found, layer.parametrizations.weight.original.grad, inner._u]

    alike(program)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3)])
@pytest.mark.parametrize("kind", [None, "matrix_exp", "cayley", "householder"])
def test_orthogonal(shape, kind):
    def program(lib):
        layer = fill(lib.nn.Linear(*shape, bias=False, dtype=lib.float64), lib)
        orthogonal = lib.nn.utils.parametrizations.orthogonal
        orthogonal(layer, orthogonal_map=kind, use_trivialization=False)
        layer.weight.sum().backward()
        return [*state_of(layer), layer.weight, layer.parametrizations.weight.original.grad]

    alike(program)
    layer = fb.nn.utils.parametrizations.orthogonal(fb.nn.Linear(*shape), orthogonal_map=kind)
    w = layer.weight if shape[1] >= shape[0] else layer.weight.mT
    w = w if w.shape[0] >= w.shape[1] else w.mT
    assert np.allclose((w.mT @ w).detach(), np.eye(min(shape)), atol=1e-5)


def classes(lib):
    """Parametrizations: with an inverse, without one, from two tensors, of another shape."""

    class Symmetric(lib.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, a):
            return a.triu()

    class Double(lib.nn.Module):
        def forward(self, x):
            return x * 2

    class Sum(lib.nn.Module):
        def forward(self, a, b):
            return a + b

        def right_inverse(self, x):
            return x / 2, x / 2

    class First(lib.nn.Module):
        def forward(self, x):
            return x[0]

    return Symmetric, Double, Sum, First


def test_parametrizations_follow_one_another():
    def program(lib):
        par, layer = lib.nn.utils.parametrize, fill(lib.nn.Linear(3, 3), lib)
        symmetric, double, both, _ = classes(lib)
        par.register_parametrization(layer, "weight", symmetric())
        par.register_parametrization(layer, "weight", double())
        par.register_parametrization(layer, "bias", both())
        with par.cached():
            same = layer.weight is layer.weight
        found = [same, *state_of(layer), layer.weight, layer.bias, layer(data(lib, 1, 3))]
        other = par.transfer_parametrizations_and_params(layer, lib.nn.Linear(3, 3))
        found += [repr(other), other.weight, par.type_before_parametrizations(layer).__name__]
        par.remove_parametrizations(layer, "weight", leave_parametrized=False)
        par.remove_parametrizations(layer, "bias")
        return [*found, *state_of(layer), layer.weight, par.is_parametrized(layer)]

    alike(program)


@pytest.mark.parametrize("unsafe", [False, True])
def test_a_parametrization_keeps_the_shape(unsafe):
    def program(lib):
        layer = fill(lib.nn.Linear(3, 3), lib)
        register = lib.nn.utils.parametrize.register_parametrization
        return register(layer, "weight", classes(lib)[3](), unsafe=unsafe).weight

    alike(program)


@pytest.mark.parametrize("misuse", [
    lambda p, layer, double, both: p.remove_parametrizations(layer, "weight"),
    lambda p, layer, double, both: p.register_parametrization(layer, "no", double),
    lambda p, layer, double, both: p.ParametrizationList([], layer.weight),
    lambda p, layer, double, both: setattr(
        p.register_parametrization(layer, "bias", double), "bias", layer.bias),
    lambda p, layer, double, both: p.remove_parametrizations(
        p.register_parametrization(layer, "bias", both), "bias", leave_parametrized=False),
    lambda p, layer, double, both: pickle.dumps(p.register_parametrization(layer, "bias", double)),
])  # fmt: skip
def test_parametrizations_misused(misuse):
    def program(lib):
        _, double, both, _ = classes(lib)
        return misuse(lib.nn.utils.parametrize, lib.nn.Linear(3, 3), double(), both())

    alike(program)


def test_a_copy_is_parametrized_on_its_own():
    layer = fb.nn.utils.parametrizations.weight_norm(fb.nn.Linear(3, 3))
    other = copy.deepcopy(layer)
    fb.nn.utils.parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is fb.nn.Linear
    assert np.array_equal(other.weight.detach(), layer.weight.detach())


def test_pruning_again_prunes_what_is_left():
    def program(lib):
        layer, prune = fill(lib.nn.Linear(5, 4), lib), lib.nn.utils.prune
        found = [prune.is_pruned(layer)]
        prune.l1_unstructured(layer, "weight", 0.3)
        found += [layer.weight, *state_of(layer), prune.is_pruned(layer)]
        prune.ln_structured(layer, "weight", 1, 2, 0)
        found.append(layer.weight_mask)
        prune.l1_unstructured(layer, "weight", 3)
        layer(data(lib, 1, 5)).sum().backward()
        found += [layer.weight_mask, layer.weight_orig.grad]
        prune.remove(layer, "weight")
        prune.identity(layer, "bias")
        return [*found, *state_of(layer), layer.weight]

    alike(program)


def test_pruning_all_layers_together():
    def program(lib):
        net, prune = fill(lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Linear(4, 2)), lib), None
        prune = lib.nn.utils.prune
        pairs = [(net[0], "weight"), (net[1], "weight")]
        prune.global_unstructured(pairs, prune.L1Unstructured, amount=0.4)
        return [net[0].weight_mask, net[1].weight_mask, *state_of(net)]

    alike(program)


@pytest.mark.parametrize("amount", [1.5, -1, 100, "a"])
def test_amounts_that_do_not_fit(amount):
    alike(lambda lib: lib.nn.utils.prune.l1_unstructured(lib.nn.Linear(3, 3), "weight", amount))


def test_random_pruning_takes_as_much_as_is_asked():
    layer = fb.nn.Linear(6, 4)
    fb.nn.utils.prune.random_unstructured(layer, "weight", 0.25)
    assert layer.weight_mask.sum() == 18
    fb.nn.utils.prune.random_structured(layer, "weight", 2, 1)
    assert (layer.weight_mask.sum(0) == 0).sum() >= 2


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["Conv1d", "Conv2d", "ConvTranspose2d", "Linear"])
def test_batch_norm_fused_into_the_layer_before_it(kind, bias, affine):
    def program(lib):
        n, utils, linear = lib.nn, lib.nn.utils, kind == "Linear"
        layer = n.Linear(3, 4, bias) if linear else getattr(n, kind)(3, 4, 2, bias=bias)
        norm = (n.BatchNorm2d if "2d" in kind else n.BatchNorm1d)(4, affine=affine or linear)
        fill(layer, lib).eval(), fill(norm, lib).eval()
        shape = (2, 3) if linear else (2, 3, 5, 5) if "2d" in kind else (2, 3, 5)
        if linear:
            fused = utils.fuse_linear_bn_eval(layer, norm)
        else:
            fused = utils.fuse_conv_bn_eval(layer, norm, "Transpose" in kind)
        wants = [fused.weight.requires_grad, fused.bias.requires_grad]
        return [fused(data(lib, *shape)), norm(layer(data(lib, *shape))), wants]

    alike(program)
    alike(lambda lib: lib.nn.utils.fuse_conv_bn_eval(lib.nn.Conv1d(1, 1, 1), lib.nn.BatchNorm1d(1)))


@pytest.mark.parametrize("kind", [2.0, 1.0, 3.0, 0.5, float("inf"), -float("inf")])
def test_gradients_are_clipped(kind):
    def program(lib):
        params = [lib.nn.Parameter(data(lib, 3)), lib.nn.Parameter(data(lib, 2, 2))]
        params[0].grad, params[1].grad = lib.tensor([1.0, -2, 3]), lib.tensor([[4.0, 5], [-6, 1]])
        grads = [p.grad for p in params]
        total = lib.nn.utils.get_total_norm(grads, kind)
        lib.nn.utils.clip_grads_with_norm_(params[0], 2.0, total)
        return [total, lib.nn.utils.clip_grad_norm_(params, 2.0, kind), grads]

    alike(program)


def test_skip_init_makes_the_parameters_without_values():
    layer = fb.nn.utils.skip_init(fb.nn.Linear, 3, 4)
    assert layer.weight.shape == (4, 3)
    assert layer.weight.requires_grad
    alike(lambda lib: lib.nn.utils.skip_init(lib.nn.ReLU))
    alike(lambda lib: lib.nn.utils.skip_init(int))


@pytest.mark.parametrize("given", [
    {"a.weight": 2}, {"a.weight": 2, "b.weight": 3}, {"no": 2}, {"a.no.x": 2}, ({}, {"a.bias": 1}),
    ({"a.bias": 1}, {"a.bias": 1}),
])  # fmt: skip
@pytest.mark.parametrize("options", [{}, {"strict": True}, {"tie_weights": False}])
def test_a_module_called_with_other_parameters(given, options):
    def program(lib):
        net = lib.nn.Sequential()
        net.a, net.b = lib.nn.Linear(2, 2), lib.nn.Linear(2, 2)
        net.b.weight = net.a.weight
        fill(net, lib)

        def filled(part):
            return {k: lib.full((2,) if "bias" in k else (2, 2), float(v)) for k, v in part.items()}

        parts = tuple(map(filled, given)) if isinstance(given, tuple) else filled(given)
        call = torch.func.functional_call if lib is torch else fb.nn.utils.stateless.call_with
        return [call(net, parts, (data(lib, 1, 2),), **options), net.a.weight]

    alike(program)
