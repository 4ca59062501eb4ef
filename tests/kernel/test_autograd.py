"""The dynamic graph and the backward pass, against PyTorch's behaviour."""

import gc
import threading
import weakref

import numpy as np
import pytest

import flambeau as fb
from flambeau.autograd import Function


def leaf(*shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape)
    return fb.from_numpy(values).requires_grad_()


def test_backward_adds_to_grad_and_accumulates():
    x = leaf(3)
    (x * x).sum().backward()
    first = x.grad.clone()
    (x * x).sum().backward()
    assert np.allclose(first.numpy(), 2 * x.detach().numpy())
    assert np.allclose(x.grad.numpy(), 2 * first.numpy())


def test_a_tensor_used_twice_gets_both_gradients():
    x = leaf(4)
    y = x.exp()
    (y * y + y).sum().backward()
    e = np.exp(x.detach().numpy())
    assert np.allclose(x.grad.numpy(), (2 * e + 1) * e)


def test_grads_of_two_leaves_never_share_memory():
    x, y = leaf(3), leaf(3, seed=1)
    (x + y).backward(fb.ones(3, dtype=fb.float64))
    x.grad += 1
    assert np.allclose(y.grad.numpy(), 1)


def test_only_scalars_start_a_backward_by_themselves():
    with pytest.raises(RuntimeError, match="scalar outputs"):
        (leaf(3) * 2).backward()
    with pytest.raises(RuntimeError, match="does not require grad"):
        fb.ones(1).backward()
    with pytest.raises(RuntimeError, match=r"[Mm]ismatch in shape"):
        (leaf(3) * 2).backward(fb.ones(2, dtype=fb.float64))


def test_second_backward_needs_retain_graph():
    x = leaf(3)
    y = x.exp().sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()


def test_grad_returns_gradients_and_touches_no_grad_field():
    x, y = leaf(3), leaf(3, seed=1)
    gx, gy = fb.autograd.grad((x * y).sum(), (x, y))
    assert np.allclose(gx.numpy(), y.detach().numpy())
    assert np.allclose(gy.numpy(), x.detach().numpy())
    assert x.grad is None
    assert y.grad is None


def test_grad_of_an_intermediate_tensor():
    x = leaf(3)
    h = x.exp()
    (g,) = fb.autograd.grad((h * h).sum(), h)
    assert np.allclose(g.numpy(), 2 * h.detach().numpy())


def test_unused_inputs_are_an_error_unless_allowed():
    x, y = leaf(3), leaf(3)
    with pytest.raises(RuntimeError, match="allow_unused"):
        fb.autograd.grad(x.sum(), (x, y), retain_graph=True)
    _, none = fb.autograd.grad(x.sum(), (x, y), allow_unused=True)
    assert none is None
    _, zeros = fb.autograd.grad(x.sum(), (x, y), materialize_grads=True)
    assert np.allclose(zeros.numpy(), 0)


def test_higher_derivatives():
    x = fb.tensor(0.7, dtype=fb.float64, requires_grad=True)
    y = x**4
    for expected in (4 * 0.7**3, 12 * 0.7**2, 24 * 0.7, 24.0):
        (y,) = fb.autograd.grad(y, x, create_graph=True)
        assert np.isclose(y.item(), expected)


def test_create_graph_in_backward():
    x = leaf(3)
    (x**3).sum().backward(create_graph=True)
    g = x.grad
    x.grad = None
    g.sum().backward()
    assert np.allclose(x.grad.numpy(), 6 * x.detach().numpy())


def test_backward_restricted_to_inputs():
    x, y = leaf(3), leaf(3)
    (x * y).sum().backward(inputs=[x])
    assert x.grad is not None
    assert y.grad is None


def test_grad_modes():
    x = leaf(3)
    with fb.no_grad():
        assert not (x * 2).requires_grad
        with fb.enable_grad():
            assert (x * 2).requires_grad
    assert (x * 2).requires_grad

    @fb.no_grad()
    def with_brackets():
        return fb.is_grad_enabled()

    @fb.no_grad
    def without_brackets():
        return fb.is_grad_enabled()

    assert not with_brackets()
    assert not without_brackets()
    with fb.set_grad_enabled(False):
        assert not fb.is_grad_enabled()
    assert fb.is_grad_enabled()
    fb.set_grad_enabled(False)
    assert not fb.is_grad_enabled()
    fb.set_grad_enabled(True)


def test_a_grad_mode_ends_when_its_block_raises():
    with pytest.raises(KeyError), fb.no_grad():
        raise KeyError
    assert fb.is_grad_enabled()


def test_inference_tensors_cannot_be_kept_for_a_backward():
    x = leaf(3)
    with fb.inference_mode():
        y = x * 2
        assert y.is_inference()
        z = y[0] + y.reshape(3)
    assert not z.requires_grad
    with pytest.raises(RuntimeError, match="inference_mode"):
        x * y


def test_grad_mode_belongs_to_its_thread():
    seen = []
    with fb.no_grad():
        t = threading.Thread(target=lambda: seen.append(fb.is_grad_enabled()))
        t.start()
        t.join()
    assert seen == [True]


def test_independent_graphs_in_threads():
    results = {}

    def work(i):
        x = leaf(50, seed=i)
        for _ in range(50):
            x.grad = None
            (x.exp() * x).sum().backward()
        v = x.detach().numpy()
        results[i] = np.allclose(x.grad.numpy(), np.exp(v) * (1 + v))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(results[i] for i in range(4))


def test_hooks_on_tensors_see_and_replace_gradients():
    x = leaf(3)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.clone()))
    handle = y.register_hook(lambda g: g * 10)
    leaf_handle = x.register_hook(lambda g: g + 1)
    y.sum().backward()
    assert np.allclose(seen[0].numpy(), 1)
    assert np.allclose(x.grad.numpy(), 21)
    handle.remove()
    leaf_handle.remove()
    x.grad = None
    (x * 2).sum().backward()
    assert np.allclose(x.grad.numpy(), 2)


def test_retain_grad_keeps_an_intermediate_gradient():
    x = leaf(3)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert np.allclose(y.grad.numpy(), 2 * y.detach().numpy())


def test_in_place_on_a_leaf_that_requires_grad_is_refused():
    x = leaf(3)
    with pytest.raises(RuntimeError, match="leaf Variable"):
        x += 1
    with pytest.raises(RuntimeError, match="view of a leaf"):
        x[0].mul_(2)
    with fb.no_grad():
        x += 1


def test_writing_over_what_backward_needs_is_noticed():
    x = leaf(3)
    y = x.exp()
    z = (y * y).sum()
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"modified by an inplace.*mul"):
        z.backward()


def test_writing_through_a_view_is_noticed():
    x = leaf(2, 3)
    y = x.exp()
    z = (y * y).sum()
    y[0].zero_()
    with pytest.raises(RuntimeError, match="inplace"):
        z.backward()


def test_in_place_that_harms_nothing_is_allowed():
    x = leaf(3)
    y = x * 2
    y.add_(1)
    y.sum().backward()
    assert np.allclose(x.grad.numpy(), 2)


def test_in_place_through_a_view_reaches_the_base():
    x, w = leaf(2, 3), leaf(3, seed=1)
    b = x * 1
    b[0].mul_(w)
    b[1] = 5.0
    b.sum().backward()
    assert np.allclose(x.grad.numpy(), [w.detach().numpy(), np.zeros(3)])
    assert np.allclose(w.grad.numpy(), x.detach().numpy()[0])


def test_a_view_taken_before_a_write_to_its_base_sees_the_gradient():
    x, w = leaf(4), leaf(4, seed=1)
    b = x * 1
    v = b[:2]
    b.mul_(w)
    v.sum().backward()
    assert np.allclose(x.grad.numpy()[:2], w.detach().numpy()[:2])
    assert np.allclose(x.grad.numpy()[2:], 0)


def test_writing_a_tracked_value_into_an_untracked_buffer():
    w = leaf(3)
    buffer = fb.zeros(2, 3, dtype=fb.float64)
    buffer[1] = w * 2
    assert buffer.requires_grad
    (buffer * 3).sum().backward()
    assert np.allclose(w.grad.numpy(), 6)


def test_deep_graphs_need_no_recursion():
    x = leaf(1)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.sum().backward()
    assert np.allclose(x.grad.numpy(), 1)
    del y  # a chain of 100,000 nodes is freed


def test_reference_counts_alone_free_a_graph():
    gc.collect()
    gc.disable()
    try:
        x = leaf(3)
        y = (x.exp() * x.tanh()).sum()
        node, array = weakref.ref(y.grad_fn), weakref.ref(y.grad_fn.next_functions[0][0])
        del y
        assert node() is None
        assert array() is None
    finally:
        gc.enable()


class Scale(Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        out = x * factor
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    def backward(ctx, g):
        x, out = ctx.saved_tensors
        assert out.shape == x.shape
        return g * ctx.factor, None


class SumAndProduct(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x + y, x * y

    @staticmethod
    def backward(ctx, gs, gp):
        x, y = ctx.saved_tensors
        return gs + gp * y, gs + gp * x


def test_custom_functions():
    x = leaf(3)
    Scale.apply(x, 3.0).sum().backward()
    assert np.allclose(x.grad.numpy(), 3)
    y = leaf(3, seed=1)
    s, p = SumAndProduct.apply(x, y)
    gx, _ = fb.autograd.grad((s + 2 * p).sum(), (x, y), create_graph=True)
    assert np.allclose(gx.detach().numpy(), 1 + 2 * y.detach().numpy())
    (second,) = fb.autograd.grad(gx.sum(), y)
    assert np.allclose(second.numpy(), 2)


def test_a_function_with_one_output_unused():
    x, y = leaf(3), leaf(3, seed=1)
    s, _ = SumAndProduct.apply(x, y)
    s.sum().backward()
    assert np.allclose(x.grad.numpy(), 1)


def test_a_backward_that_returns_too_few_gradients_is_explained():
    class Short(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(RuntimeError, match="returned 1 gradients"):
        Short.apply(leaf(2), leaf(2)).sum().backward()


def test_a_functions_graph_is_freed_by_reference_counts():
    gc.collect()
    gc.disable()
    try:
        y = Scale.apply(leaf(3), 2.0)
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_gradients_take_the_dtype_and_shape_of_their_leaf():
    x = fb.ones(3, dtype=fb.float32, requires_grad=True)
    y = fb.ones(2, 3, dtype=fb.float64, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.dtype is fb.float32
    assert x.grad.shape == (3,)
    assert y.grad.dtype is fb.float64


def test_requires_grad_is_for_floats():
    with pytest.raises(RuntimeError, match="floating point"):
        fb.ones(2, dtype=fb.int64).requires_grad_()
    y = leaf(2) * 2
    with pytest.raises(RuntimeError, match="leaf"):
        y.requires_grad_(False)


def test_second_derivatives_of_promoted_and_of_replaced_leaves():
    x = fb.ones(3, requires_grad=True)
    w = fb.full((3,), 2.0, dtype=fb.float64)
    (g,) = fb.autograd.grad((x * x * w).sum(), x, create_graph=True)
    assert g.dtype is fb.float32
    (second,) = fb.autograd.grad(g.sum(), x)
    assert np.allclose(second.numpy(), 4)
    y = (x**3).sum()
    x.data = fb.full((3,), 7.0)  # the graph still knows the old values
    (g,) = fb.autograd.grad(y, x, create_graph=True)
    assert np.allclose(g.detach().numpy(), 3)
    (second,) = fb.autograd.grad(g.sum(), x)
    assert np.allclose(second.numpy(), 6)


def test_batched_gradients():
    x = leaf(3)
    rows = fb.eye(3, dtype=fb.float64)
    (jacobian,) = fb.autograd.grad(x * x, x, rows, is_grads_batched=True)
    assert np.allclose(jacobian.numpy(), np.diag(2 * x.detach().numpy()))


def test_a_seed_of_another_type_is_cast():
    x = leaf(3)
    (x * 2).backward(fb.ones(3, dtype=fb.float32))
    assert x.grad.dtype is fb.float64
    x.backward(fb.ones(3, dtype=fb.float32))
    assert np.allclose(x.grad.numpy(), 3)
