"""An operation that asks for more memory than there is says so, and leaves everything as it was."""

from __future__ import annotations

import pickle

import pytest

import flambeau as fb

HUGE = 2**50  # a petabyte and more, which no machine has


@pytest.mark.parametrize(
    "call",
    [
        lambda x: fb.zeros(HUGE),
        lambda x: fb.randn(HUGE),
        lambda x: fb.arange(HUGE),
        lambda x: fb.nn.Linear(2**28, 2**28),
        lambda x: x.expand(HUGE) + 1,
        lambda x: x.expand(HUGE).clone(),
        lambda x: fb.outer(x.expand(2**26), x.expand(2**26)),
        lambda x: fb.nn.functional.pad(x, (0, HUGE)),
        lambda x: x.new_full((HUGE,), 1.0),
    ],
)
def test_too_much_memory_raises_out_of_memory_error(call: object) -> None:
    with pytest.raises(fb.OutOfMemoryError, match=r"llocate|memory") as caught:
        call(fb.ones(1))
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, MemoryError)
    assert type(pickle.loads(pickle.dumps(caught.value))) is fb.OutOfMemoryError


def test_a_size_that_cannot_be_counted_is_refused() -> None:
    with pytest.raises(RuntimeError, match="Storage size calculation overflowed"):
        fb.empty(2**62, 2**62)


def test_cuda_has_the_same_error() -> None:
    assert fb.cuda.OutOfMemoryError is fb.OutOfMemoryError


def test_nothing_changes_when_memory_runs_out() -> None:
    w = fb.ones(1, requires_grad=True)
    optimizer = fb.optim.Adam([w])
    (w * 2).sum().backward()
    optimizer.step()
    state = repr(optimizer.state_dict())
    values, version, grad = w.tolist(), w._version, w.grad.tolist()
    with fb.record() as trace:
        with pytest.raises(RuntimeError):
            fb.nn.functional.pad(w * 2, (0, HUGE)).sum().backward()
        y = w * 3
    assert y.tolist() == pytest.approx([3 * v for v in values])
    assert (w.tolist(), w._version, w.grad.tolist()) == (values, version, grad)
    assert repr(optimizer.state_dict()) == state
    assert trace is not None


class NeedsTooMuch(fb.autograd.Function):
    """Has a backward that no memory suffices for."""

    @staticmethod
    def forward(ctx: object, x: fb.Tensor) -> fb.Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: object, g: fb.Tensor) -> fb.Tensor:
        return g.new_zeros((HUGE,))


def test_a_backward_without_memory_says_so_and_the_next_one_works() -> None:
    x = fb.ones(1, requires_grad=True)
    with pytest.raises(fb.OutOfMemoryError):
        NeedsTooMuch.apply(x).sum().backward()
    assert x.grad is None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0]
