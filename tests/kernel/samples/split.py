"""Taking apart, padding, and memory read with other steps."""

from op_table import Sample, randn


def view(*args, **kwargs):
    return Sample(*args, **kwargs).but(shares=True)


SAMPLES = [
    view("split_with_sizes", randn(5, 2), [1, 4]),
    view("unsafe_split", randn(5, 2), 2),
    view("unsafe_split_with_sizes", randn(2, 5), [2, 3], 1),
    view("unsafe_chunk", randn(5, 2), 3),
    view("slice", randn(6, 2), 0, -5, None, 2).but(torch=None),
    view("broadcast_to", randn(3, 1), (3, 4)),
    Sample("sum_to_size", randn(2, 3, 4), (3, 1)),
    Sample("broadcast_shapes", (2, 1), (3,), 1),
    Sample("constant_pad_nd", randn(2, 3), (1, 2), 0.5).but(dtypes=("float32", "float16")),
    Sample("F.pad", randn(1, 2, 5), (-1, 3), mode="circular"),
    Sample("_chunk_cat", [randn(3, 4), randn(2, 2, 2)], 0, 2).but(method=False),
    Sample("_chunk_cat", [randn(2, 3), randn(2, 5)], 1, 2).but(method=False),
    view("Tensor.unfold", randn(), 0, 1, 1),
    view("as_strided", randn(12), (3, 3), (2, 1), 1).but(layout=False),
    Sample("as_strided_scatter", randn(12), randn(2, 2), (2, 2), (4, 1), 1).but(
        layout=False, grad=False
    ),
    Sample("empty_strided", (2, 3), (1, 2)).but(random=True),
    Sample("empty_permuted", (2, 3, 4), (2, 0, 1)).but(random=True),
    Sample("new_empty_strided", randn(2), (2, 3), (3, 1)).but(random=True, grad=False),
    Sample("roll", randn(2, 3), 1, ()),
    Sample("repeat_interleave", randn(), 3),
]
