"""How far Flambeau agrees with PyTorch, measured with PyTorch's own sample inputs.

PyTorch's wheel carries the table that its test suite runs: for each operation, module and
optimizer, sample inputs and inputs that must fail. Here both libraries get each sample, and what
comes out is compared. ``python -m tests.agreement add nn.functional.conv2d`` shows an operation,
``python -m tests.agreement`` all; ``make coverage-table`` writes ``docs/coverage.md`` from it.
"""
