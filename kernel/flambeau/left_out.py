"""Names of PyTorch that are left out on purpose, each with the reason and what to use instead."""

from __future__ import annotations

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
_COMPILER = "nothing is compiled here, so there is nothing to set; torch.compile takes any program"
_MASKED = "MaskedTensor is left out; torch.masked has the reductions that take a mask"
_LEGACY = "it is what programs from before PyTorch 1 used"
_FILES = "it belongs to PyTorch's own reader of files; torch.save and torch.load need none of it"
_DEBUG = "it is an aid for those who develop PyTorch itself"

# A pattern for whole names, and what is said of them.
_PATTERNS = [
    (r"hub|model_zoo|load_url|download_url_to_file|load_state_dict_from_url", _NO_NETWORK),
    (r"distributed|DistributedDataParallel(CPU)?|rpc|elastic|replicate|scatter_gather|comm|dist|"
     r"parallel_apply|nccl|ProcessContext|distributed_.*", _ONE_PROCESS),
    (r"fx|export|package|_dynamo|_inductor|functionalize|rearrange|symbolic_trace", _GRAPHS),
    (r"onnx|mobile_optimizer|tensorrt", _EXCHANGE),
    (r"ao|intrinsic|qat|quantizable", _QUANTIZED),
    (r"library|ops|classes|_ops|_library|Tag|PRIVATE_OPS|DispatchKey(Set)?|Exclude.*Guard|"
     r"cpp_extension|cpp|contrib", _DISPATCHER),
    (r".*[dD]ata[pP]ipes?.*|DataChunk|argument_validation|runtime_validation.*|non_deterministic|"
     r"guaranteed_datapipes_determinism|graph_settings", _PIPES),
    (r".*_flash_attention.*|can_use_.*|SDPAParams|WARN_FOR_UNFUSED_KERNELS|flex_attention|varlen",
     _FUSED),
    (r".*[mM]askedtensor|.*masked_tensor|MaskedTensor", _MASKED),
    (r".*sparse.*|spmm|dsmm|hspmm|hsmm|saddmm|sspaddmm|smm|(to_)?coalesce|is_coalesced|.*_indices|"
     r"(dense|sparse)_dim|values|indices|to_dense|(.*_)?(indices|values)_copy|slice_inverse",
     _SPARSE),
    (r"q_.*|qu?int\d.*|.*quant(ize|ized|ization)_?.*|dequantize|qscheme|per_(channel|tensor)_.*|"
     r"fbgemm_.*|choose_qparams_.*|int_repr|fused_moving_avg_.*|QU?Int.*", _QUANTIZED),
    (r"(cudnn|miopen|mkldnn|to_mkldnn)_?.*|batch_norm_(backward|elemt|gather|stats|update).*|mha|"
     r"kleidiai|nnpack|cusparselt|python_native|(enable_)?onednn_fusion.*|wrap_numpy|"
     r"scaled(_grouped)?_mm|ScalingType|SwizzleType", _ONE_DEVICE),
    (r"(xpu|mps|ipu|mtia|xla|hpu|maia|vulkan)|is_vulkan_available|(is_|[gs]et_)?autocast_(ipu|"
     r"xla).*|"
     r"(is|set|get)_autocast_(ipu|xla)_.*|rocm|has_magma|has_half|get_core_count|is_macos.*|"
     r".*privateuse1_backend|backend_registration", _ACCELERATOR),
    (r"nested.*|jagged|to_padded_tensor|as_nested_tensor|narrow_(dense|nested)", _NESTED),
    (r"complex32|chalf|float8_.*|float4_.*|bits?\d.*|bit|u?int[1-7]", _NARROW),
    (r".*Storage(Base|Context)?|storage_type|Storage[A-Z].*", _STORAGE),
    (r"symeig|solve|eig|lstsq|matrix_rank|legacy_contiguous_format|volatile|reinforce", _OLD),
    (r"sym_.*|Sym.*|.*(Type|Graph|Script|Module|Code|Executor|Argument|Schema|Logger).*|cond|"
     r"fork|wait|"
     r"while_loop|import_ir_.*|parse_.*|merge_type.*|unify_type.*|is_named.*|has_names|"
     r"autocast_(in|de)crement_nesting|get_file_path|prepare_multi.*|classproperty|AVG|SUM|AliasDb|"
     r"Block|CallStack|Capsule|CompilationUnit|DeepCopyMemoTable|ErrorReport|ExecutionPlan|"
     r"FatalError|"
     r"FileCheck|Gradient|IODescriptor|JITException|Node|OperatorInfo|PyTorchFile.*|TracingState|"
     r"Use|Value|USE_.*|BufferDict|ParameterDict|compiled_with_.*|init_num_threads|"
     r"profiler_allow_.*|"
     r"DispatchMode|_?python_dispatch|VariableMeta|ImperativeEngine|reductions|init_reductions|"
     r"register_package|.*reentrant_dispatch|redispatch.*|custom_function_call|get_override.*",
     _INSIDE),
    (r"Benchmark.*|ThroughputBenchmark|throughput_benchmark|bottleneck|monitor|collect_env|weak|"
     r"flop_counter|get_cpp_backtrace|cpp_backtrace|cmake_prefix_path|backcompat|bundled_inputs|"
     r"get_testing_overrides|get_ignored_functions|thread_safe_generator|generate_methods_for.*|"
     r"set_module|ProfilerConfig|ProfilerEvent|ProfilerState|profiler_(legacy|util)|"
     r"KinetoStepTracker|"
     r"kineto_available|ExecutionTraceObserver|capture_logs|LoggingTensorMode|GraphExecGroup|debug",
     _DEBUG),
    (r"hardshrink|index", "PyTorch keeps it for itself; F.hardshrink and x[...] are the same"),
    (r"(handle|has)_torch_function.*", "torch.overrides has it"),
    (r"AcceleratorError|Event|"
     r"Stream", "torch.cuda.Stream and torch.cuda.Event are those of a GPU, and "
     "its errors are CuPy's"),
    (r"native_norm|gather|scatter|deterministic|swap_tensors|get_capabilities|StreamContext|"
     r"BackwardHook|"
     r"get_device_states|set_device_states|check_backward_validity|set_checkpoint_debug_enabled|"
     r"swap_in_optimizer_.*|EnforceUnique|MemRecordsAcc|emit_.*|load_nvprof|assert_int_or_pair|"
     r"boolean_dispatch|BroadcastingList\d|.*_notes|mkdtemp|debug_unwrap|GRID_SAMPLE_.*|"
     r"storage_to_tensor_type|m|align_tensors", "it is a helper of "
     "PyTorch's own code; what stands on it here has its own"),
    (r"(add_|get_|"
     r"clear_)?safe_globals", "torch.load runs nothing of a file, whatever classes it names"),
    (r"quasirandom", "quasirandom sequences are left out; scipy.stats.qmc.Sobol draws the same"),
    (r"tensorboard_trace_handler", "use prof.export_chrome_trace(path), which browsers and "
     "Perfetto "
     r"open; flambeau.live() shows a recording in the notebook"),
    (r"(is|set|get)_multithreading_enabled|.*view_replay.*|.*grad_layout_policy|SavedTensor|"
     r".*stale_.*|"
     r"set_warn_on_accumulate_.*|region_activation_.*|.*capability|nvtx|jiterator|gds|tunable|"
     r"(un)?set_sync_debug.*", _INSIDE),
    (r".*[sS]elective_?[cC]heckpoint.*|CheckpointPolicy|SAC_IGNORED_OPS",
     "selective checkpointing is left out; checkpoint() recomputes all of what it is given"),
    (r"NestedIOFunction|InplaceFunction|Container|detach_variable|_six|FunctionMeta|"
     r"BackwardCFunction|"
     r"get_(numerical|analytical)_jacobian.*|PackedSequence_|bind", _LEGACY),
    (r".*(default_load_endianness|LoadEndianness|mmap_options|crc32_options|restore_location)|"
     r"location_tag|"
     r"normalize_storage_type|validate_.*_device|get_unsafe_globals.*|check_module_version.*|"
     r"SourceChangeWarning|skip_data|get_source_lines.*|MAGIC_NUMBER|PROTOCOL_VERSION|"
     r"DEFAULT_PROTOCOL|"
     r"(LONG|INT|SHORT)_SIZE|MAP_(PRIVATE|SHARED|LOCATION)|UNSAFE_MESSAGE|STORAGE.*|"
     r"IS_WINDOWS", _FILES),
]  # fmt: skip

# The same for the names of one module.
_OF: dict[str, list[tuple[str, str]]] = {
    "flambeau.optim": [("SparseAdam", "it works on sparse gradients only, and gradients are "
     "dense here; "
                        "use optim.Adam")],
    "flambeau.cuda": [(r".*Storage", _STORAGE), (r"[A-Za-z].*", _CUDA)],
    "flambeau.accelerator": [(r"[A-Za-z].*", _CUDA)],
    "flambeau.compiler": [(r"[A-Za-z].*", _COMPILER)],
    "flambeau.jit": [
        (r"save|load", "programs are not saved; save the state_dict() and build the module from "
         "its class"),
        (r"[A-Za-z].*", _INSIDE),
    ],
    "flambeau.distributed": [(r"[A-Za-z].*", _ONE_PROCESS)],
    "flambeau.utils.benchmark": [(r"[A-Za-z].*", "Timer and Compare are what there is; Python's "
     "own "
                                  "profilers tell more")],
    "flambeau.nn.functional": [("grad", "torch.nn.grad has its functions")],
    "flambeau.masked": [(r"is_.*|as_.*", _MASKED)],
}  # fmt: skip


def _compiled(patterns: list[tuple[str, str]]) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(pattern), reason) for pattern, reason in patterns]


_KNOWN = _compiled(_PATTERNS)
_KNOWN_OF = {module: _compiled(patterns) for module, patterns in _OF.items()}


def reason_for(name: str, module: str = "flambeau") -> str:
    """Why PyTorch's ``name`` is missing and what to use; empty where nothing is known of it."""
    known = (*_KNOWN_OF.get(module, ()), *_KNOWN)
    return next((why for pattern, why in known if pattern.fullmatch(name)), "")


def missing(owner: str, name: str, module: str = "flambeau") -> AttributeError:
    """The error for a name that ``owner`` does not have."""
    why = reason_for(name, module)
    if not why and not name.startswith("_"):
        why = "docs/differences.md says what is left out"
    return AttributeError(
        f"{owner} has no attribute {name!r}" + (f": {why}" if why else ""), name=name
    )


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
    """Has every module of a package that is imported say why a name is missing."""
    for name, module in list(sys.modules.items()):
        if name.startswith(package + ".") and "__getattr__" not in vars(module):
            module.__getattr__ = explains(name)  # type: ignore[method-assign]
