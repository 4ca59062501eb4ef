"""Every public name of PyTorch is there, or its absence says why."""

import importlib
import inspect
import types
import warnings

import pytest

import flambeau as fb

torch = pytest.importorskip("torch", reason="its names are what is looked for")

# The modules of PyTorch whose names programs use.
MODULES = [
    "torch", "torch.nn", "torch.nn.functional", "torch.nn.modules", "torch.nn.grad",
    "torch.nn.attention", "torch.nn.attention.bias", "torch.nn.init", "torch.nn.parameter",
    "torch.nn.utils", "torch.nn.utils.rnn", "torch.nn.utils.parametrize",
    "torch.nn.utils.parametrizations", "torch.nn.utils.prune", "torch.nn.utils.stateless",
    "torch.nn.parallel", "torch.nn.modules.activation", "torch.nn.modules.adaptive",
    "torch.nn.modules.batchnorm", "torch.nn.modules.channelshuffle",
    "torch.nn.modules.container", "torch.nn.modules.conv", "torch.nn.modules.distance",
    "torch.nn.modules.dropout", "torch.nn.modules.flatten", "torch.nn.modules.fold",
    "torch.nn.modules.instancenorm", "torch.nn.modules.lazy", "torch.nn.modules.linear",
    "torch.nn.modules.loss", "torch.nn.modules.module", "torch.nn.modules.normalization",
    "torch.nn.modules.padding", "torch.nn.modules.pixelshuffle", "torch.nn.modules.pooling",
    "torch.nn.modules.rnn", "torch.nn.modules.sparse", "torch.nn.modules.transformer",
    "torch.nn.modules.upsampling", "torch.nn.modules.utils", "torch.autograd",
    "torch.autograd.function", "torch.autograd.functional", "torch.autograd.grad_mode",
    "torch.autograd.graph", "torch.autograd.profiler", "torch.autograd.forward_ad",
    "torch.autograd.anomaly_mode", "torch.optim", "torch.optim.lr_scheduler",
    "torch.optim.swa_utils", "torch.utils", "torch.utils.data", "torch.utils.data.dataset",
    "torch.utils.data.dataloader", "torch.utils.data.sampler", "torch.utils.data.distributed",
    "torch.utils.benchmark", "torch.utils.hooks", "torch.utils.checkpoint",
    "torch.utils.dlpack", "torch.random", "torch.types", "torch.overrides", "torch.futures",
    "torch.profiler", "torch.functional", "torch.serialization", "torch.multiprocessing",
    "torch.testing", "torch.cuda", "torch.amp", "torch.backends", "torch.linalg", "torch.fft",
    "torch.special", "torch.jit", "torch.compiler", "torch.func", "torch.distributions",
    "torch.masked", "torch.signal", "torch.cpu", "torch.accelerator", "torch.distributed",
]  # fmt: skip


# PyTorch imports these when something needs them; from then on they are names of the package.
APPEARS_LATER = ["torch.utils.file_baton", "torch.backends.xnnpack"]


def public_names(module):
    """Its ``__all__``; without one, what it defines or takes from elsewhere in PyTorch."""
    listed = getattr(module, "__all__", None)
    if listed:
        return sorted(set(listed) - {"Tensor"})
    found = []
    for name, thing in vars(module).items():
        home = thing.__name__ if inspect.ismodule(thing) else getattr(thing, "__module__", "torch")
        ours = str(home or "torch").split(".")[0] == "torch" and name not in ("torch", "Tensor")
        if ours and not name.startswith("_") and not isinstance(thing, (types.GenericAlias, str)):
            found.append(name)
    return sorted(found)


def absent_without_reason(owner, names):
    """The names that are missing from a thing of ours without a word of why."""
    found = []
    for name in names:
        try:
            getattr(owner, name)
        except AttributeError as error:
            if ": " not in str(error) or "docs/differences.md" in str(error):
                found.append(name)
    return found


@pytest.mark.parametrize("module", MODULES)
def test_every_name_is_there_or_says_why_not(module: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in APPEARS_LATER:
            importlib.import_module(name)
        theirs = importlib.import_module(module)
        ours = importlib.import_module(module.replace("torch", "flambeau", 1))
        assert absent_without_reason(ours, public_names(theirs)) == []


def test_every_method_is_there_or_says_why_not() -> None:
    names = [n for n in dir(torch.Tensor) if not n.startswith("_")]
    assert absent_without_reason(fb.ones(2, 2, dtype=fb.complex64), names) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hub", "network"),
        ("onnx", "torch.save"),
        ("fx", "graphs"),
        ("nn.quantized", "quantized"),
        ("utils.model_zoo", "network"),
        ("utils.data.datapipes", "IterableDataset"),
        ("optim.SparseAdam", "dense"),
        ("jit.save", "state_dict"),
        ("distributed.init_process_group", "one process"),
        ("profiler.tensorboard_trace_handler", "export_chrome_trace"),
    ],
)
def test_what_is_left_out_says_what_to_use(name: str, said: str) -> None:
    *path, last = name.split(".")
    owner = fb
    for part in path:
        owner = getattr(owner, part)
    with pytest.raises(AttributeError, match=said):
        getattr(owner, last)
