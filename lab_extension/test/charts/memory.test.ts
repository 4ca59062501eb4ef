import assert from 'node:assert/strict';
import { test } from 'node:test';

import { pointAtTick, sampleCurve, stretches } from '../../src/views/charts/memoryCurve';
import { MemoryModel, shownSpan } from '../../src/views/charts/memoryModel';
import { isSplit, peakSplits } from '../../src/views/charts/memorySplit';
import { BlockNames, explainPeak, opAt } from '../../src/views/charts/memoryText';
import { CATEGORY, fakeTrace } from './fake';

/** A parameter that stays, an activation kept for the backward, a gradient, both freed. */
const small = fakeTrace({
  modules: [{ path: 'net.conv1' }, { path: 'net.act1' }],
  calls: [{ module: 0 }, { module: 1 }],
  lines: [{ file: 'nb.ipynb', cell: 4, line: 7 }],
  ops: [
    { tick: 10, time: 1, name: 'conv2d', call: 0 },
    { tick: 20, time: 2, name: 'relu', call: 1, line: 0 },
    { tick: 30, time: 3, name: 'relu', phase: 1, forward: 1 }
  ],
  iterations: [{ number: 7, tick: 5 }],
  tensors: [
    { block: 0, shape: '16,1,3,3', name: 'net.conv1.weight' },
    { block: 1, shape: '32,16,8,8' },
    { block: 2, shape: '32,16,8,8' }
  ],
  blocks: [
    { tick: 1, time: 0, bytes: 100, category: CATEGORY.parameter },
    { tick: 21, time: 2, bytes: 600, category: CATEGORY.other, op: 1 },
    { tick: 31, time: 3, bytes: 300, category: CATEGORY.gradient, op: 2 }
  ],
  frees: [
    { block: 1, tick: 32, time: 3.1 },
    { block: 2, tick: 40, time: 4 }
  ],
  categories: [{ block: 1, category: CATEGORY.activation, tick: 22 }]
});

test('the curve counts every block under the category it ended in', () => {
  const model = new MemoryModel(small);
  const curve = sampleCurve(model, small, shownSpan(small, null), 'tick', 1000);
  assert.deepEqual(curve.total, [100, 700, 1000, 400, 100, 100]);
  assert.deepEqual(curve.stacks[CATEGORY.activation], [0, 600, 600, 0, 0, 0]);
  assert.deepEqual(curve.stacks[CATEGORY.other], [0, 0, 0, 0, 0, 0]);
  assert.equal(curve.peak.bytes, 1000);
  assert.equal(curve.peak.block, 2);
  assert.equal(curve.total[pointAtTick(curve, 31)], 1000);
});

test('a peak is explained in a sentence, with the ops that hold it', () => {
  const model = new MemoryModel(small);
  const curve = sampleCurve(model, small, shownSpan(small, null), 'tick', 1000);
  const story = explainPeak(small, model, new BlockNames(small, model), curve.peak);
  assert.equal(
    story?.text,
    'Peak 1000 B in the backward of relu (net.act1): 60 % is activations kept for the ' +
      'backward, the largest from relu in net.act1 (cell 4, line 7).'
  );
  assert.deepEqual(story?.ops, [1]);
});

test('blocks are named by op, shape, category, module and line', () => {
  const model = new MemoryModel(small);
  const names = new BlockNames(small, model);
  assert.equal(
    names.sentence(1),
    'relu output 32×16×8×8, 600 B, kept for the backward, net.act1, cell 4, line 7'
  );
  assert.equal(names.sentence(0), 'net.conv1.weight 16×1×3×3, 100 B, parameters, net.conv1');
  assert.deepEqual(model.biggest(31, 2), { blocks: [1, 2], count: 3, bytes: 1000 });
});

test('an op is found by its blocks when it was written down after them', () => {
  const trace = fakeTrace({
    ops: [{ tick: 5, name: 'relu' }, { tick: 9, name: 'exp' }],
    blocks: [{ tick: 8, bytes: 4, op: 1 }]
  });
  assert.equal(opAt(trace, 6), 'relu');
  assert.equal(opAt(trace, 8), 'exp');
  assert.equal(opAt(trace, 1), '');
});

test('forward and backward are stretches of the axis', () => {
  const model = new MemoryModel(small);
  const span = shownSpan(small, null);
  const curve = sampleCurve(model, small, span, 'tick', 100);
  assert.deepEqual(
    stretches(small, curve, span).map(s => [s.label, s.from]),
    [['forward', 10], ['backward', 30]]
  );
});

test('thinning keeps the peak and the end', () => {
  const blocks = Array.from({ length: 200_000 }, (_, n) => ({ tick: n * 2, bytes: 8, time: n }));
  const frees = blocks
    .map((_, n) => ({ block: n, tick: n * 2 + 1, time: n }))
    .filter(row => row.block !== 77_777 && row.block !== 77_778);
  const trace = fakeTrace({ blocks, frees: [...frees, { block: 77_778, tick: 155_559 }] });
  const model = new MemoryModel(trace);
  const curve = sampleCurve(model, trace, shownSpan(trace, null), 'tick', 500);
  assert.ok(curve.x.length <= 1010, `${curve.x.length} points`);
  assert.equal(curve.peak.bytes, 24);
  assert.equal(Math.max(...curve.total), 24);
  assert.equal(curve.total[curve.total.length - 1], 8);
  assert.ok(curve.x.every((x, n) => n === 0 || x >= curve.x[n - 1]!));
});

test('nonsense in the tables changes no sums', () => {
  const trace = fakeTrace({
    blocks: [
      { tick: 1, bytes: NaN, category: 250 },
      { tick: 9, bytes: -5 },
      { tick: 3, bytes: 10, op: 99 }
    ],
    frees: [
      { block: 44, tick: 4 },
      { block: -1, tick: 4 },
      { block: 2, tick: 6 },
      { block: 2, tick: 7 }
    ],
    categories: [{ block: 99, category: 1 }, { block: 0, category: 77 }],
    tensors: [{ block: 99 }, { block: -1 }],
    ops: [{ tick: 2, call: 5, line: 8 }]
  });
  const model = new MemoryModel(trace);
  const curve = sampleCurve(model, trace, shownSpan(trace, null), 'time', 50);
  assert.equal(curve.peak.bytes, 10);
  assert.equal(curve.total[curve.total.length - 1], 0);
  const story = explainPeak(trace, model, new BlockNames(trace, model), curve.peak);
  assert.match(story?.text ?? '', /^Peak 10 B in the forward of an operation: 100 % is values not kept/);
});

test('nothing recorded gives an empty curve and no sentence', () => {
  const trace = fakeTrace({});
  const model = new MemoryModel(trace);
  const curve = sampleCurve(model, trace, shownSpan(trace, 3), 'tick', 50);
  assert.equal(curve.peak.bytes, 0);
  assert.equal(explainPeak(trace, model, new BlockNames(trace, model), curve.peak), null);
});

test('the shown span is the wanted iteration, or the latest complete one', () => {
  const iterations = [4, 5, 6].map(number => ({ number, tick: number * 10 }));
  const trace = fakeTrace({ iterations });
  assert.deepEqual(shownSpan(trace, 4), { iteration: 4, complete: true, from: 40, to: 50 });
  assert.equal(shownSpan(trace, null).iteration, 5);
  assert.equal(shownSpan(trace, 99).iteration, 5);
  const done = fakeTrace({ iterations, summaries: [{ iteration: 6 }] });
  assert.equal(shownSpan(done, null).iteration, 6);
});

test('a peak of which only the total is known is split as those around it, within its total', () => {
  const at = (peak: number, data: number, parameter: number) => ({
    peak,
    at_peak: [0, data, parameter, 0, 0, 0, 0]
  });
  const nothing = at(90, 0, 0);
  const rows = [nothing, at(40, 20, 20), nothing, at(10, 0, 0), at(80, 40, 40), nothing];
  const trace = fakeTrace({ summaries: rows });
  assert.deepEqual(rows.map((_, row) => isSplit(trace, row)), [0, 1, 0, 0, 1, 0].map(Boolean));
  const splits = peakSplits(trace, [0, 1, 2, 3, 4, 5]).map(bytes => Math.round(bytes[1]!));
  assert.deepEqual(splits, [NaN, 20, 27, 5, 40, NaN]);
});
