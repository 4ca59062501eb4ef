"""Names of PyTorch that are left out say why, and what to use."""

import pytest

import flambeau as fb

torch = pytest.importorskip("torch", reason="its names are what is looked for")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sparse_coo_tensor", "sparse"),
        ("quantize_per_tensor", "quantized"),
        ("cudnn_convolution", "one device"),
        ("float8_e4m3fn", "NumPy"),
        ("nested", "mask"),
        ("AliasDb", "runtime"),
    ],
)
def test_a_name_left_out_says_why(name: str, said: str) -> None:
    with pytest.raises(AttributeError, match=said) as caught:
        getattr(fb, name)
    assert name in str(caught.value)
    assert not hasattr(fb, name)


def test_a_method_left_out_says_why() -> None:
    with pytest.raises(
        AttributeError, match="'Tensor' object has no attribute 'to_sparse': sparse"
    ):
        fb.ones(2).to_sparse()


def test_a_misspelt_name_is_no_reason_to_explain() -> None:
    with pytest.raises(AttributeError, match="no attribute 'relux'"):
        fb.ones(2).relux()
