from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise
from time import perf_counter

import numpy as np
import pytest
from made import LAYERS, Made, network

import flambeau_widgets
from flambeau_widgets.pictures import picture
from flambeau_widgets.pictures.boxes import MOST, boxes_of, shorter
from flambeau_widgets.pictures.chart import log_ticks, number, spread, ticks
from flambeau_widgets.pictures.layout import Box, arrange
from flambeau_widgets.pictures.memory import curve_of, peaks_kept
from flambeau_widgets.pictures.svg import fit, fit_path, wrap

KINDS = ("graph", "gradients", "memory", "live")
SVG = "{http://www.w3.org/2000/svg}"
NASTY = "<b>&\"'</b> </script> \x1b[31m \x00 \ud800 ]]>"


def texts(svg: str) -> str:
    """What can be read in a picture; fails where it is not valid XML."""
    root = ET.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    return " | ".join(e.text or "" for e in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("iterations", [1, 30])
def test_is_a_self_contained_picture(kind: str, iterations: int) -> None:
    svg = picture(network(iterations), kind)
    root = ET.fromstring(svg)
    width, height = float(root.get("width")), float(root.get("height"))
    assert root.get("viewBox") == f"0 0 {width:g} {height:g}"
    assert 200 < width < 1300
    assert 60 < height < 1600
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {
            "svg",
            "g",
            "title",
            "rect",
            "path",
            "circle",
            "text",
        }
        assert not any("href" in name or name.startswith("on") for name in element.attrib)
    assert "url(" not in svg
    assert "nan" not in svg.lower().replace("first nan", "")


def test_graph_names_modules_kinds_and_shapes() -> None:
    said = texts(picture(network(3), "graph"))
    for name, _, _ in LAYERS:
        assert f"{name} |" in said
    for part in (
        "Conv2d(1 → 16, 3×3, padding=1)",
        "Linear(128 → 10)",
        "64×16×8×8",
        "cross_entropy",
    ):
        assert part in said
    assert "net: 9 forward and 9 backward ops in iteration 2, peak 1.0 MB" in said


def test_single_operations_need_no_module() -> None:
    made = Made()
    made.op("exp", [made.memory(2, 3)], 2, 3)
    said = texts(picture(made.trace, "graph"))
    assert "1 forward op, peak 48 B" in said
    assert "exp" in said
    assert "2×3" in said


def test_gradients_over_iterations_name_the_parameters_and_the_loss() -> None:
    said = texts(picture(network(30), "gradients"))
    assert "30 iterations, loss 2.35 → 0.158" in said
    for name in ("conv1.weight", "conv2.bias", "head.weight"):
        assert name in said


def test_gradients_of_one_iteration_are_a_list() -> None:
    said = texts(picture(network(1), "gradients"))
    assert "net.conv1.weight | 2 |" in said
    assert "1 iteration, loss 2.35" in said


def test_nan_gradients_are_named() -> None:
    made = Made()
    for step in range(3):
        made.step(1.0, {"net.a": float("nan") if step == 1 else 1.0, "net.b": 0.5})
    assert "First NaN or Inf: net.a in iteration 1" in texts(picture(made.trace, "gradients"))
    made = Made()
    made.step(1.0, {"net.a": float("inf"), "net.b": 0.0})
    assert "net.a | NaN or Inf" in texts(picture(made.trace, "gradients"))


def test_many_parameters_are_thinned_but_counted() -> None:
    made = Made()
    for step in range(4):
        made.step(1.0, {f"net.{i}.weight": 0.5**i / (step + 1) for i in range(100)})
    svg = picture(made.trace, "gradients")
    assert "grey: 92 more parameters" in texts(svg)
    assert len(svg) < 60_000


def test_gradients_without_an_optimizer_are_those_of_the_operations() -> None:
    made = Made()
    out = made.op("exp", [made.memory(3)], 3)
    empty = (0.0,) * 4, (0.25, 0.0, 0.0, 0.0), np.zeros(32), np.zeros(64), ""
    made._add("statistics", out, made.tick, 1, *empty[0], *empty[1], *empty[2:])
    said = texts(picture(made.trace, "gradients"))
    assert "at the output of 1 operations" in said
    assert "exp | 0.25" in said


def test_says_when_there_is_nothing() -> None:
    for kind in KINDS:
        assert "Nothing recorded yet" in texts(picture(Made().trace, kind))
    made = Made()
    made.op("exp", [made.memory(3)], 3)
    assert "No backward pass has been recorded yet." in texts(picture(made.trace, "gradients"))


def test_memory_names_the_peak() -> None:
    trace = network(3)
    said = texts(picture(trace, "memory"))
    assert "Peak 1.0 MB in the backward of relu (net.act2)" in said
    for category in ("parameters", "data", "gradients", "kept for backward"):
        assert category in said
    curve = curve_of(trace)
    assert curve.peak == max(curve_of(trace, i).peak for i in range(3))
    assert (curve.bytes >= 0).all()


def test_thinning_keeps_the_peak() -> None:
    total = np.zeros(10_000)
    total[6789] = 7
    assert 6789 in peaks_kept(total, 100)
    assert len(peaks_kept(total, 100)) == 100


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_escaped(kind: str) -> None:
    made = Made(NASTY)
    with made.module(NASTY, f"Net({NASTY})"):
        x = made.op(NASTY, [made.memory(3, name=NASTY)], 3, arguments=NASTY)
        made.fail(NASTY, [x], NASTY)
    made.error(NASTY, NASTY)
    made.step(1.0, {NASTY: 1.0})
    svg = picture(made.trace, kind)
    assert "<b>" not in svg
    assert "</script" not in svg
    if kind == "graph":
        assert "<b>&" in texts(svg)
    texts(svg)


def test_error_is_drawn_on_what_failed() -> None:
    made = Made()
    x = made.memory(32, 64)
    message = "linear: input has 128 features, weight expects 256. nn.Linear(128, 10) would fit."
    with made.module("net"), made.module("net.head", "Linear(256, 10)"):
        made.fail("linear", [x], message)
    svg = picture(made.trace, "graph")
    said = texts(svg).replace(" | ", " ")
    assert "head" in said
    assert message in said
    assert 'fill="#c62828"' in svg  # the cross in its circle
    assert "<circle" in svg


def test_error_of_no_operation_has_a_banner() -> None:
    made = Made()
    made.op("exp", [made.memory(3)], 3)
    made.error("ValueError", "the labels do not fit")
    assert "ValueError: the labels do not fit" in texts(picture(made.trace, "graph"))
    made = Made()
    made.error("KeyError", "before anything ran")
    assert "KeyError: before anything ran" in texts(picture(made.trace, "live"))


@pytest.mark.parametrize("chained", [True, False])
def test_ten_thousand_operations_stay_bounded(chained: bool) -> None:
    made = Made()
    x = first = made.memory(100)
    for _ in range(10_000):
        y = made.op("exp", [x if chained else first], 100)
        if chained:
            made.free(x)
        x = y
    began = perf_counter()
    svg = picture(made.trace, "live")
    assert perf_counter() - began < 5  # a hang, not a measurement
    assert len(svg) < 100_000
    assert "9,964 more operations" in texts(svg)


def test_ten_thousand_operations_in_modules() -> None:
    made = Made()
    x = made.memory(100)
    with made.module("net"):
        for i in range(2000):
            with made.module(f"net.{i}", "Block"):
                for _ in range(5):
                    x = made.op("relu", [x], 100)
    said = texts(picture(made.trace, "graph"))
    assert "net: 10,000 forward ops" in said
    assert "10,000 ops" in said


def test_fitting_depth() -> None:
    trace = network()
    boxes, edges = boxes_of(trace, 0)
    assert [b.title for b in boxes] == ["input", *(name for name, *_ in LAYERS), "cross_entropy"]
    assert len(edges) == len(boxes) - 1
    made = Made()
    x = made.memory(4)
    with made.module("net"), made.module("net.body", "Sequential"):
        for i in range(6):
            with made.module(f"net.body.{i}", "ReLU()"):
                x = made.op("relu", [x], 4)
    boxes, _ = boxes_of(made.trace, 0)
    assert [b.title for b in boxes] == ["input", *(f"body.{i}" for i in range(6))]
    assert boxes[1].note == "ReLU"


def test_boxes_never_overlap() -> None:
    rng = np.random.default_rng(0)
    for count in (1, 2, 7, MOST):
        boxes = [
            Box(i, float(rng.integers(100, 320)), float(rng.integers(28, 160)))
            for i in range(count)
        ]
        edges = [(int(rng.integers(0, b)), b) for b in range(1, count) for _ in range(2)]
        layout = arrange(boxes, [*edges, (count - 1, 0)])  # one that runs backwards is left out
        assert len(layout.routes) == len(set(edges))
        for i, a in enumerate(boxes):
            assert 0 <= a.x <= a.x + a.width <= layout.width + 1e-6
            assert 0 <= a.y <= a.y + a.height <= layout.height + 1e-6
            for b in boxes[:i]:
                apart = (
                    a.x >= b.x + b.width
                    or b.x >= a.x + a.width
                    or a.y >= b.y + b.height
                    or b.y >= a.y + a.height
                )
                assert apart


def test_edges_cross_no_box() -> None:
    boxes = [Box(i, 200.0, 40.0) for i in range(30)]
    edges = [(i, i + 1) for i in range(29)] + [(0, 5), (2, 25), (3, 28), (10, 20)]
    layout = arrange(boxes, edges)
    for corners in layout.routes.values():
        for (x0, y0), (x1, y1) in pairwise(corners):
            for box in boxes:
                within_x = min(x0, x1) < box.x + box.width - 1 and box.x + 1 < max(x0, x1) + 0.1
                within_y = min(y0, y1) < box.y + box.height - 1 and box.y + 1 < max(y0, y1) + 0.1
                assert not (within_x and within_y)


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("Conv2d(1, 16, kernel_size=(3, 3), stride=(1, 1))", "Conv2d(1 → 16, 3×3)"),
        (
            "Conv2d(1, 2, kernel_size=(3, 5), stride=(1, 1), bias=False)",
            "Conv2d(1 → 2, 3×5, bias=False)",
        ),
        ("Linear(in_features=8, out_features=2, bias=True)", "Linear(8 → 2)"),
        ("BatchNorm2d(16, eps=1e-05, momentum=0.1, affine=True)", "BatchNorm2d(16)"),
        ("Flatten(start_dim=1, end_dim=-1)", "Flatten"),
        ("Dropout(p=0.5, inplace=False)", "Dropout(p=0.5)"),
        ("Net", "Net"),
    ],
)
def test_shorter(long: str, short: str) -> None:
    assert shorter(long) == short


def test_numbers_and_ticks() -> None:
    found = [number(v) for v in (0, 0.0123456, 1234.5, 1.5e-7, 2e9, float("nan"), float("-inf"))]
    assert found == ["0", "0.0123", "1,234", "1.5e−7", "2e9", "NaN", "−∞"]
    assert ticks(0, 10, 5) == [0, 2, 4, 6, 8, 10]
    assert ticks(3, 3) == [3]
    assert log_ticks(1e-3, 1e1, 8) == pytest.approx([1e-3, 1e-2, 1e-1, 1, 10])
    assert spread([5, 5, 5], 10, 0, 100) == [5, 15, 25]
    assert spread([95, 95], 10, 0, 100) == [90, 100]


def test_texts_that_fit() -> None:
    assert fit("short", 200, 12) == "short"
    assert fit("a very long text " * 9, 60, 12).endswith("…")
    assert fit_path("encoder.layers.3.self_attention.out_proj.weight", 150, 11).startswith("enc")
    assert fit_path("encoder.layers.3.self_attention.out_proj.weight", 150, 11).endswith("weight")
    assert wrap("one two three four", 60, 12, 9) == ["one two", "three four"]
    assert len(wrap("word " * 500, 60, 12, 4)) == 4
    assert wrap("", 60, 12, 4) == []


@pytest.mark.parametrize("kind", ["gradients", "memory"])
@pytest.mark.parametrize("iterations", [0, 1, 5])
def test_figures(kind: str, iterations: int) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    made = flambeau_widgets.figure(
        network(iterations, root="net$x") if iterations else Made().trace, kind
    )
    made.draw_without_rendering()
    assert pyplot.get_fignums() == []
    said = {text.get_text() for axes in made.axes for text in axes.texts}
    assert any("no " in text for text in said) == (not iterations)


def test_unknown_figure_is_refused() -> None:
    with pytest.raises(ValueError, match="gradients, memory"):
        flambeau_widgets.figure(network(), "graph")
