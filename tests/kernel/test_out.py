"""``out=``: results written into tensors that are there already, as in PyTorch."""

import warnings

import numpy as np
import pytest

import flambeau as fb


def test_the_result_is_written_and_returned() -> None:
    out = fb.empty(2, 3)
    memory = out.data_ptr()
    assert fb.add(fb.ones(2, 3), 1, out=out) is out
    assert out.data_ptr() == memory
    np.testing.assert_array_equal(out.numpy(), np.full((2, 3), 2.0))


def test_several_results_go_into_a_tuple() -> None:
    values, indices = fb.empty(0), fb.empty(0, dtype=fb.int64)
    found = fb.sort(fb.tensor([3.0, 1.0, 2.0]), out=(values, indices))
    assert found.values is values
    assert values.tolist() == [1.0, 2.0, 3.0]
    assert indices.tolist() == [1, 2, 0]


def test_lists_of_tensors_take_out() -> None:
    out = fb.empty(4)
    fb.cat([fb.zeros(2), fb.ones(2)], out=out)
    assert out.tolist() == [0.0, 0.0, 1.0, 1.0]


def test_a_view_as_out_writes_into_its_base() -> None:
    base = fb.zeros(2, 3)
    fb.exp(fb.zeros(3), out=base[1])
    assert base.tolist() == [[0.0] * 3, [1.0] * 3]


def test_another_shape_is_resized_with_a_warning() -> None:
    out = fb.empty(5)
    with pytest.warns(UserWarning, match="resized"):
        fb.neg(fb.ones(2, 2), out=out)
    assert out.shape == (2, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fb.neg(fb.ones(2, 2), out=(empty := fb.empty(0)))
    assert empty.shape == (2, 2)


def test_the_type_of_out_stays_and_must_hold_the_result() -> None:
    wide = fb.empty(2, dtype=fb.float64)
    assert fb.add(fb.ones(2), fb.ones(2), out=wide).dtype is fb.float64
    with pytest.raises(
        RuntimeError, match=r"can't be cast to the desired output type torch\.int64"
    ):
        fb.exp(fb.ones(2), out=fb.empty(2, dtype=fb.int64))
    assert fb.zeros(2, out=fb.ones(2, dtype=fb.int64)).tolist() == [0, 0]


def test_no_gradient_goes_through_out() -> None:
    x = fb.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="automatic differentiation"):
        fb.exp(x, out=fb.empty(2))
    with fb.no_grad():
        assert not fb.exp(x, out=fb.empty(2)).requires_grad


def test_writing_is_counted_so_that_a_backward_notices() -> None:
    x, out = fb.ones(2, requires_grad=True), fb.ones(2)
    y = (x * out).sum()
    fb.add(out, 1, out=out)
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        y.backward()


def test_bad_outs_are_refused() -> None:
    with pytest.raises(TypeError, match="must be a Tensor, not ndarray"):
        fb.exp(fb.ones(2), out=np.empty(2))
    with pytest.raises(RuntimeError, match="one place in memory"):
        fb.exp(fb.ones(3), out=fb.zeros(1).expand(3))
    with pytest.raises(TypeError, match="gives 2 tensors"):
        fb.sort(fb.ones(3), out=(fb.ones(3),))
