"""`save` and `load`: everything comes back as it was, or a clear error says why not."""

from __future__ import annotations

import io
import os
import pickle
import random
import struct
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
import safetensors.numpy

import flambeau as fb
from flambeau import nn

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")

CLEAR = (RuntimeError, pickle.UnpicklingError, EOFError)


def there_and_back(obj, **options):
    file = io.BytesIO()
    fb.save(obj, file)
    file.seek(0)
    return fb.load(file, **options)


def saved(obj):
    file = io.BytesIO()
    fb.save(obj, file)
    return file.getvalue()


# There and back


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            True,
            3,
            -(2**70),
            1.5,
            0.1,
            float("inf"),
            -0.0,
            2 + 3j,
            "text",
            "ünïcödé\n\0",
            b"\0x",
        ),
        *(
            [1, [2, (3,)]],
            {"a": {"b": 1}, 3: "x", (1, 2): None, None: 1.5},
            {1, 2},
            frozenset("ab"),
        ),
        *(OrderedDict(z=1, a=2), Counter("aab"), fb.float16, fb.device("cuda:1"), fb.Size((2, 3))),
        *([], {}, (), set(), [[]], {"": 1}, "__metadata__", ["tensor", 0], {"a": float("-inf")}),
    ],
    ids=repr,
)
def test_plain_values(value):
    found = there_and_back(value)
    assert found == value
    assert type(found) is type(value)
    if isinstance(value, dict):
        assert list(found) == list(value)


def test_nan_and_nothing_else():
    assert np.isnan(there_and_back(float("nan")))


def test_tensors_of_every_type():
    for dtype in fb.dtypes.ALL:
        for shape in ((), (0,), (3,), (2, 0, 3), (2, 3)):
            x = (fb.randn(*shape) * 3).to(dtype)
            y = there_and_back({"x": x})["x"]
            assert y.dtype == x.dtype
            assert y.shape == x.shape
            assert y.tolist() == x.tolist()
            y.fill_(1)  # can be written to


def test_kinds_of_tensors():
    obj = {
        "plain": fb.ones(2),
        "grad": fb.ones(2, requires_grad=True),
        "parameter": nn.Parameter(fb.ones(2)),
        "frozen": nn.Parameter(fb.ones(2), requires_grad=False),
        "array": np.arange(6, dtype=np.uint16).reshape(2, 3)[:, ::2],
        "scalar": np.float32(2.5),
        "turned": fb.randn(3, 4).t(),
        "big endian": np.arange(3, dtype=">i4"),
    }
    found = there_and_back(obj)
    assert list(found) == list(obj)
    for name, value in obj.items():
        assert type(found[name]) is type(value), name
        assert np.array_equal(*(np.asarray(getattr(v, "array", v)) for v in (found[name], value)))
    assert found["grad"].requires_grad
    assert not found["plain"].requires_grad
    assert found["parameter"].requires_grad
    assert not found["frozen"].requires_grad


def test_a_computed_tensor_is_saved_as_its_values():
    x = fb.ones(2, requires_grad=True)
    found = there_and_back(x * 2)
    assert found.tolist() == [2, 2]
    assert found.is_leaf


def test_what_shares_memory_still_does():
    x = fb.arange(12.0).reshape(3, 4)
    tied = nn.Parameter(fb.ones(2))
    obj = {"x": x, "row": x[1], "column": x[:, 2], "last": x[1:, ::2], "same": x.detach()}
    found = there_and_back({**obj, "a": tied, "b": [tied]})
    for name, value in obj.items():
        assert np.array_equal(found[name].numpy(), value.numpy()), name
    found["x"].fill_(5)
    for name in obj:
        assert set(found[name].reshape(-1).tolist()) == {5.0}, name
    assert found["a"] is found["b"][0]
    size = len(saved([fb.zeros(1000, 10)[i] for i in range(1000)]))
    assert size < 40_000 + 300_000  # the memory once, and a line for each view
    assert len(saved(fb.zeros(100_000)[:3])) < 1000  # only what is seen


def test_models_and_optimizers():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    optimizer = fb.optim.Adam(net.parameters(), lr=0.01)
    schedule = fb.optim.lr_scheduler.MultiStepLR(optimizer, [2, 5])
    for _ in range(3):
        optimizer.zero_grad()
        net(fb.randn(8, 3)).pow(2).sum().backward()
        optimizer.step()
    state = {"net": net.state_dict(), "opt": optimizer.state_dict(), "lr": schedule.state_dict()}
    found = there_and_back({**state, "epoch": 3})
    other = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    other.load_state_dict(found["net"])
    again = fb.optim.Adam(other.parameters())
    again.load_state_dict(found["opt"])
    fb.optim.lr_scheduler.MultiStepLR(again, [1]).load_state_dict(found["lr"])
    x = fb.randn(8, 3)
    for n, o in ((net, optimizer), (other, again)):
        o.zero_grad()
        n(x).pow(2).sum().backward()
        o.step()
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        assert fb.equal(p, q)


def test_other_programs_can_read_it(tmp_path):
    path = tmp_path / "net.safetensors"
    net = nn.Linear(2, 3)
    fb.save(net.state_dict(), path)
    found = safetensors.numpy.load_file(path)
    assert sorted(found) == ["bias", "weight"]
    assert np.array_equal(found["weight"], net.weight.detach().numpy())
    safetensors.numpy.save_file({"a": np.ones((2, 2)), "b": np.zeros(1, bool)}, path)
    plain = fb.load(path)
    assert plain["a"].dtype == fb.float64
    assert plain["b"].tolist() == [False]


@needs_torch
def test_bfloat16_is_read_and_written(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "x.safetensors"
    save_file({"x": torch.tensor([1.5, -3.25]).bfloat16()}, path)
    found = fb.load(path)["x"]
    assert found.tolist() == [1.5, -3.25]
    assert found.dtype is fb.bfloat16
    fb.save({"x": found}, path)
    again = fb.load(path)["x"]
    assert again.tolist() == [1.5, -3.25]
    assert again.dtype is fb.bfloat16


# Files


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "x.fb"
    fb.save({"a": fb.ones(2)}, path)
    os.chmod(path, 0o640)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        fb.save({"a": fb.zeros(2), "b": object()}, path)
    assert path.read_bytes() == before

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        fb.save({"a": fb.zeros(2)}, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.fb"]
    monkeypatch.undo()
    fb.save({"a": fb.zeros(2)}, str(path))
    assert fb.load(str(path))["a"].tolist() == [0, 0]
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["x.fb"]


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    link.symlink_to(real)
    fb.save(fb.ones(1), link)
    assert link.is_symlink()
    assert fb.load(real).tolist() == [1]


def test_missing_places(tmp_path):
    with pytest.raises(RuntimeError, match="does not exist"):
        fb.save(1, tmp_path / "no" / "x")
    with pytest.raises(FileNotFoundError):
        fb.load(tmp_path / "no")
    with pytest.raises(EOFError, match="empty"):
        fb.load(io.BytesIO())
    with pytest.raises(TypeError, match="binary"):
        fb.load(io.StringIO("text"))


class Thing:
    pass


@pytest.mark.parametrize(
    ("value", "where", "name"),
    [
        (Thing(), "the object", "Thing"),
        ({"a": [1, Thing()]}, "'a.1'", "Thing"),
        ({"f": lambda: 1}, "'f'", "function"),
        (np.array([None]), "the object", "ndarray"),
        (np.array(["a"]), "the object", "ndarray"),
        ({"model": nn.Linear(1, 1)}, "'model'", r"Linear.*state_dict"),
        (type("Mine", (dict,), {})(), "the object", "Mine"),
        (range(3), "the object", "range"),
    ],
    ids=str,
)
def test_what_cannot_be_saved(value, where, name):
    with pytest.raises(TypeError, match=f"{where}.*{name}"):
        there_and_back(value)


def test_what_contains_itself_cannot_be_saved():
    loop = []
    loop.append({"again": loop})
    with pytest.raises(ValueError, match="contains itself"):
        there_and_back(loop)
    twice = [1]
    assert there_and_back([twice, twice]) == [[1], [1]]


# Damage


def sample():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    return {"net": net.state_dict(), "view": list(fb.arange(6.0).split(2)), "lr": 0.1, "n": [1, ()]}


def shown(obj):
    """Comparable."""
    if isinstance(obj, dict):
        return {k: shown(v) for k, v in obj.items()}
    if isinstance(obj, (list, tuple)):
        return [shown(v) for v in obj]
    if hasattr(obj, "detach"):
        return str(obj.dtype), tuple(obj.shape), obj.detach().cpu().tolist()
    return obj


def check_damage(data, wanted, harmless):
    """Cut off or with bits flipped: a clear error, or (where allowed) just what was saved."""
    lengths = sorted({*range(0, len(data), max(1, len(data) // 150)), *range(min(80, len(data)))})
    for n in lengths:
        with pytest.raises(CLEAR):
            fb.load(io.BytesIO(data[:n]))
    rng = random.Random(0)
    for _ in range(400):
        damaged = bytearray(data)
        at = rng.randrange(len(data))
        damaged[at] ^= 1 << rng.randrange(8)
        try:
            found = fb.load(io.BytesIO(bytes(damaged)))
        except CLEAR:
            continue
        assert harmless or shown(found) == wanted, at


def test_damage_to_our_own_files():
    obj = sample()
    check_damage(saved(obj), shown(obj), harmless=False)


@needs_torch
def test_damage_to_pytorchs_files():
    obj = {"net": torch.nn.Linear(3, 4).state_dict(), "n": [1, 2.5], "x": torch.ones(2, 3)}
    for new in (True, False):
        file = io.BytesIO()
        torch.save(obj, file, _use_new_zipfile_serialization=new)
        # The old format has no checksums: a flipped bit in a number cannot be seen.
        check_damage(file.getvalue(), shown(obj), harmless=not new)


def test_garbage():
    rng = random.Random(1)
    for n in (1, 7, 8, 9, 100, 5000):
        for start in (b"", b"PK\x03\x04", b"\x80\x02", b"\x08\0\0\0\0\0\0\0{", b"\x80\x04\x95"):
            with pytest.raises(CLEAR):
                fb.load(io.BytesIO(start + rng.randbytes(n)))


def test_lying_descriptions():
    """Right checksums, wrong contents."""
    import json
    import zlib

    arrays = {"x": np.arange(4.0)}
    good = {"kind": "Tensor", "dtype": "float64", "shape": [4], "device": "cpu"}
    good |= {"requires_grad": False, "data": "x"}

    def load_with(tree=("tensor", 0), sums=None, version="1", **changes):
        sums = {"x": zlib.crc32(arrays["x"].tobytes())} if sums is None else sums
        text = json.dumps({"tree": tree, "tensors": [good | changes], "sums": sums})
        metadata = {"format": "flambeau", "version": version, "content": text}
        metadata["sum"] = str(zlib.crc32(text.encode()))
        return fb.load(io.BytesIO(safetensors.numpy.save(arrays, metadata)))

    assert load_with().tolist() == [0, 1, 2, 3]
    for changes in (
        {"shape": [5]},
        {"shape": [-4]},
        {"dtype": "object"},
        {"dtype": "nonsense"},
        {"strides": [8], "offset": 8},
        {"strides": [-8], "offset": 0},
        {"strides": [1 << 60], "offset": 0},
        {"data": "y"},
        {"kind": "exec"},
        {"tree": ["tensor", 7]},
        {"tree": ["exec", "print()"]},
        {"tree": ["list", 3]},
        {"tree": ["dict", [[["list", []], 1]]]},
        {"tree": ["dtype", "nonsense"]},
        {"sums": {}},
        {"sums": {"x": 1}},
        {"version": "2"},
    ):
        with pytest.raises(RuntimeError):
            load_with(**changes)


# PyTorch's files


@needs_torch
@pytest.mark.parametrize("new", [True, False])
def test_files_of_pytorch(new, tmp_path):
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    shared = torch.arange(12.0).reshape(3, 4)
    obj = {
        "net": net.state_dict(),
        "shared": [shared, shared[1], shared.t()],
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "types": [torch.zeros(2, dtype=getattr(torch, d.name)) for d in fb.dtypes.ALL],
        "bfloat16": torch.tensor([1.5, 2.0]).bfloat16(),
        "grad": torch.ones(1, requires_grad=True),
        "empty": torch.zeros(0, 3),
        "plain": (1, 2.5, None, True, "s", b"bytes", {1, 2}, 2 + 1j, 10**30, -5),
        "special": [torch.Size([1, 2]), torch.float32, torch.device("cpu"), Counter("ab")],
        "numpy": [np.arange(3), np.float64(2.5), np.array(7), np.ones((2, 2), ">f4")],
    }
    path = tmp_path / "x.pt"
    torch.save(obj, path, _use_new_zipfile_serialization=new)
    found = fb.load(path)
    assert shown(found["net"]) == shown(obj["net"])
    assert type(found["net"]) is OrderedDict
    assert shown(found["shared"]) == shown(obj["shared"])
    found["shared"][0].fill_(3)
    assert found["shared"][1].tolist() == [3] * 4
    assert isinstance(found["parameter"], nn.Parameter)
    assert found["parameter"].requires_grad
    assert shown(found["types"]) == shown(obj["types"])
    assert found["bfloat16"].tolist() == [1.5, 2.0]
    assert found["bfloat16"].dtype == fb.bfloat16
    assert found["grad"].requires_grad
    assert found["empty"].shape == (0, 3)
    assert found["plain"] == obj["plain"]
    assert found["special"] == [fb.Size((1, 2)), fb.float32, fb.device("cpu"), Counter("ab")]
    for a, b in zip(found["numpy"], obj["numpy"], strict=True):
        assert np.array_equal(a, b)
        assert np.asarray(a).dtype.kind == np.asarray(b).dtype.kind


@needs_torch
def test_a_checkpoint_of_pytorch_goes_on_here(tmp_path):
    net = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    torch.save({"net": net.state_dict(), "opt": optimizer.state_dict()}, tmp_path / "c.pt")
    found = fb.load(tmp_path / "c.pt", map_location="cpu", weights_only=True)
    mine = nn.Linear(3, 2)
    assert str(mine.load_state_dict(found["net"])) == "<All keys matched successfully>"
    fb.optim.AdamW(mine.parameters()).load_state_dict(found["opt"])


@needs_torch
def test_a_whole_module_is_refused(tmp_path):
    for new in (True, False):
        torch.save(torch.nn.Linear(1, 1), tmp_path / "m.pt", _use_new_zipfile_serialization=new)
        with pytest.raises(pickle.UnpicklingError, match=r"Linear.*state_dict"):
            fb.load(tmp_path / "m.pt", weights_only=False)
    with pytest.raises(pickle.UnpicklingError, match="asks for"):
        fb.load(io.BytesIO(pickle.dumps(Thing())))


# Pickles that mean harm

MARKER = "flambeau-test-was-here"


class Bomb:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def zipped(pickled):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3")
    return file.getvalue()


def legacy(pickled):
    magic = 0x1950A86A20F9469CFC6C
    heads = [pickle.dumps(v, 2) for v in (magic, 1001, {"little_endian": True})]
    return b"".join(heads) + pickled + pickle.dumps([], 2)


def g(module, name):
    return f"c{module}\n{name}\n".encode()


HARMFUL = {
    "os.system": pickle.dumps(Bomb(os.system, f"touch {MARKER}"), 2),
    "eval": pickle.dumps(Bomb(eval, f"open({MARKER!r}, 'w')"), 4),
    "exec in a list": pickle.dumps([1, {"a": Bomb(exec, f"open({MARKER!r}, 'w')")}], 2),
    "open": pickle.dumps(Bomb(open, MARKER, "w"), 2),
    "getattr": b"\x80\x02" + g("builtins", "getattr") + b"0.",
    "named but not called": b"\x80\x02" + g("os", "system") + b".",
    "stack global": b"\x80\x04\x8c\x02os\x8c\x06system\x93.",
    "inst": b"(S'touch x'\nios\nsystem\n.",
    "obj": b"(" + g("os", "system") + b"S'x'\no.",
    "dotted": b"\x80\x04\x8c\x0bcollections\x8c\x16OrderedDict.__class__\x93.",
    "torch's own loader": b"\x80\x02" + g("torch.storage", "_load_from_bytes") + b".",
    "call a value": b"\x80\x02]U\x01a\x85R.",
    "call a dtype": b"\x80\x02" + g("torch", "float32") + b")R.",
    "newobj": b"\x80\x02" + g("numpy", "ndarray") + b")\x81.",
    "newobj_ex": b"\x80\x04" + g("collections", "OrderedDict") + b")}\x92.",
    "build on a function": b"\x80\x02" + g("torch", "Size") + b"}b.",
    "build on a class": b"\x80\x02" + g("numpy", "ndarray") + b"}U\x01aK\x01sb.",
    "build on a dict": b"\x80\x02}}b.",
    "extension registry": b"\x80\x02\x82\x01.",
    "array of objects": pickle.dumps(np.array([Bomb(os.system, "x")], dtype=object), 2),
    "dtype of objects": pickle.dumps(np.dtype("O"), 2),
    "structured dtype": pickle.dumps(np.zeros(1, [("a", "f4")]), 2),
    "append to a tuple": b"\x80\x02)K\x01a.",
    "persistent id": b"\x80\x02U\x04evilQ.",
    "old persistent id": b"\x80\x02Pevil\n.",
    "buffer": b"\x80\x05\x97.",
    "protocol": b"\x80\x63.",
}


@pytest.mark.parametrize("wrap", [bytes, zipped, legacy], ids=["plain", "zip", "legacy"])
@pytest.mark.parametrize("name", HARMFUL)
def test_harmful_pickles_are_refused(name, wrap, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError) as caught:
        fb.load(io.BytesIO(wrap(HARMFUL[name])))
    assert os.listdir(tmp_path) == []
    if name in ("os.system", "named but not called", "stack global"):
        assert "system, which load never imports or calls" in str(caught.value)


def test_deep_and_huge_pickles_do_no_harm():
    deep = b"\x80\x02)" + b"\x85" * 200_000  # a tuple in a tuple in a tuple
    with pytest.raises(pickle.UnpicklingError, match="as the key"):
        fb.load(io.BytesIO(b"\x80\x02}" + deep[2:] + b"K\x01s."))
    huge = b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"1"
    with pytest.raises(pickle.UnpicklingError):
        fb.load(io.BytesIO(huge))
    digits = b"I" + b"9" * 100_000 + b"\n."
    with pytest.raises(pickle.UnpicklingError):
        fb.load(io.BytesIO(digits))


def looped(levels=7, width=60):
    """A tuple that holds one tuple many times, which holds another many times, and so on."""
    body = b")"
    for i in range(levels):
        body += b"q" + bytes([i]) + b"0(" + (b"h" + bytes([i])) * width + b"t"
    return body


def persistent_file(body):
    """A zip with one persistent id of our choosing."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + body + b"Q.")
        archive.writestr("a/data/0", b"\0" * 16)
    return file.getvalue()


@pytest.mark.parametrize("inner", [b")" + b"\x85" * 100_000, looped()], ids=["deep", "wide"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: b"\x80\x02}" + x + b"K\x01s.",
        lambda x: b"\x80\x02cbuiltins\nset\n]" + x + b"a\x85R.",
        lambda x: b"\x80\x02ccollections\nCounter\n]" + x + b"K\x01\x86a\x85R.",
        lambda x: b"\x80\x02c_codecs\nencode\nX\x01\0\0\0a" + x + b"\x86R.",
        lambda x: b"\x80\x02ctorch\ndevice\n" + x + b"\x85R.",
        lambda x: b"\x80\x04" + x + b"\x8c\x01a\x93.",
        lambda x: persistent_file(x + b"\x85"),
        lambda x: persistent_file(
            b"(X\x07\0\0\0storagectorch\nFloatStorage\n" + x + b"X\x03\0\0\0cpuK\x04t"
        ),
    ],
    ids=["dict", "set", "Counter", "encode", "device", "global", "reference", "storage"],
)
def test_tuples_within_tuples_are_neither_hashed_nor_printed(wrap, inner):
    """To hash a deep one would crash the process; to walk or print a wide one takes for ever."""
    with pytest.raises(pickle.UnpicklingError) as caught:
        fb.load(io.BytesIO(wrap(inner)))
    assert len(str(caught.value)) < 300


def storage_file(count, size, stride, offset=0, data=b"\0" * 16):
    """A zip as PyTorch writes it, with a description of our choosing."""
    pickled = pickle.dumps
    body = b"\x80\x02" + g("torch._utils", "_rebuild_tensor_v2")
    body += b"((X\x07\0\0\0storage" + g("torch", "FloatStorage") + b"X\x01\0\0\x000X\x03\0\0\0cpu"
    body += pickled(count, 2)[2:-1] + b"tQ"
    for value in (offset, size, stride, False):
        body += pickled(value, 2)[2:-1]
    body += g("collections", "OrderedDict") + b")RtR."
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/data.pkl", body)
        archive.writestr("a/data/0", data)
    return io.BytesIO(file.getvalue())


def test_tensors_outside_their_storage_are_refused():
    assert fb.load(storage_file(4, (2, 2), (2, 1))).tolist() == [[0, 0], [0, 0]]
    for arguments in (
        (4, (5,), (1,)),
        (4, (2, 2), (4, 1)),
        (4, (4,), (1,), 1),
        (4, (4,), (1,), -1),
        (4, (4,), (-1,)),
        (4, (2,), (1 << 62,)),
        (8, (8,), (1,)),
        (-4, (0,), (1,)),
        (1 << 60, (1,), (1,)),
        (4, (-1,), (1,)),
        (4, (1,) * 100, (1,) * 100),
        (4, (2, 2), (1,)),
        (4, "ab", (1, 1)),
    ):
        with pytest.raises(CLEAR):
            fb.load(storage_file(*arguments))


def test_other_zips_are_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
    with pytest.raises(RuntimeError, match="compressed"):
        fb.load(io.BytesIO(file.getvalue()))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("hello.txt", b"hello")
    with pytest.raises(RuntimeError, match=r"no data.pkl"):
        fb.load(io.BytesIO(file.getvalue()))


# Devices


def test_map_location():
    data = saved(fb.ones(2))
    for where in (None, "cpu", fb.device("cpu"), {"cpu": "cpu"}, lambda t, location: t):
        assert fb.load(io.BytesIO(data), map_location=where).tolist() == [1, 1]
    doubled = fb.load(io.BytesIO(data), map_location=lambda t, location: t * 2)
    assert doubled.tolist() == [2, 2]
    if not fb.cuda.is_available():
        with pytest.raises(RuntimeError):
            fb.load(io.BytesIO(data), map_location="cuda")
        from_gpu = data.replace(b'\\"device\\": \\"cpu\\"', b'\\"device\\": \\"gpu\\"')
        with pytest.raises(RuntimeError):
            fb.load(io.BytesIO(from_gpu))


@pytest.mark.gpu
def test_tensors_on_the_gpu():
    net = nn.Linear(2, 2).cuda()
    found = there_and_back(net.state_dict())
    assert found["weight"].is_cuda
    assert not there_and_back(net.state_dict(), map_location="cpu")["weight"].is_cuda
    moved = there_and_back({"x": fb.ones(2)}, map_location="cuda")
    assert moved["x"].is_cuda
    assert moved["x"].tolist() == [1, 1]
