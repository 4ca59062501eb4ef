"""Functions of several tensors under an older name; mirrors ``torch.functional``."""

from .left_out import explains
from .ops import SPACES

_NAMES = """
atleast_1d atleast_2d atleast_3d block_diag broadcast_shapes broadcast_tensors cartesian_prod cdist
chain_matmul einsum istft lu meshgrid norm pca_lowrank split stft svd_lowrank tensordot unique
unique_consecutive unravel_index
""".split()  # noqa: SIM905  (it reads better)

globals().update({name: SPACES["fb"][name] for name in _NAMES})

__all__ = _NAMES
__getattr__ = explains(__name__)
