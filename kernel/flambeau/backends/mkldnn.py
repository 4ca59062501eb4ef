"""oneDNN, which is not used; mirrors ``torch.backends.mkldnn``."""

enabled, deterministic, allow_tf32 = True, False, True


def is_available() -> bool:
    """Always False."""
    return False
