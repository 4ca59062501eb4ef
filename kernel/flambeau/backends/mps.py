"""Apple's devices, of which there are none; mirrors ``torch.backends.mps``."""


def is_available() -> bool:
    """Always False."""
    return False


def is_built() -> bool:
    """Always False."""
    return False
