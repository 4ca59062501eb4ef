"""Other libraries: NumPy's functions, DLPack, SciPy, pandas, scikit-learn, PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as fb

X = fb.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x, axis=1),
        lambda x: np.mean(x),
        lambda x: np.max(x, axis=0, keepdims=True),
        lambda x: np.min(x),
        lambda x: np.std(x, axis=1),
        lambda x: np.var(x, ddof=1),
        lambda x: np.prod(x, axis=0),
        lambda x: np.argmax(x),
        lambda x: np.cumsum(x, axis=1),
        np.transpose,
        lambda x: np.clip(x, 1, 3),
        lambda x: np.concatenate([x, x]),
        lambda x: np.where(x > 2, x, 0),
        lambda x: np.linalg.norm(x, axis=1),
        lambda x: np.einsum("ij,kj->ik", x, x),
        np.sin,
        lambda x: np.add(x, np.ones(3)),
        lambda x: np.ones(3) + x,
        np.median,
        np.unique,
        lambda x: np.histogram(x, 3)[0],
    ],
)
def test_numpys_functions_give_what_they_give_for_arrays(call) -> None:
    found = call(X)
    np.testing.assert_allclose(np.asarray(found), call(X.numpy()), rtol=1e-6)


def test_the_gradient_survives_numpys_reductions_and_is_not_lost_silently() -> None:
    x = fb.ones(3, requires_grad=True)
    np.max(x * fb.tensor([1.0, 2.0, 3.0])).backward()
    assert x.grad.tolist() == [0.0, 0.0, 3.0]
    with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
        np.concatenate([x, x])


def test_dlpack_shares_memory_in_both_directions() -> None:
    theirs = np.from_dlpack(X)
    assert np.shares_memory(theirs, X.numpy())
    array = np.arange(4.0)
    ours = fb.from_dlpack(array)
    ours[0] = 7
    assert array[0] == 7
    assert fb.utils.dlpack.from_dlpack(ours).data_ptr() == ours.data_ptr()
    with pytest.raises(BufferError, match=r"x\.detach\(\)"):
        np.from_dlpack(fb.ones(2, requires_grad=True))
    with pytest.raises(TypeError, match="list has no __dlpack__"):
        fb.from_dlpack([1, 2])


def test_sparse_matrices_and_tables_become_tensors() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    matrix = sparse.csr_matrix(np.eye(3, dtype=np.float32))
    assert fb.tensor(matrix).tolist() == np.eye(3).tolist()
    assert fb.as_tensor(matrix).dtype is fb.float32
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert fb.tensor(table).tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert fb.tensor(table["a"], dtype=fb.float32).dtype is fb.float32
    assert pandas.Series(fb.ones(2)).tolist() == [1.0, 1.0]
    with pytest.raises((RuntimeError, TypeError), match=r"str|dtype"):
        fb.tensor(pandas.DataFrame({"a": ["x"]}))


def test_scikit_learn_takes_tensors() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    fb.manual_seed(0)
    x = fb.randn(80, 3)
    y = (x[:, 0] > 0).long()
    model = linear_model.LogisticRegression().fit(x, y)
    assert model.score(x, y) > 0.9
    metrics = pytest.importorskip("sklearn.metrics")
    assert metrics.accuracy_score(y, fb.tensor(model.predict(x))) > 0.9


def test_pytorchs_tensors_go_over_and_come_back() -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.arange(4.0)
    ours = fb.from_torch(theirs)
    ours[0] = 9
    assert theirs[0] == 9
    back = fb.to_torch(ours)
    assert back.data_ptr() == theirs.data_ptr()
    for dtype in (torch.int8, torch.bool, torch.float16, torch.complex64):
        t = torch.ones(2, dtype=dtype)
        assert torch.equal(fb.to_torch(fb.from_torch(t)), t)
    assert fb.from_torch(torch.ones(2, requires_grad=True)).requires_grad
    assert fb.to_torch(fb.ones(3).flip(0)).tolist() == [1.0] * 3
    with pytest.raises(TypeError, match="to_dense"):
        fb.from_torch(torch.eye(2).to_sparse())


def test_a_whole_state_dict_goes_both_ways() -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    ours = fb.nn.Sequential(fb.nn.Linear(3, 4), fb.nn.BatchNorm1d(4))
    ours.load_state_dict(fb.from_torch(theirs.state_dict()))
    x = torch.randn(5, 3)
    np.testing.assert_allclose(
        ours(fb.from_torch(x)).detach().numpy(), theirs(x).detach().numpy(), rtol=1e-5, atol=1e-6
    )
    theirs.load_state_dict(fb.to_torch(ours.state_dict()))
    nested = fb.from_torch({"a": [torch.ones(1), "text", (torch.zeros(1), None)]})
    assert isinstance(nested["a"][2][0], fb.Tensor)
    assert nested["a"][1] == "text"


def test_parameters_stay_parameters() -> None:
    torch = pytest.importorskip("torch")
    p = fb.from_torch(torch.nn.Parameter(torch.ones(2)))
    assert isinstance(p, fb.nn.Parameter)
    assert isinstance(fb.to_torch(p), torch.nn.Parameter)
