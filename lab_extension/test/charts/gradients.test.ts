import assert from 'node:assert/strict';
import { test } from 'node:test';

import { gradientFindings, median } from '../../src/views/charts/gradientFindings';
import { GradientHistory, groups, normRange, strip } from '../../src/views/charts/gradientHistory';
import { histogramGrid } from '../../src/views/charts/histogramGrid';
import { fakeTrace } from './fake';

type Change = (name: string, iteration: number) => Partial<Record<string, number>>;

const NAMES = ['net.a.weight', 'net.a.bias', 'net.b.weight', 'net.c.weight', 'net.d.weight'];

/** `count` iterations of healthy gradients, except where `change` says otherwise. */
function recording(
  count: number,
  change: Change = () => ({}),
  losses?: number[],
  rates: number[] = []
) {
  const gradients = Array.from({ length: count }, (_, iteration) =>
    NAMES.map(name => ({
      iteration,
      name,
      norm: 0.1,
      weight: 2,
      update: 0.002,
      ...(change(name, iteration) as Record<string, number>)
    }))
  ).flat();
  const loss = losses ?? Array.from({ length: count }, (_, n) => 1 / (n + 1));
  const summaries = loss.map((loss, iteration) => ({ iteration, loss }));
  return fakeTrace({ gradients, summaries, steps: rates.map(rate => ({ rate, optimizer: 'SGD' })) });
}

function findings(trace: ReturnType<typeof fakeTrace>) {
  const history = new GradientHistory();
  history.update(trace, 1);
  return gradientFindings(trace, history);
}

test('healthy numbers give one quiet sentence', () => {
  const found = findings(recording(10));
  assert.deepEqual(found.map(f => f.kind), ['fine']);
  assert.match(found[0]!.text, /5 parameters/);
});

test('an iteration that broke off has no loss, and that is no finding', () => {
  const found = findings(recording(3, () => ({}), [3, 2, 1, NaN]));
  assert.deepEqual(found.map(f => f.kind), ['fine']);
});

test('a vanishing gradient is named with both ends', () => {
  const [found] = findings(recording(10, name => (name === NAMES[0] ? { norm: 1e-6 } : {})));
  assert.equal(found?.kind, 'vanishing');
  assert.match(found!.text, /1\.0e.6 in net\.a\.weight, 0\.1 in the last layers/);
});

test('a gradient that grows a thousandfold explodes', () => {
  const [found] = findings(recording(20, (_, n) => (n > 12 ? { norm: 4000 } : {})));
  assert.equal(found?.kind, 'exploding');
});

test('the first NaN is found in the layer nearest to the loss', () => {
  const bad = NAMES.slice(2, 4);
  const trace = recording(10, (name, n) => (bad.includes(name) && n >= 6 ? { nans: 3 } : {}));
  const [found] = findings(trace);
  assert.equal(found?.kind, 'nan');
  assert.equal(found?.parameter, 'net.c.weight');
  assert.match(found!.text, /iteration 6, in the gradient of net\.c\.weight and 1 other/);
});

test('a loss that becomes NaN or infinite is told with its iteration', () => {
  assert.match(findings(recording(4, undefined, [1, 0.5, NaN, NaN]))[0]!.text, /NaN at iteration 2/);
  assert.match(findings(recording(3, undefined, [1, Infinity, NaN]))[0]!.text, /infinite at iteration 1/);
  assert.equal(findings(recording(3, undefined, [NaN, NaN, NaN]))[0]!.kind, 'fine');
});

test('a parameter without gradient is named', () => {
  const [found] = findings(recording(10, name => (name === 'net.b.weight' ? { norm: 0 } : {})));
  assert.equal(found?.kind, 'none');
  assert.match(found!.text, /^net\.b\.weight gets no gradient/);
});

test('updates that are too large are told', () => {
  const [found] = findings(recording(10, () => ({ update: 1 })));
  assert.equal(found?.kind, 'large');
});

const TINY = { update: 2e-6 };

test('a larger learning rate is advised only when nothing hints at too large a one', () => {
  const advised = (found: { text: string }[]) => found.some(f => /larger/.test(f.text));
  assert.ok(advised(findings(recording(6, () => TINY))));
  assert.ok(!advised(findings(recording(6, () => TINY, [1, 0.5, 0.2, 0.3, 0.4, 0.5]))));
  assert.ok(!advised(findings(recording(6, () => TINY, [1, 1.1, 1.2, 1.1, 1.2, 1.1]))));
  const once = (_: string, n: number) => (n === 1 ? { update: 5 } : TINY);
  assert.ok(!advised(findings(recording(10, once))));
  const zero = (name: string) => (name === NAMES[1] ? { norm: 0, zeros: 1, update: 0 } : TINY);
  assert.ok(!advised(findings(recording(6, zero))));
});

test('gradients that are 0 after a high loss tell of dead units', () => {
  const dead = (name: string, n: number) =>
    n < 2 ? { update: 1e6 } : name === NAMES[4] ? {} : { norm: 0, zeros: 1, update: 0 };
  const found = findings(recording(8, dead, [2, 4e28, 3, 3, 3, 3, 3, 3]));
  assert.match(found[0]!.text, /^The learning rate is too large: the gradients of net\.a\.weight/);
  assert.match(found[0]!.text, /and 3 others are 0, their units are dead/);
  assert.deepEqual(found.filter(f => f.kind === 'tiny' || /larger/.test(f.text)), []);
});

test('a loss that has grown by orders of magnitude is told', () => {
  const found = findings(recording(4, () => TINY, [2, 1e5, 1e9, 4e28]));
  assert.deepEqual(found.map(f => f.kind), ['exploding']);
  assert.match(found[0]!.text, /grown from 2 to 4\.0e28: the learning rate is too large/);
});

test('an overflow counts before a NaN, and what grew before is told', () => {
  const bad = (name: string, n: number) =>
    n === 3 && name === NAMES[3] ? { norm: Infinity } : n > 3 ? { norm: NaN, nans: 2 } : {};
  const [found] = findings(recording(6, bad, [2, 1e4, 1e8, 1e20, 1e20, 1e20]));
  assert.equal(found?.parameter, 'net.c.weight');
  assert.match(found!.text, /iteration 3, in the gradient of net\.c\.weight\. Before/);
  assert.match(found!.text, /grown from 2 to 1\.0e20/);
});

test('the banner speaks of the latest values, as the rows do', () => {
  const [quiet] = findings(recording(9, (_, n) => (n === 8 ? { norm: 0.3 } : {})));
  assert.match(quiet!.text, /lie from 0\.3 to 0\.3/);
  const some = NAMES.slice(0, 2);
  const [told] = findings(recording(9, name => (some.includes(name) ? TINY : {})));
  assert.equal(told?.kind, 'note');
  assert.match(told!.text, /^2 of 5 parameters move little \(tiny\); the gradient norms lie/);
});

test('a learning rate that has run out is a note, not a warning', () => {
  const [ended] = findings(recording(6, () => TINY, undefined, [0.1, 0.05, 1e-5]));
  assert.equal(ended?.kind, 'note');
  assert.match(ended!.text, /is down to 1\.0e-5|is down to 1\.0e−5/);
  const [none] = findings(recording(6, () => ({ update: 0 }), undefined, [0, 0]));
  assert.equal(none?.text, 'The learning rate is 0, so nothing moves.');
  assert.equal(findings(recording(6, () => TINY, undefined, [0.1, 0.1]))[0]?.kind, 'tiny');
});

test('new rows are added, a resync starts over', () => {
  const history = new GradientHistory();
  history.update(recording(3), 1);
  history.update(recording(5), 1);
  assert.equal(history.find('net.a.bias')?.rows.length, 5);
  history.update(recording(2), 2);
  assert.equal(history.find('net.a.bias')?.rows.length, 2);
});

test('a strip keeps the highest norm and every NaN', () => {
  const trace = recording(100, (_, n) => (n === 37 ? { norm: 9 } : n === 80 ? { nans: 1 } : {}));
  const history = new GradientHistory();
  history.update(trace, 1);
  const cells = strip(trace, history.parameters[0]!, 10);
  assert.equal(cells.length, 10);
  assert.equal(cells[3]!.norm, 9);
  assert.deepEqual(cells.map(c => c.bad).indexOf(true), 8);
  assert.deepEqual(normRange(trace), [-1, 1]);
});

test('groups cover everything once', () => {
  assert.deepEqual(groups(3, 10), [[0, 1], [1, 2], [2, 3]]);
  assert.deepEqual(groups(5, 2), [[0, 2], [2, 5]]);
  assert.deepEqual(groups(0, 4), []);
  assert.equal(median([NaN, 3, 1, 2]), 2);
});

test('histograms of different ranges share one scale', () => {
  const flat = (min: number, max: number) => ({ min, max, histogram: Array(32).fill(1) });
  const trace = fakeTrace({ gradients: [flat(-1, 1), flat(-0.5, 0.5), flat(NaN, NaN)] });
  const grid = histogramGrid(trace, [0, 1, 2], 3, 8)!;
  assert.equal(grid.high, -grid.low);
  assert.equal(grid.columns.length, 3);
  const sum = (n: number) => grid.columns[n]!.reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(sum(1) - 1) < 1e-6);
  assert.equal(sum(2), 0);
});
