"""Lazy layers, rare layers and what helps to build them: one program, run with both libraries."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


def told(x):
    """A result that can be compared: tensors as arrays, modules as their text."""
    if isinstance(x, torch.Tensor | fb.Tensor):
        return x.detach().numpy()
    if isinstance(x, list | tuple):
        return [told(v) for v in x]
    return x if isinstance(x, int | float | str | dict | None) else repr(x)


def equal(a, b):
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and np.allclose(a, b, 1e-4, 1e-5)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return a == b


def alike(program):
    """Asserts that a program gives the same with both libraries, or raises the same error."""
    results = []
    for lib in (torch, fb):
        try:
            results.append(told(program(lib)))
        except Exception as error:
            results.append(f"raises {type(error).__name__}")
    assert equal(*results), results


def fill(module, lib):
    """Gives a module's tensors values that do not depend on the library."""
    rng = np.random.default_rng(3)
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            values = lib.tensor(rng.standard_normal(tuple(tensor.shape)))
            tensor.data = values.abs().to(tensor.dtype)
    return module


def data(lib, *shape):
    return lib.tensor(np.random.default_rng(1).standard_normal(shape).astype("float32"))


LAZY = [
    ("LazyLinear", (3,), (2, 5)),
    *((f"LazyConv{n}d", (4, 2), (2, 3, *[4] * n)) for n in (1, 2, 3)),
    *((f"LazyConvTranspose{n}d", (4, 2), (2, 3, *[4] * n)) for n in (1, 2, 3)),
    *((f"LazyBatchNorm{n}d", (), (2, 3, *[4] * n)) for n in (1, 2, 3)),
    *((f"LazyInstanceNorm{n}d", (), (2, 3, *[4] * n)) for n in (1, 2, 3)),
]


@pytest.mark.parametrize(("name", "args", "shape"), LAZY, ids=[n for n, *_ in LAZY])
def test_a_lazy_layer_becomes_an_ordinary_one(name, args, shape):
    def program(lib):
        layer = getattr(lib.nn, name)(*args)
        before = [repr(layer), list(layer.state_dict()), layer.has_uninitialized_params()]
        layer(data(lib, *shape))
        assert type(layer) is layer.cls_to_become if hasattr(layer, "cls_to_become") else True
        fill(layer, lib)
        return [*before, repr(layer), type(layer).__name__, layer(data(lib, *shape))]

    alike(program)


def test_a_lazy_layer_takes_its_shape_from_a_state_dict():
    layer = fb.nn.LazyLinear(3)
    layer.load_state_dict(fb.nn.Linear(2, 3).state_dict())
    assert layer.weight.shape == (3, 2)
    assert not layer.has_uninitialized_params()
    assert repr(layer(fb.ones(1, 2)).shape) == "torch.Size([1, 3])"
    assert type(layer) is fb.nn.Linear


def test_a_lazy_layer_is_copied_pickled_and_moved_before_it_is_run():
    net = fb.nn.Sequential(fb.nn.LazyConv2d(4, 3), fb.nn.Flatten(), fb.nn.LazyLinear(2))
    for one in (net, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert one.double()(fb.randn(2, 3, 5, 5, dtype=fb.float64)).shape == (2, 2)
        assert [type(layer).__name__ for layer in one] == ["Conv2d", "Flatten", "Linear"]


def test_an_uninitialized_parameter_says_what_it_is():
    weight = fb.nn.LazyLinear(3).weight
    assert repr(weight) == "<UninitializedParameter>"
    assert weight.dtype is fb.float32
    with pytest.raises(RuntimeError, match="Call `forward` to initialize"):
        print(weight.shape)
    with pytest.raises(ValueError, match="uninitialized parameter"):
        print(weight + 1)
    with pytest.raises(RuntimeError, match="uninitialized parameter"):
        fb.nn.Linear(2, 3).load_state_dict(fb.nn.LazyLinear(3).state_dict())
    weight.materialize((3, 2))
    assert type(weight) is fb.nn.Parameter
    assert weight.requires_grad


def test_adaptive_log_softmax():
    def program(lib):
        layer = lib.nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10, 15], 2.0, head_bias=True)
        fill(layer, lib)
        x, target = data(lib, 6, 8).requires_grad_(), lib.tensor([0, 4, 19, 12, 3, 9])
        out = layer(x, target)
        out.loss.backward()
        grads = [x.grad, *(p.grad for p in layer.parameters())]
        more = [layer.log_prob(x), layer.predict(x), *layer(x[0], target[2])]
        return [repr(layer), list(layer.state_dict()), out.output, out.loss, grads, more]

    alike(program)


@pytest.mark.parametrize("cutoffs", [[], [5, 3], [0, 3], [3, 20], [3, 3], [3.5]])
def test_cutoffs_that_do_not_fit(cutoffs):
    alike(lambda lib: lib.nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs))


@pytest.mark.parametrize("target", [[1, 2], [1, 2, 20], 1, [[1], [2], [3]]])
def test_targets_that_do_not_fit(target):
    layer = "AdaptiveLogSoftmaxWithLoss"
    alike(lambda lib: getattr(lib.nn, layer)(8, 20, [4])(data(lib, 3, 8), lib.tensor(target)))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_cross_map_normalisation(size):
    def program(lib):
        layer = lib.nn.CrossMapLRN2d(size, 0.5, 0.7, 2)
        return [repr(layer), layer(data(lib, 2, 6, 3, 3))]

    alike(program)


def test_batch_norms_become_synchronised_ones():
    def program(lib):
        n = lib.nn
        inner = n.Sequential(n.BatchNorm1d(3, affine=False, momentum=None), n.InstanceNorm2d(2))
        net = n.Sequential(n.Conv2d(1, 2, 1), n.BatchNorm2d(2), inner)
        made = n.SyncBatchNorm.convert_sync_batchnorm(net)
        return [repr(made), list(made.state_dict()), made[1](data(lib, 2, 2, 3)), made is net]

    alike(program)


def test_data_parallel_on_one_device_runs_the_module():
    net = fb.nn.DataParallel(fb.nn.Linear(2, 3))
    assert list(net.state_dict()) == ["module.weight", "module.bias"]
    assert net(fb.ones(4, 2)).shape == (4, 3)
    with pytest.raises(ValueError, match="one device"):
        fb.nn.DataParallel(fb.nn.Linear(2, 3), device_ids=[0, 1])


@pytest.mark.parametrize("options", [{}, {"output_size": 2, "output_ratio": 0.5},
                                     {"output_ratio": 1.5}, {"output_size": 3}])  # fmt: skip
def test_fractional_pools_take_a_size_or_a_ratio(options):
    alike(lambda lib: repr(lib.nn.FractionalMaxPool2d(2, **options)))


OPTIONS = [{}, {"batch_chunk_size": 0}, {"chunking_method": "x"}, {"acc_policy": "x"},
           {"chunking_method": "aspect_ratio:2"}, {"acc_dtype": 3}]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS)
def test_options_of_the_loss_of_a_last_layer(options):
    alike(lambda lib: repr(lib.nn.LinearCrossEntropyOptions(**options)))


@pytest.mark.parametrize("given", [None, {"device": 1}, {"x": 1}, {"factory_kwargs": {"x": 1}},
                                   {"factory_kwargs": {"dtype": 1}, "device": 2},
                                   {"factory_kwargs": {"dtype": 1}, "dtype": 2}])  # fmt: skip
def test_factory_kwargs(given):
    alike(lambda lib: lib.nn.factory_kwargs(given))


def test_old_names_warn():
    with pytest.warns(FutureWarning, match="normal_"):
        fb.nn.init.normal(fb.empty(2))
    with pytest.warns(FutureWarning, match="NLLLoss"):
        fb.nn.NLLLoss2d()
    with pytest.warns(FutureWarning, match="max_val"):
        assert fb.nn.Hardtanh(max_value=2).max_val == 2


def test_truncated_normal_far_from_its_mean_stays_inside():
    with pytest.warns(UserWarning, match="more than 2 std"):
        x = fb.nn.init.trunc_normal_(fb.empty(2000), 5.0, 1.0, -1.0, 1.0)
    assert x.min() >= -1 and x.max() <= 1  # noqa: PT018
    assert 0.7 < x.mean() < 0.85  # most of it lies near 1
