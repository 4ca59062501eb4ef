"""Samples of activations, and of softmax and its kin."""

from op_table import FLOATS, Sample, distinct, rand, randn


def floats(*args, **kwargs):
    return Sample(*args, **kwargs).but(dtypes=FLOATS)


SAMPLES = [
    *(
        floats(f"F.{name}", distinct(3, 5))
        for name in (
            "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "silu", "gelu", "mish",
            "softplus", "hardtanh", "hardswish", "sigmoid", "logsigmoid", "tanh", "softsign",
            "tanhshrink", "softshrink", "hardshrink",
        )
    ),
    *(
        floats(f"F.{name}", rand(4, 5, low=-8, high=8))
        for name in ("relu6", "hardswish", "gelu", "silu", "mish", "softplus")
    ),
    # PyTorch multiplies by a sixth that it has rounded to float32.
    floats("F.hardsigmoid", rand(4, 5, low=-8, high=8)).but(tolerance=1e-7),
    floats("celu", distinct(3, 5)),
    floats("selu", distinct(3, 5)),
    floats("threshold", distinct(3, 5), 0.3, 20),
    floats("F.leaky_relu", distinct(3, 4), 0.2),
    floats("F.leaky_relu", distinct(3, 4), -0.5),
    floats("F.elu", distinct(3, 4), alpha=0.5),
    floats("F.celu", distinct(3, 4), alpha=2.0),
    floats("F.gelu", distinct(3, 4), approximate="tanh"),
    floats("F.softplus", distinct(3, 4), 2.0, 1.1),
    floats("F.hardtanh", distinct(3, 4), -0.7, 1.3),
    floats("F.softshrink", distinct(3, 4), 0.3),
    floats("F.hardshrink", distinct(3, 4), lambd=0.9),
    floats("F.threshold", distinct(3, 4), 0.3, -2.0),
    floats("F.rrelu_", distinct(3, 4), 0.2, 0.3).but(grad=False),
    floats("rrelu_", distinct(3, 4), 0.2, 0.3).but(grad=False),
    floats("rrelu", distinct(3, 4), 0.2, 0.3),
    floats("F.prelu", distinct(3, 4), rand(4)),
    floats("F.prelu", distinct(2, 3, 4), rand(3)),
    floats("F.prelu", distinct(2, 3, 4), rand(1)),
    floats("F.glu", randn(3, 4)),
    floats("F.glu", randn(4, 3), dim=0),
    floats("softmax", randn(3, 4), dim=1),
    floats("softmax", randn(2, 3, 4), 0),
    floats("softmax", randn(), dim=0),
    floats("log_softmax", randn(3, 4), dim=-1),
    floats("log_softmax", randn(2, 3, 4), dim=1),
    floats("F.softmax", randn(0, 4), dim=0),
    floats("F.softmin", randn(3, 4), dim=0),
]  # fmt: skip
