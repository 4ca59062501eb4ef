"""Names of PyTorch that are left out on purpose, each with the reason and what to use instead."""

from __future__ import annotations

import re

_SPARSE = "sparse tensors are left out; a dense tensor works everywhere, scipy.sparse holds data"
_QUANTIZED = "quantized tensors are left out; float16 and int8 tensors take less memory too"
_ONE_DEVICE = "it is a kernel of one device; the operation without that prefix runs on every device"
_INSIDE = "it belongs to PyTorch's compiler or C++ runtime, which this library does not have"
_ACCELERATOR = "only CPUs (device='cpu') and NVIDIA GPUs (device='cuda') are known"
_NESTED = "nested tensors are left out; pad_sequence and a mask hold sequences of several lengths"
_NARROW = "NumPy has no such type; float16, bfloat16 and the 8-bit integers are the smallest"
_STORAGE = (
    "storages are left out; x.untyped_storage() has the address and size, x.numpy() the memory"
)
_OLD = "PyTorch has removed it or is about to"

# A pattern for whole names, and what is said of them.
_PATTERNS = [
    (r".*sparse.*|spmm|dsmm|hspmm|saddmm|sspaddmm|smm|(to_)?coalesce|is_coalesced|.*_indices|"
     r"(dense|sparse)_dim|values|indices|to_dense|(.*_)?(indices|values)_copy", _SPARSE),
    (r"q_.*|qu?int\d.*|.*quant(ize|ized|ization)_?.*|dequantize|qscheme|per_(channel|tensor)_.*|"
     r"fbgemm_.*|choose_qparams_.*|int_repr|fused_moving_avg_.*|QU?Int.*", _QUANTIZED),
    (r"(cudnn|miopen|mkldnn|to_mkldnn)_?.*|batch_norm_(backward|elemt|gather|stats|update).*",
     _ONE_DEVICE),
    (r"(xpu|mps|ipu|mtia|xla|hpu|maia|vulkan)|is_vulkan_available", _ACCELERATOR),
    (r"nested.*|jagged|to_padded_tensor", _NESTED),
    (r"complex32|chalf|float8_.*|float4_.*|bits?\d.*|u?int[1-7]", _NARROW),
    (r".*Storage(Base)?|storage_type", _STORAGE),
    (r"symeig|solve|eig|lstsq|matrix_rank|legacy_contiguous_format|volatile|reinforce", _OLD),
    (r"sym_.*|Sym.*|.*(Type|Graph|Script|Module|Code|Executor|Argument|Schema|Logger).*|cond|fork|wait|"
     r"while_loop|import_ir_.*|parse_.*|merge_type.*|unify_type.*|(has|is)_(torch_function|named).*|"
     r"autocast_(in|de)crement_nesting|get_file_path|prepare_multi.*|classproperty", _INSIDE),
]  # fmt: skip

_KNOWN = [(re.compile(pattern), reason) for pattern, reason in _PATTERNS]


def reason_for(name: str) -> str:
    """Why PyTorch's ``name`` is missing and what to use; empty where nothing is known of it."""
    return next((why for pattern, why in _KNOWN if pattern.fullmatch(name)), "")


def missing(owner: str, name: str) -> AttributeError:
    """The error for a name that ``owner`` does not have."""
    why = reason_for(name)
    if not why and not name.startswith("_"):
        why = "docs/differences.md says what is left out"
    return AttributeError(
        f"{owner} has no attribute {name!r}" + (f": {why}" if why else ""), name=name
    )
