"""OpenMP; mirrors ``torch.backends.openmp``."""


def is_available() -> bool:
    """Whether NumPy's linear algebra runs on several threads."""
    from ..switches import get_num_threads

    return get_num_threads() > 1
