"""Names of PyTorch that are left out on purpose, each with the reason and what to use instead."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

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
_NO_NETWORK = (
    "nothing here reads from the network; download the file yourself and use torch.load or "
    "nn.Module.load_state_dict"
)
_ONE_PROCESS = (
    "training over several processes or devices is left out for now; a program runs in one process "
    "on one device"
)
_GRAPHS = (
    "programs run eagerly and are not turned into graphs; flambeau.record() keeps the graph of "
    "what ran, which can be looked at"
)
_EXCHANGE = "other formats are left out for now; torch.save keeps weights, also for PyTorch to read"
_PIPES = "DataPipes are left out, as PyTorch has given them up; Dataset and IterableDataset do both"
_FUSED = "there is one way to compute attention here, which scaled_dot_product_attention takes"
_CUDA = "it belongs to CUDA's driver or to PyTorch's own allocator; CuPy manages the memory here"
_DISPATCHER = "operations are registered in Python (flambeau.ops.registry), not in C++"
_COMPILER = (
    "there is nothing to set; what torch.compile gives tells of itself: .explain(), .source()"
)
_MASKED = "MaskedTensor is left out; torch.masked has the reductions that take a mask"
_LEGACY = "it is what programs from before PyTorch 1 used"
_FILES = "it belongs to PyTorch's own reader of files; torch.save and torch.load need none of it"
_DEBUG = "it is an aid for those who develop PyTorch itself"

# Patterns of whole names, separated by spaces, and what is said of them.
_PATTERNS = [
    (
        _NO_NETWORK,
        r"""
        hub model_zoo load_url download_url_to_file load_state_dict_from_url
        """,
    ),
    (
        _ONE_PROCESS,
        r"""
        distributed DistributedDataParallel(CPU)? rpc elastic replicate scatter_gather comm
        dist parallel_apply nccl ProcessContext distributed_.*
        """,
    ),
    (
        _GRAPHS,
        r"""
        fx export package _dynamo _inductor functionalize rearrange symbolic_trace
        """,
    ),
    (
        _EXCHANGE,
        r"""
        onnx mobile_optimizer tensorrt
        """,
    ),
    (
        _QUANTIZED,
        r"""
        ao intrinsic qat quantizable
        """,
    ),
    (
        _DISPATCHER,
        r"""
        library ops classes _ops _library Tag PRIVATE_OPS DispatchKey(Set)? Exclude.*Guard
        cpp_extension cpp contrib file_baton
        """,
    ),
    (
        _PIPES,
        r"""
        .*[dD]ata[pP]ipes?.* DataChunk argument_validation runtime_validation.*
        non_deterministic guaranteed_datapipes_determinism graph_settings
        """,
    ),
    (
        _FUSED,
        r"""
        .*_flash_attention.* can_use_.* SDPAParams WARN_FOR_UNFUSED_KERNELS flex_attention
        varlen
        """,
    ),
    (
        _MASKED,
        r"""
        .*[mM]askedtensor .*masked_tensor MaskedTensor
        """,
    ),
    (
        _SPARSE,
        r"""
        .*sparse.* spmm dsmm hspmm hsmm saddmm sspaddmm smm (to_)?coalesce is_coalesced
        .*_indices (dense|sparse)_dim values indices to_dense (.*_)?(indices|values)_copy
        slice_inverse
        """,
    ),
    (
        _QUANTIZED,
        r"""
        q_.* qu?int\d.* .*quant(ize|ized|ization)_?.* dequantize qscheme
        per_(channel|tensor)_.* fbgemm_.* choose_qparams_.* int_repr fused_moving_avg_.*
        QU?Int.*
        """,
    ),
    (
        _ONE_DEVICE,
        r"""
        (cudnn|miopen|mkldnn|to_mkldnn)_?.*
        batch_norm_(backward|elemt|gather|stats|update).* mha kleidiai nnpack cusparselt
        python_native (enable_)?onednn_fusion.* wrap_numpy xnnpack scaled(_grouped)?_mm ScalingType
        SwizzleType
        """,
    ),
    (
        _ACCELERATOR,
        r"""
        (xpu|mps|ipu|mtia|xla|hpu|maia|vulkan) is_vulkan_available
        (is_|[gs]et_)?autocast_(ipu|xla).* (is|set|get)_autocast_(ipu|xla)_.* rocm has_magma
        has_half get_core_count is_macos.* .*privateuse1_backend backend_registration
        """,
    ),
    (
        _NESTED,
        r"""
        nested.* jagged to_padded_tensor as_nested_tensor narrow_(dense|nested)
        """,
    ),
    (
        _NARROW,
        r"""
        complex32 chalf float8_.* float4_.* bits?\d.* bit u?int[1-7]
        """,
    ),
    (
        _STORAGE,
        r"""
        .*Storage(Base|Context)? storage_type Storage[A-Z].*
        """,
    ),
    (
        _OLD,
        r"""
        symeig solve eig lstsq matrix_rank legacy_contiguous_format volatile reinforce
        """,
    ),
    (
        _INSIDE,
        r"""
        sym_.* Sym.* .*(Type|Graph|Script|Module|Code|Executor|Argument|Schema|Logger).*
        cond fork wait while_loop import_ir_.* parse_.* merge_type.* unify_type.* is_named.*
        has_names autocast_(in|de)crement_nesting get_file_path prepare_multi.*
        classproperty AVG SUM AliasDb Block CallStack Capsule CompilationUnit
        DeepCopyMemoTable ErrorReport ExecutionPlan FatalError FileCheck Gradient
        IODescriptor JITException Node OperatorInfo PyTorchFile.* TracingState Use Value
        USE_.* BufferDict ParameterDict compiled_with_.* init_num_threads profiler_allow_.*
        DispatchMode _?python_dispatch VariableMeta ImperativeEngine reductions
        init_reductions register_package .*reentrant_dispatch redispatch.*
        custom_function_call get_override.*
        """,
    ),
    (
        _DEBUG,
        r"""
        Benchmark.* ThroughputBenchmark throughput_benchmark bottleneck monitor collect_env
        weak flop_counter get_cpp_backtrace cpp_backtrace cmake_prefix_path backcompat
        bundled_inputs get_testing_overrides get_ignored_functions thread_safe_generator
        generate_methods_for.* set_module ProfilerConfig ProfilerEvent ProfilerState
        profiler_(legacy|util) KinetoStepTracker kineto_available ExecutionTraceObserver
        capture_logs LoggingTensorMode GraphExecGroup debug
        """,
    ),
    (
        ("PyTorch keeps it for itself; F.hardshrink and x[...] are the same"),
        r"""
        hardshrink index
        """,
    ),
    (
        ("torch.overrides has it"),
        r"""
        (handle|has)_torch_function.*
        """,
    ),
    (
        ("torch.cuda.Stream and torch.cuda.Event are those of a GPU, and its errors are CuPy's"),
        r"""
        AcceleratorError Event Stream
        """,
    ),
    (
        ("it is a helper of PyTorch's own code; what stands on it here has its own"),
        r"""
        native_norm gather scatter deterministic swap_tensors get_capabilities StreamContext
        BackwardHook get_device_states set_device_states check_backward_validity
        set_checkpoint_debug_enabled swap_in_optimizer_.* EnforceUnique MemRecordsAcc
        emit_.* load_nvprof assert_int_or_pair boolean_dispatch BroadcastingList\d .*_notes
        mkdtemp debug_unwrap GRID_SAMPLE_.* storage_to_tensor_type m align_tensors
        """,
    ),
    (
        ("torch.load runs nothing of a file, whatever classes it names"),
        r"""
        (add_|get_|clear_)?safe_globals
        """,
    ),
    (
        ("quasirandom sequences are left out; scipy.stats.qmc.Sobol draws the same"),
        r"""
        quasirandom
        """,
    ),
    (
        (
            "use prof.export_chrome_trace(path), which browsers and Perfetto open; "
            "flambeau.live() shows a recording in the notebook"
        ),
        r"""
        tensorboard_trace_handler
        """,
    ),
    (
        _INSIDE,
        r"""
        (is|set|get)_multithreading_enabled .*view_replay.* .*grad_layout_policy SavedTensor
        .*stale_.* set_warn_on_accumulate_.* region_activation_.* .*capability nvtx
        jiterator gds tunable (un)?set_sync_debug.*
        """,
    ),
    (
        ("selective checkpointing is left out; checkpoint() recomputes all of what it is given"),
        r"""
        .*[sS]elective_?[cC]heckpoint.* CheckpointPolicy SAC_IGNORED_OPS
        """,
    ),
    (
        _LEGACY,
        r"""
        NestedIOFunction InplaceFunction Container detach_variable _six FunctionMeta
        BackwardCFunction get_(numerical|analytical)_jacobian.* PackedSequence_ bind
        """,
    ),
    (
        _FILES,
        r"""
        .*(default_load_endianness|LoadEndianness|mmap_options|crc32_options|restore_location)
        location_tag normalize_storage_type validate_.*_device get_unsafe_globals.*
        check_module_version.* SourceChangeWarning skip_data get_source_lines.* MAGIC_NUMBER
        PROTOCOL_VERSION DEFAULT_PROTOCOL (LONG|INT|SHORT)_SIZE
        MAP_(PRIVATE|SHARED|LOCATION) UNSAFE_MESSAGE STORAGE.* IS_WINDOWS
        """,
    ),
]

# The same for the names of one module.
_OF = {
    "flambeau.optim": [
        (
            ("it works on sparse gradients only, and gradients are dense here; use optim.Adam"),
            r"""
            SparseAdam
            """,
        ),
    ],
    "flambeau.cuda": [
        (
            _STORAGE,
            r"""
            .*Storage
            """,
        ),
        (
            _CUDA,
            r"""
            [A-Za-z].*
            """,
        ),
    ],
    "flambeau.accelerator": [
        (
            _CUDA,
            r"""
            [A-Za-z].*
            """,
        ),
    ],
    "flambeau.compiler": [
        (
            _COMPILER,
            r"""
            [A-Za-z].*
            """,
        ),
    ],
    "flambeau.jit": [
        (
            ("programs are not saved; save the state_dict() and build the module from its class"),
            r"""
            save load
            """,
        ),
        (
            _INSIDE,
            r"""
            [A-Za-z].*
            """,
        ),
    ],
    "flambeau.distributed": [
        (
            _ONE_PROCESS,
            r"""
            [A-Za-z].*
            """,
        ),
    ],
    "flambeau.utils.benchmark": [
        (
            ("Timer and Compare are what there is; Python's own profilers tell more"),
            r"""
            [A-Za-z].*
            """,
        ),
    ],
    "flambeau.nn.functional": [
        (
            ("torch.nn.grad has its functions"),
            r"""
            grad
            """,
        ),
    ],
    "flambeau.utils": [("they are settings of PyTorch's own file format", "serialization")],
    "flambeau.masked": [
        (
            _MASKED,
            r"""
            is_.* as_.*
            """,
        ),
    ],
}


@functools.cache
def _known(module: str) -> list[tuple[str, re.Pattern[str]]]:
    entries = (*_OF.get(module, ()), *_PATTERNS)
    return [(reason, re.compile("|".join(words.split()))) for reason, words in entries]


def reason_for(name: str, module: str = "flambeau") -> str:
    """Why PyTorch's ``name`` is missing and what to use; empty where nothing is known of it."""
    return next((why for why, pattern in _known(module) if pattern.fullmatch(name)), "")


def missing(owner: str, name: str, module: str = "flambeau") -> AttributeError:
    """The error for a name that ``owner`` does not have."""
    why = reason_for(name, module)
    if not why and not name.startswith("_"):
        why = "docs/differences.md says what is left out"
    return AttributeError(
        f"{owner} has no attribute {name!r}" + (f": {why}" if why else ""), name=name
    )


# Methods that PyTorch's tensors have and ours have not.
METHODS = """
ccol_indices chalf coalesce col_indices crow_indices dense_dim dequantize eig hardshrink index
indices int_repr ipu is_coalesced lstsq mtia q_per_channel_axis q_per_channel_scales
q_per_channel_zero_points q_scale q_zero_point qscheme reinforce resize_as_sparse_ row_indices
slice_inverse smm solve sparse_dim sparse_mask sparse_resize_ sparse_resize_and_clear_ sspaddmm
storage_type symeig to_dense to_mkldnn to_padded_tensor to_sparse to_sparse_bsc to_sparse_bsr
to_sparse_coo to_sparse_csc to_sparse_csr values xpu
"""


class LeftOut:
    """Stands on Tensor for a method that is left out, and says why when it is touched.

    A ``__getattr__`` would do that for every name, but it slows each look-up of any attribute.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        raise missing(f"{owner.__name__!r} object", self.name)


def explains(module: str) -> Callable[[str], Any]:
    """A module's ``__getattr__``, which says why a name is missing.

    A package imports its modules when they are first touched.
    """

    def __getattr__(name: str) -> Any:
        package = "__path__" in vars(sys.modules[module]) and not name.startswith("__")
        if package and find_spec(f"{module}.{name}"):
            return import_module(f"{module}.{name}")
        raise missing(f"module {module!r}", name, module)

    return __getattr__


def explain_all(package: str) -> None:
    """Has a module say why a name is missing, and so all of a package that is imported by now.

    What `flambeau` imports only when it is touched ends with this, for itself.
    """
    for name, module in list(sys.modules.items()):
        inside = name == package or name.startswith(f"{package}.")
        if inside and "__getattr__" not in vars(module):
            module.__getattr__ = explains(name)  # type: ignore[method-assign]
