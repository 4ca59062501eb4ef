"""Convolutions of few channels, and depthwise ones: one place of the filter after another.

A padded image is laid out as one line. Then what a place of the filter meets, for all windows,
is one run of that line, from the place's own beginning on; so a convolution is a sum of runs, each
times a weight. Between two lines of windows a run has some entries too many, which are left out at
the end. A stride s first parts the image in planes, by what rows and columns are modulo s; along
a line one may also do all windows and keep every ``step``-th.

Arrays are those of three dimensions: x (N, C, D, H, W). ``lattice`` is the size of a plane, with
zeros before and after, ``at`` where each place of each channel begins in the line of all planes.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel

f32 = np.float32


@kernel
def convolve(x, w, bias, out, lattice, at, before, stride, step):
    """out (N, O, OD, OH, OW) = x with filters w (groups, O / groups, places of a group) + bias."""
    groups, filters = w.shape[0], w.shape[1]
    channels = x.shape[1] // groups
    held = _room(channels, stride, lattice)
    line = held.reshape(-1)
    made = np.empty((2, out.shape[2], lattice[1], lattice[2]), f32)
    size = _length(out, lattice, step)
    y, z = made[0].reshape(-1)[:size], made[1].reshape(-1)[:size]
    for n in range(len(x)):
        for g in range(groups):
            part = x[n, g * channels : (g + 1) * channels]
            _part(part, held, before, stride)
            for o in range(0, filters, 2):
                first = g * filters + o
                y[:] = bias[first]
                if o + 1 < filters:
                    z[:] = bias[first + 1]
                    _add_two(line, at, w[g, o], w[g, o + 1], y, z)
                    _close(made[1], out[n, first + 1], step)
                else:
                    _add(line, at, w[g, o], y)
                _close(made[0], out[n, first], step)


@kernel
def input_gradient(y, w, x, lattice, at, before, stride, step):
    """Fills x with what `convolve` gives back for y (N, O, OD, OH, OW)."""
    groups, filters = w.shape[0], w.shape[1]
    channels = x.shape[1] // groups
    held = _room(channels, stride, lattice)
    line = held.reshape(-1)
    opened = np.zeros((filters, y.shape[2], lattice[1], lattice[2]), f32)
    flat, size = opened.reshape(filters, -1), _length(y, lattice, step)
    for n in range(len(x)):
        for g in range(groups):
            for o in range(filters):
                _open(y[n, g * filters + o], opened[o], step)
            line[:] = f32(0)
            for i in range(len(at)):
                _add_weighted(flat, w[g, :, i], line[at[i] : at[i] + size])
            _join(held, x[n, g * channels : (g + 1) * channels], before, stride)


@kernel
def weight_gradient(y, x, w, lattice, at, before, stride, step):
    """Adds to w what `convolve` gives back for y (N, O, OD, OH, OW)."""
    groups, filters = w.shape[0], w.shape[1]
    channels = x.shape[1] // groups
    held = _room(channels, stride, lattice)
    line = held.reshape(-1)
    opened = np.zeros((y.shape[2], lattice[1], lattice[2]), f32)
    flat = opened.reshape(-1)[: _length(y, lattice, step)]
    for n in range(len(x)):
        for g in range(groups):
            _part(x[n, g * channels : (g + 1) * channels], held, before, stride)
            for o in range(filters):
                _open(y[n, g * filters + o], opened, step)
                _multiply(line, at, flat, w[g, o])


@kernel
def runs(x, out, lattice, at, before, stride):
    """What each place of the filter meets: out (N, places, length of a run)."""
    held = _room(x.shape[1], stride, lattice)
    line = held.reshape(-1)
    for n in range(len(x)):
        _part(x[n], held, before, stride)
        for i in range(len(at)):
            _copy(line[at[i] :], out[n, i])


@kernel
def back_from_runs(given, x, lattice, at, before, stride):
    """Fills x with the sums of what `runs` gives back."""
    held = _room(x.shape[1], stride, lattice)
    line = held.reshape(-1)
    for n in range(len(x)):
        line[:] = f32(0)
        for i in range(len(at)):
            run = given[n, i]
            to = line[at[i] :]
            for k in range(len(run)):
                to[k] += run[k]
        _join(held, x[n], before, stride)


@kernel
def open_runs(y, out, lattice):
    """y (N, O, OD, OH, OW) as (N, O, length of a run), zeros where no window begins."""
    out[:] = f32(0)
    for n in range(len(y)):
        for o in range(y.shape[1]):
            run = out[n, o]
            for d in range(y.shape[2]):
                for h in range(y.shape[3]):
                    line = y[n, o, d, h]
                    _copy(line, run[(d * lattice[1] + h) * lattice[2] :][: len(line)])


@kernel
def close_runs(given, bias, y, lattice):
    """The reverse, and a bias is added."""
    for n in range(len(y)):
        for o in range(y.shape[1]):
            run, more = given[n, o], bias[o]
            for d in range(y.shape[2]):
                for h in range(y.shape[3]):
                    line, part = y[n, o, d, h], run[(d * lattice[1] + h) * lattice[2] :]
                    for i in range(len(line)):
                        line[i] = part[i] + more


@kernel
def _room(channels, stride, lattice):
    a, b, c = stride
    d, h, w = lattice
    return np.zeros((channels, a, b, c, d, h, w), f32)


@kernel
def _length(out, lattice, step):
    """How long a run is: from the first window to the last."""
    lines = (out.shape[2] - 1) * lattice[1] + out.shape[3] - 1
    return lines * lattice[2] + (out.shape[4] - 1) * step + 1


@kernel
def _part(x, held, before, stride):
    """Copies x (C, D, H, W) to its planes. What does not fit is left out."""
    for c in range(len(x)):
        for d in range(x.shape[1]):
            a = (d + before[0]) // stride[0]
            if 0 <= a < held.shape[4]:
                for q in range(stride[1]):
                    for phase in range(stride[2]):
                        plane = held[c, (d + before[0]) % stride[0], q, phase, a]
                        _lines(
                            x[c, d], plane, q - before[1], stride[1], phase - before[2], stride[2]
                        )


@kernel
def _lines(x, plane, top, down, left, step):
    """plane[i, j] = x[top + i·down, left + j·step], wherever there is such an entry."""
    first, low = max(0, -(top // down)), max(0, -(left // step))
    last = min(len(plane), (len(x) - top + down - 1) // down)
    high = max(low, min(plane.shape[1], (x.shape[1] - left + step - 1) // step))
    for i in range(first, last):
        line, to = x[top + i * down, left + low * step :], plane[i, low:high]
        if step == 1:
            for j in range(len(to)):
                to[j] = line[j]
        else:
            for j in range(len(to)):
                to[j] = line[j * step]


@kernel
def _copy(line, to):
    for i in range(len(to)):
        to[i] = line[i]


@kernel
def _join(held, x, before, stride):
    """Copies the planes back to x (C, D, H, W)."""
    for c in range(len(x)):
        for d in range(x.shape[1]):
            a, p = (d + before[0]) // stride[0], (d + before[0]) % stride[0]
            for q in range(stride[1]):
                for phase in range(stride[2]):
                    plane = held[c, p, q, phase, a]
                    _lines_back(
                        plane, x[c, d], q - before[1], stride[1], phase - before[2], stride[2]
                    )


@kernel
def _lines_back(plane, x, top, down, left, step):
    """The reverse of `_lines`."""
    first, low = max(0, -(top // down)), max(0, -(left // step))
    last = min(len(plane), (len(x) - top + down - 1) // down)
    high = max(low, min(plane.shape[1], (x.shape[1] - left + step - 1) // step))
    for i in range(first, last):
        line, to = plane[i, low:high], x[top + i * down, left + low * step :]
        if step == 1:
            for j in range(len(line)):
                to[j] = line[j]
        else:
            for j in range(len(line)):
                to[j * step] = line[j]


@kernel
def _open(y, wide, step):
    """Copies y (OD, OH, OW) to the places of its windows in a run, every ``step``-th in a line."""
    for d in range(len(y)):
        for h in range(y.shape[1]):
            line, to = y[d, h], wide[d, h]
            if step == 1:
                for i in range(len(line)):
                    to[i] = line[i]
            else:
                for i in range(len(line)):
                    to[i * step] = line[i]


@kernel
def _close(wide, y, step):
    """The reverse of `_open`."""
    for d in range(len(y)):
        for h in range(y.shape[1]):
            line, to = wide[d, h], y[d, h]
            if step == 1:
                _copy(line, to)
            else:
                for i in range(len(to)):
                    to[i] = line[i * step]


@kernel
def _add(line, at, w, y):
    """y += the sum of w[i] times the run that begins at[i], four at a time."""
    whole = len(at) // 4 * 4
    for i in range(0, whole, 4):
        a, b, c, d = line[at[i] :], line[at[i + 1] :], line[at[i + 2] :], line[at[i + 3] :]
        wa, wb, wc, wd = w[i], w[i + 1], w[i + 2], w[i + 3]
        for k in range(len(y)):
            y[k] += wa * a[k] + wb * b[k] + wc * c[k] + wd * d[k]
    for i in range(whole, len(at)):
        a, wa = line[at[i] :], w[i]
        for k in range(len(y)):
            y[k] += wa * a[k]


@kernel
def _add_two(line, at, w, v, y, z):
    """The same for two filters: what is loaded once is used twice."""
    whole = len(at) // 4 * 4
    for i in range(0, whole, 4):
        a, b, c, d = line[at[i] :], line[at[i + 1] :], line[at[i + 2] :], line[at[i + 3] :]
        wa, wb, wc, wd = w[i], w[i + 1], w[i + 2], w[i + 3]
        va, vb, vc, vd = v[i], v[i + 1], v[i + 2], v[i + 3]
        for k in range(len(y)):
            y[k] += wa * a[k] + wb * b[k] + wc * c[k] + wd * d[k]
            z[k] += va * a[k] + vb * b[k] + vc * c[k] + vd * d[k]
    for i in range(whole, len(at)):
        a, wa, va = line[at[i] :], w[i], v[i]
        for k in range(len(y)):
            y[k] += wa * a[k]
            z[k] += va * a[k]


@kernel
def _add_weighted(y, w, out):
    """out += the sum of w[o] y[o], four at a time."""
    whole = len(y) // 4 * 4
    for o in range(0, whole, 4):
        a, b, c, d = y[o], y[o + 1], y[o + 2], y[o + 3]
        wa, wb, wc, wd = w[o], w[o + 1], w[o + 2], w[o + 3]
        for k in range(len(out)):
            out[k] += wa * a[k] + wb * b[k] + wc * c[k] + wd * d[k]
    for o in range(whole, len(y)):
        a, wa = y[o], w[o]
        for k in range(len(out)):
            out[k] += wa * a[k]


@kernel
def _multiply(line, at, y, w):
    """w[i] += the sum of y times the run that begins at[i], four at a time."""
    whole = len(at) // 4 * 4
    for i in range(0, whole, 4):
        a, b, c, d = line[at[i] :], line[at[i + 1] :], line[at[i + 2] :], line[at[i + 3] :]
        wa = wb = wc = wd = f32(0)
        for k in range(len(y)):
            wa += y[k] * a[k]
            wb += y[k] * b[k]
            wc += y[k] * c[k]
            wd += y[k] * d[k]
        w[i] += wa
        w[i + 1] += wb
        w[i + 2] += wc
        w[i + 3] += wd
    for i in range(whole, len(at)):
        a, wa = line[at[i] :], f32(0)
        for k in range(len(y)):
            wa += y[k] * a[k]
        w[i] += wa
