"""The package opt_einsum, which is not used; mirrors ``torch.backends.opt_einsum``."""

enabled, strategy = False, None


def is_available() -> bool:
    """Always False: ``einsum`` finds its order by itself."""
    return False
