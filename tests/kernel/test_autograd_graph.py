"""Anomalies, hooks, nodes, Functions, memory and threads against PyTorch."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import warnings

import numpy as np
import pytest
from beside_torch import agree, randn, same_error

import flambeau as fb

# Anomalies


class Inner(fb.nn.Module):
    def forward(self, x):
        return x.sqrt() * 0  # the line that makes the NaN


class Outer(fb.nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Inner()

    def forward(self, x):
        return self.block(x)


def test_an_anomaly_names_the_forward_line_and_the_module():
    line = Inner.forward.__code__.co_firstlineno + 1
    net = Outer()
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with fb.autograd.detect_anomaly():
            y = net(fb.zeros(2, requires_grad=True))
            expected = rf"SqrtBackward0.*0th output.*sqrt.*block.*{__name__}.py line {line}"
            with pytest.raises(RuntimeError, match=expected):
                y.sum().backward()
    assert any("return x.sqrt() * 0" in str(w.message) for w in shown)


@pytest.mark.filterwarnings("ignore")
def test_anomaly_mode_without_nans_and_its_switches():
    x = fb.zeros(2, requires_grad=True)
    assert not fb.is_anomaly_enabled()
    with fb.autograd.detect_anomaly(check_nan=False):
        assert fb.is_anomaly_enabled()
        assert not fb.is_anomaly_check_nan_enabled()
        (x.sqrt() * 0).sum().backward()
    assert not fb.is_anomaly_enabled()
    with fb.autograd.set_detect_anomaly(True), fb.autograd.set_detect_anomaly(False):
        assert not fb.is_anomaly_enabled()
    assert not fb.is_anomaly_enabled()


@pytest.mark.filterwarnings("ignore")
def test_an_error_in_a_backward_shows_the_forward_line():
    class Fails(fb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise ValueError("broken")

    with fb.autograd.detect_anomaly():
        y = Fails.apply(fb.ones(2, requires_grad=True))
        with pytest.raises(ValueError, match=rf"broken.*Fails.*{__name__}.py line"):
            y.sum().backward()


# The graph


def test_hooks_pack_what_is_kept():
    def program(t):
        x = randn(t, 3).requires_grad_()
        packed = []

        def pack(kept):
            packed.append(1)
            return kept.detach().numpy().copy()

        with t.autograd.graph.saved_tensors_hooks(pack, lambda a: t.from_numpy(a) * 2):
            y = (x * x).sum()
        y.backward()
        return x.grad, len(packed)

    agree(program)


def test_second_derivatives_of_what_waits_on_the_cpu():
    def program(t):
        x = randn(t, 3).requires_grad_()
        with t.autograd.graph.save_on_cpu():
            y = (x.exp() * x).sum()
        (g,) = t.autograd.grad(y, x, create_graph=True)
        return g, t.autograd.grad(g.sum(), x)

    agree(program)


def test_a_functions_saved_tensors_are_packed_too():
    def program(t):
        class Square(t.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            def backward(ctx, g):
                return 2 * g * ctx.saved_tensors[0]

        x = randn(t, 3).requires_grad_()
        with t.autograd.graph.saved_tensors_hooks(lambda a: a.detach() * 10, lambda a: a):
            y = Square.apply(x)
        y.sum().backward()
        return x.grad

    agree(program)


def hooks(pack, unpack):
    def program(t):
        x = randn(t, 3).requires_grad_()
        with t.autograd.graph.saved_tensors_hooks(pack, unpack):
            y = ((x * 1) * (x * 1)).sum()
        y.backward()

    return program


def forbidden(t):
    with t.autograd.graph.disable_saved_tensors_hooks("not here"):
        hooks(lambda a: a, lambda a: a)(t)


def stale(t):
    x = randn(t, 3).requires_grad_()
    y = x * 1
    z = y * y
    t.autograd.graph.increment_version(y)
    z.sum().backward()


def test_misuse_of_the_graph():
    same_error(hooks(lambda a: a, lambda a: 3), "expected to be a Tensor")
    same_error(hooks(lambda a: a.detach().mul_(2), lambda a: a), "in place")
    same_error(forbidden, "not here")
    same_error(stale, "inplace operation")
    same_error(lambda t: t.autograd.graph.get_gradient_edge(t.ones(2)), "gradient edge")


def test_gradient_edges_stand_for_tensors():
    def program(t):
        edge = t.autograd.graph.get_gradient_edge
        x = randn(t, 4).requires_grad_()
        y = x * 2
        first, second = y.split(2)
        z = (first * 2).sum() + (second**2).sum()
        places = (edge(x), edge(y), edge(second))
        return t.autograd.grad(z, places)

    agree(program)


def test_one_hook_on_several_gradients():
    def program(t):
        x, y, w = (randn(t, 3, seed=i).requires_grad_() for i in range(3))
        found, first = [], []
        handle = t.autograd.graph.register_multi_grad_hook((x, y, w), found.append)
        once = t.autograd.graph.register_multi_grad_hook((x, y), first.append, mode="any")
        for _ in range(2):
            (x * y).sum().backward()
        handle.remove()
        once.remove()
        (x * y).sum().backward()
        assert len(found) == len(first) == 2
        assert found[0][2] is None
        return found[0][:2]

    agree(program)


def test_what_is_kept_may_be_written_to_where_that_is_allowed():
    def program(t):
        x = randn(t, 3).requires_grad_()
        with t.autograd.graph.allow_mutation_on_saved_tensors():
            y = x.exp()
            z = y * y
            y.mul_(0)
            z.sum().backward()
        return x.grad

    agree(program)


def test_hooks_on_leaves_see_the_whole_gradient_once():
    def program(t):
        x, w = randn(t, 3).requires_grad_(), randn(t, 3, seed=1).requires_grad_()
        seen = []
        x.register_hook(lambda g: seen.append(("x", g.clone())))
        w.register_hook(lambda g: seen.append(("w", g.clone())))
        w.register_hook(lambda g: g.clamp(-1, 1))  # of the sum, not of each part
        x.register_post_accumulate_grad_hook(lambda leaf: seen.append(("done", leaf.grad.clone())))
        for _ in range(2):
            y = ((x * 2) * w + x * 3 * w).sum() + x.sum()
            y.backward()
        only_w = t.autograd.grad((x * w * w).sum(), w)
        x.backward(t.ones(3))  # a backward that starts from a leaf
        return [name for name, _ in seen], [g for _, g in seen], x.grad, w.grad, only_w

    agree(program)


def test_hooks_on_nodes_see_and_replace_gradients():
    def program(t):
        x, w = randn(t, 3).requires_grad_(), randn(t, 1, seed=1).requires_grad_()
        y = x * w
        seen = []
        y.grad_fn.register_prehook(lambda outs: (outs[0] * 2,))
        y.grad_fn.register_hook(lambda ins, outs: seen.extend([ins, outs]))
        y.grad_fn.register_hook(lambda ins, outs: (ins[0] * 10, ins[1]))
        y.sum().backward()
        return seen, x.grad, w.grad

    agree(program)


def test_names_and_parents_of_nodes():
    def program(t):
        x = randn(t, 3).requires_grad_()
        y = (x * 2).exp()
        node = y.grad_fn
        node.metadata["note"] = 1
        above, number = node.next_functions[0]
        leaf, _ = above.next_functions[0]
        second = (x.split(2)[1] * 1).grad_fn.next_functions[0]
        return (node.name(), above.name(), number, leaf.name(), leaf.variable is x,
                y.grad_fn.metadata["note"], second[0].name(), second[1])  # fmt: skip

    agree(program)


# Functions


def functions(t):
    class Product(t.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x, y):
            return x * y, x + 1

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.set_materialize_grads(False)

        @staticmethod
        def backward(ctx, g, unused):
            assert unused is None
            x, y = ctx.saved_tensors
            return g * y, g * x

    class Triple(t.autograd.Function):
        @staticmethod
        def forward(x):
            return x * 3

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

        @staticmethod
        def backward(ctx, g):
            return g * 3

    class Mapped(Triple):
        @staticmethod
        def vmap(info, in_dims, x):
            assert info.batch_size == 4
            return Triple.apply(x), in_dims[0]

    return Product, Triple, Mapped


def test_functions_under_vmap():
    agree(lambda t: t.vmap(lambda x, y: functions(t)[0].apply(x, y)[0])(
        randn(t, 4, 3), randn(t, 4, 3, seed=1)))  # fmt: skip
    agree(lambda t: t.vmap(t.func.grad(lambda x: (functions(t)[2].apply(x) ** 2).sum()))(
        randn(t, 4, 3)))  # fmt: skip
    same_error(lambda t: t.vmap(functions(t)[1].apply)(t.ones(4, 3)), "vmap support")


def test_gradients_that_nothing_sent_may_stay_none():
    def program(t):
        x, y = randn(t, 3).requires_grad_(), randn(t, 3, seed=1).requires_grad_()
        functions(t)[0].apply(x, y)[0].sum().backward()
        return x.grad, y.grad

    agree(program)


def marked(t, how):
    class Marked(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            if how == "dirty":
                x.mul_(3)
                ctx.mark_dirty(x)
                return x
            y = x * 3
            if how == "constant":
                ctx.mark_non_differentiable(y)
            return y

        @staticmethod
        @t.autograd.function.once_differentiable
        def backward(ctx, g):
            return g * 3

    return Marked.apply


def test_marks():
    def program(t):
        x = randn(t, 3).requires_grad_()
        y = x * 1
        z = marked(t, "dirty")(y)
        assert z is y
        z.sum().backward()
        return x.grad, marked(t, "constant")(x).requires_grad

    agree(program)
    same_error(lambda t: marked(t, "dirty")(t.ones(2, requires_grad=True)), "leaf Variable")


def twice(t):
    x = randn(t, 3).requires_grad_()
    (g,) = t.autograd.grad(marked(t, "")(x).pow(2).sum(), x, create_graph=True)
    g.sum().backward()


def test_a_function_that_is_differentiable_once_says_so():
    same_error(twice, "once_differentiable")


# Memory and threads


def test_memory_stays_flat_without_the_garbage_collector():
    x = fb.randn(50_000, requires_grad=True)
    rows = fb.randn(4, 12_500)

    def step():
        x.grad = None
        y = (x.exp() * x.tanh()).sum()
        y.backward()
        with fb.autograd.graph.save_on_cpu():
            (x.exp() * x).sum().backward()
        fb.vmap(fb.func.grad(lambda r: (r * r).sum()))(rows)
        fb.func.jvp(lambda r: r * r, (rows,), (rows,))
        checkpoint = fb.utils.checkpoint.checkpoint
        checkpoint(lambda a: a.exp(), x, use_reentrant=False).sum().backward()

    step()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        step()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20):
            step()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    assert grown < x.nbytes  # not even one such tensor in twenty steps


def test_transforms_in_several_threads():
    results = {}

    def work(i):
        x = randn(fb, 6, 3, seed=i)
        good = []
        for _ in range(20):
            g = fb.vmap(fb.func.grad(lambda v: (v**3).sum()))(x)
            leaf = x.clone().requires_grad_()
            (leaf * leaf).sum().backward()
            good.append(np.allclose(g.numpy(), 3 * x.numpy() ** 2, rtol=1e-4))
            good.append(np.allclose(leaf.grad.numpy(), 2 * x.numpy()))
        results[i] = all(good)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == dict.fromkeys(range(4), True)
