"""`nn.Module`: registration, state, calls, hooks, and names in errors."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest

import flambeau as fb
from flambeau import nn
from flambeau.errors import OpError
from flambeau.record.slot import slot

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


def make_net(lib):
    """The same small network from either library."""

    class Block(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = lib.nn.Conv2d(1, 2, 3)
            self.norm = lib.nn.BatchNorm2d(2)
            self.register_buffer("scale", lib.ones(1))
            self.register_buffer("cache", lib.zeros(3), persistent=False)

        def forward(self, x):
            return self.norm(self.conv(x)) * self.scale

    class Net(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.block1 = Block()
            self.layers = lib.nn.Sequential(lib.nn.Flatten(), lib.nn.Linear(72, 4))
            self.extra = lib.nn.Parameter(lib.ones(2))
            self.nothing = None

        def forward(self, x):
            return self.layers(self.block1(x))

    return Net()


def message(call):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        call()
    return type(caught.value).__name__, str(caught.value.args[0])


# Registration


@needs_torch
def test_names_and_order_are_pytorchs():
    ours, theirs = make_net(fb), make_net(torch)
    for listing in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        names = [[name for name, _ in getattr(net, listing)()] for net in (ours, theirs)]
        assert names[0] == names[1], listing
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)


def test_a_shared_module_counts_once():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, layer)
    assert len(list(net.parameters())) == 2
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


MISTAKES = {
    "parameter before init": lambda lib: type(
        "Net", (lib.nn.Module,), {"__init__": lambda s: setattr(s, "w", lib.nn.Parameter())}
    )(),
    "module before init": lambda lib: type(
        "Net", (lib.nn.Module,), {"__init__": lambda s: setattr(s, "m", lib.nn.ReLU())}
    )(),
    "no such attribute": lambda lib: lib.nn.Linear(1, 1).wieght,
    "tensor for a parameter": lambda lib: setattr(lib.nn.Linear(1, 1), "weight", lib.ones(1)),
    "number for a module": lambda lib: setattr(make_net(lib), "block1", 3),
    "number for a buffer": lambda lib: setattr(make_net(lib).block1, "scale", 3),
    "a dot in a name": lambda lib: lib.nn.Module().add_module("a.b", lib.nn.ReLU()),
    "an empty name": lambda lib: lib.nn.Module().register_parameter("", None),
    "a name that is taken": lambda lib: lib.nn.Linear(1, 1).register_buffer("weight", lib.ones(1)),
    "not a module": lambda lib: lib.nn.Module().add_module("a", 3),
    "no forward": lambda lib: lib.nn.Module()(1),
    "integers to()": lambda lib: lib.nn.Linear(1, 1).to(lib.int64),
    "train(3)": lambda lib: lib.nn.Linear(1, 1).train(3),
    "missing submodule": lambda lib: make_net(lib).get_submodule("block1.nope"),
    "state that is no dict": lambda lib: lib.nn.Linear(1, 1).load_state_dict([1]),
}


@needs_torch
@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_raise_what_pytorch_raises(name):
    ours, theirs = (message(lambda lib=lib: MISTAKES[name](lib)) for lib in (fb, torch))
    assert ours[0] == theirs[0]
    if "object to" not in theirs[1] and "cannot assign" not in theirs[1]:
        assert ours[1].replace("flambeau", "torch") == theirs[1]


def test_assignment_moves_names_between_spaces():
    net = nn.Module()
    net.a = 3
    net.a = nn.Parameter(fb.ones(2))
    assert "a" in dict(net.named_parameters())
    assert "a" not in net.__dict__
    net.a = None
    assert net.a is None
    assert list(net.parameters()) == []
    del net.a
    net.a = nn.ReLU()
    assert dict(net.named_children())["a"] is net.a
    del net.a
    assert not hasattr(net, "a")
    net.b = nn.Buffer(fb.ones(1), persistent=False)
    assert list(net.state_dict()) == []
    assert len(list(net.buffers())) == 1
    net.b = fb.zeros(1)
    assert float(net.get_buffer("b")[0]) == 0.0
    assert "b" in dir(net)


def test_submodules_by_name():
    net = make_net(fb)
    assert net.get_submodule("block1.conv") is net.block1.conv
    assert net.get_submodule("") is net
    assert net.get_parameter("layers.1.bias") is net.layers[1].bias
    with pytest.raises(AttributeError, match="not a buffer"):
        net.get_buffer("layers.1.bias")


# State


def test_state_dict_shares_memory_and_has_no_graph():
    layer = nn.Linear(2, 2)
    state = layer.state_dict()
    assert not state["weight"].requires_grad
    layer.weight.data.fill_(7)
    assert state["weight"].tolist() == [[7, 7], [7, 7]]
    assert layer.state_dict(keep_vars=True)["weight"] is layer.weight
    assert list(layer.state_dict(prefix="a.")) == ["a.weight", "a.bias"]


@needs_torch
def test_load_state_dict_messages():
    def bad_state(lib):
        net = make_net(lib)
        state = net.state_dict()
        del state["layers.1.bias"]
        state["surprise"] = state["wrong.place"] = lib.ones(1)
        state["block1.conv.weight"] = lib.ones(3, 3)
        state["extra"] = "text"
        return net, state

    texts = []
    for lib in (fb, torch):
        net, state = bad_state(lib)
        texts.append(message(lambda net=net, state=state: net.load_state_dict(state)))
    assert texts[0] == texts[1]
    results = []
    for lib in (fb, torch):
        net, state = bad_state(lib)
        del state["block1.conv.weight"], state["extra"]
        results.append(net.load_state_dict(state, strict=False))
    assert tuple(results[0]) == tuple(results[1])
    assert repr(results[0]) == repr(results[1])
    assert str(net.load_state_dict(net.state_dict())) == "<All keys matched successfully>"


def test_a_failed_load_changes_nothing():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    state = {k: v + 1 for k, v in before.items()}
    state["1.bias"] = fb.ones(3)
    with pytest.raises(RuntimeError, match=r"size mismatch for 1\.bias"):
        net.load_state_dict(state)
    assert all(fb.equal(before[k], v) for k, v in net.state_dict().items())


def test_load_assign_and_old_batch_norm():
    layer = nn.Linear(2, 2)
    given = {"weight": fb.ones(2, 2), "bias": nn.Parameter(fb.ones(2))}
    layer.load_state_dict(given, assign=True)
    assert layer.bias is given["bias"]
    assert isinstance(layer.weight, nn.Parameter)
    assert layer.weight.requires_grad
    norm = nn.BatchNorm1d(2)
    state = norm.state_dict()
    del state["num_batches_tracked"]  # as files from before it was counted
    assert norm.load_state_dict(dict(state)).missing_keys == []  # it tells no version


@needs_torch
def test_state_goes_both_ways_between_the_libraries():
    ours, theirs = make_net(fb), make_net(torch)
    ours.load_state_dict(theirs.state_dict())
    x = np.random.default_rng(0).standard_normal((3, 1, 8, 8)).astype(np.float32)
    a, b = ours(fb.from_numpy(x)), theirs(torch.from_numpy(x))
    assert np.allclose(a.detach().numpy(), b.detach().numpy(), atol=1e-5)
    state = {k: torch.from_numpy(np.array(v.numpy())) for k, v in ours.state_dict().items()}
    assert str(theirs.load_state_dict(state)) == "<All keys matched successfully>"


def test_extra_state_and_state_hooks():
    class Counting(nn.Linear):
        count = 3

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    a, b = Counting(1, 1), Counting(1, 1)
    b.count = 9
    state = b.state_dict()
    assert list(state) == ["weight", "bias", "_extra_state"]
    a.load_state_dict(state)
    assert a.count == 9
    with pytest.raises(RuntimeError, match="_extra_state"):
        nn.Linear(1, 1).load_state_dict(state)

    layer = nn.Linear(1, 1)
    seen = []
    layer.register_state_dict_post_hook(lambda m, s, p, md: seen.append(list(s)))
    layer.register_load_state_dict_pre_hook(lambda m, s, *_: s.update(bias=s.pop("offset")))
    layer.register_load_state_dict_post_hook(lambda m, keys: seen.append(keys.missing_keys))
    layer.load_state_dict({"weight": fb.ones(1, 1), "offset": fb.ones(1) * 5})
    assert layer.bias.item() == 5
    layer.state_dict()
    assert seen == [[], ["weight", "bias"]]


# Changing all of it


def test_to_converts_floats_only_and_keeps_parameters():
    net = make_net(fb)
    weight = net.layers[1].weight
    net(fb.ones(2, 1, 8, 8)).sum().backward()
    assert net.double() is net
    assert net.layers[1].weight is weight
    assert weight.dtype == fb.float64
    assert weight.grad.dtype == fb.float64
    assert net.block1.norm.num_batches_tracked.dtype == fb.int64
    assert net.half().extra.dtype == fb.float16
    assert net.float().extra.dtype == fb.float32
    assert net.to("cpu", fb.float64).extra.dtype == fb.float64
    assert net.to(fb.ones(1)).extra.dtype == fb.float32
    assert net.to(device="cpu", dtype=fb.float64).extra.dtype == fb.float64
    assert net.cpu().type(fb.float32).extra.dtype == fb.float32


def test_modes_gradients_and_apply():
    net = make_net(fb)
    assert not net.eval().block1.norm.training
    assert net.train().block1.norm.training
    net(fb.ones(2, 1, 8, 8)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert float(net.layers[1].weight.grad.abs().sum()) == 0
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    seen = []
    net.apply(lambda m: seen.append(type(m).__name__))
    assert seen[-1] == "Net"
    assert seen[0] == "Conv2d"


def test_copies_and_pickles():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert repr(other) == repr(net)
        assert isinstance(other[0].weight, nn.Parameter)
        assert other[0].weight.requires_grad
        other[0].weight.data.fill_(5)
        assert not fb.equal(other[0].weight, net[0].weight)
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    again = copy.deepcopy(tied)
    assert again[1].weight is again[0].weight


def test_parameter():
    x = fb.ones(3)
    p = nn.Parameter(x)
    assert p.requires_grad
    assert p.is_leaf
    assert isinstance(p, fb.Tensor)
    x.fill_(2)
    assert p.tolist() == [2, 2, 2]
    assert repr(p) == "Parameter containing:\ntensor([2., 2., 2.], requires_grad=True)"
    assert not nn.Parameter(fb.arange(3), requires_grad=False).requires_grad
    with pytest.raises(RuntimeError, match="floating point"):
        nn.Parameter(fb.arange(3))


# Hooks


def run_hooks(lib):
    """What the hooks of either library see."""
    log = []
    net = lib.nn.Sequential(lib.nn.Linear(3, 3, bias=False), lib.nn.Linear(3, 2, bias=False))
    with lib.no_grad():
        for p in net.parameters():
            p.fill_(0.5)
    first, second = net[0], net[1]

    def note(name):
        def hook(module, *rest):
            shapes = [tuple(r.shape) if hasattr(r, "shape") else type(r).__name__ for r in rest]
            log.append((name, type(module).__name__, shapes))

        return hook

    first.register_forward_pre_hook(lambda m, args: (args[0] * 2,))
    first.register_forward_hook(note("a"))
    first.register_forward_hook(note("b"), prepend=True)
    first.register_forward_hook(lambda m, args, out: out + 1)
    second.register_forward_pre_hook(lambda m, args, kw: (args, kw), with_kwargs=True)
    second.register_forward_hook(lambda m, a, kw, out: log.append(dict(kw)), with_kwargs=True)
    second.register_full_backward_pre_hook(lambda m, g: (g[0] * 3,))
    second.register_full_backward_hook(
        lambda m, gi, go: log.append((gi[0].tolist(), go[0].tolist()))
    )
    first.register_full_backward_hook(lambda m, gi, go: log.append((gi[0] is None, go[0].tolist())))
    handle = net.register_forward_hook(note("gone"))
    handle.remove()
    x = lib.ones(2, 3)
    out = net(x)
    out.sum().backward()
    grads = [p.grad.tolist() for p in net.parameters()]
    return log, out.tolist(), grads


@needs_torch
@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_hooks_see_what_pytorchs_see():
    assert run_hooks(fb) == run_hooks(torch)


def test_backward_hook_replaces_the_gradient_of_the_input():
    layer = nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 0 + 7,))
    x = fb.ones(1, 2, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.tolist() == [[7, 7]]


def test_always_called_hook_runs_after_an_error():
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError("no")

    seen = []
    net = Broken()
    net.register_forward_hook(lambda m, a, out: seen.append(out), always_call=True)
    net.register_forward_hook(lambda m, a, out: seen.append("never"))
    with pytest.raises(KeyError):
        net(1)
    assert seen == [None]
    net.register_forward_hook(lambda m, a, out: 1 / 0, always_call=True)
    with warnings.catch_warnings(record=True) as caught, pytest.raises(KeyError):
        warnings.simplefilter("always")
        net(1)
    assert "silenced" in str(caught[0].message)
    with pytest.raises(TypeError):
        net.register_forward_hook(3)


# Recorder, and names in errors


class Watcher:
    """Just enough of a recorder."""

    def __init__(self):
        self.log = []

    def enter(self, module):
        self.log.append(("enter", type(module).__name__))

    def leave(self, module):
        self.log.append(("leave", type(module).__name__))

    def __getattr__(self, name):
        return lambda *args: None


def test_recorder_is_told_of_calls_also_when_they_fail(monkeypatch):
    watcher = Watcher()
    monkeypatch.setattr(slot, "recorder", watcher)
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 3))
    with pytest.raises(RuntimeError):
        net(fb.ones(1, 2))
    names = ["Sequential", "Linear", "Linear"]
    assert [n for what, n in watcher.log if what == "enter"] == names
    assert watcher.log[-1] == ("leave", "Sequential")
    assert len(watcher.log) == 6


def path_of(call):
    with pytest.raises(OpError) as caught:
        call()
    return caught.value.path


def test_errors_name_the_module():
    net = make_net(fb)
    assert path_of(lambda: net(fb.ones(1, 2, 8, 8))) == ["net", "block1", "conv"]
    assert path_of(lambda: net(fb.ones(1, 1, 9, 9))) == ["net", "layers", "1"]
    assert path_of(lambda: make_net(fb)(fb.ones(1, 2, 8, 8))) == ["Net", "block1", "conv"]

    class Trainer:
        def __init__(self):
            self.model = make_net(fb)

        def run(self):
            return self.model(fb.ones(1, 2, 8, 8))

    assert path_of(Trainer().run) == ["self", "model", "block1", "conv"]
    layer = nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match=r"at layer, test_module.py line \d+"):
        layer(fb.ones(1, 3))
    layer.register_forward_hook(lambda *_: None)
    assert path_of(lambda: layer(fb.ones(1, 3))) == ["layer"]


def test_errors_name_modules_in_lists_and_dicts():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList([nn.Linear(2, 2), nn.Linear(3, 2)])
            self.heads = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(3, 2)})

        def forward(self, x, head):
            if head:
                return self.heads[head](x)
            for block in self.blocks:
                x = block(x)
            return x

    model = Net()
    assert path_of(lambda: model(fb.ones(1, 2), None)) == ["model", "blocks", "1"]
    assert path_of(lambda: model(fb.ones(1, 2), "b")) == ["model", "heads", "b"]


# Containers


@needs_torch
def test_containers_behave_as_pytorchs():
    def use(lib):
        n = lib.nn
        seq = n.Sequential(n.ReLU(), n.Tanh(), n.Sigmoid())
        seq.append(n.ReLU()).insert(1, n.Identity())
        seq[0] = n.Tanh()
        del seq[1:3]
        seq.extend([n.ReLU(), n.ReLU()])
        texts = [repr(seq), repr(seq[1:]), repr(seq + seq[:1]), len(seq), repr(seq.pop(0))]
        many = n.ModuleList([n.Linear(2, 2) for _ in range(4)] + [n.ReLU()])
        many.append(n.ReLU())
        many.insert(0, n.Tanh())
        many += [n.Linear(1, 1)]
        texts += [repr(many), repr(many[-1]), repr(many[1:3]), len(many), repr(n.ModuleList())]
        named = n.ModuleDict({"a": n.ReLU(), "b": n.Linear(1, 2)})
        named["c"] = n.Tanh()
        named.update([("d", n.ReLU())])
        texts += [repr(named), list(named), "a" in named, repr(named.pop("a")), list(named.keys())]
        values = n.ParameterList([lib.ones(2), n.Parameter(lib.ones(2, 3))])
        values.append(lib.ones(1))
        values += [lib.ones(4)]
        keys = [k for k, _ in values.named_parameters()]
        texts += [repr(values), len(values), keys, [tuple(v.shape) for v in values[1:]]]
        by_name = n.ParameterDict({"w": lib.ones(2), "text": "hello"})
        by_name["v"] = lib.ones(3)
        texts += [list(by_name.keys()), [k for k, _ in by_name.named_parameters()], len(by_name)]
        from collections import OrderedDict

        texts.append(repr(n.Sequential(OrderedDict(first=n.ReLU(), second=n.Tanh()))))
        return [str(t) for t in texts]

    for ours, theirs in zip(use(fb), use(torch), strict=True):
        assert ours.replace("flambeau", "torch") == theirs


def test_container_mistakes():
    with pytest.raises(IndexError):
        nn.ModuleList([nn.ReLU()])[1]
    with pytest.raises(TypeError):
        nn.ModuleList([3])
    with pytest.raises(TypeError):
        nn.Sequential(3)
    with pytest.raises(KeyError):
        nn.ModuleDict()["x"]
