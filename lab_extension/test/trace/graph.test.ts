import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opDetails, parametersOf, sampleOf } from '../../src/trace/details';
import { deriveGraph } from '../../src/trace/graph';
import type { Graph } from '../../src/trace/graph';
import { moduleMetrics, nodeValues } from '../../src/trace/metrics';
import { Trace } from '../../src/trace/trace';
import { Writer } from './writer';

const PARAMETER = 2;
const DATA = 1;

/** Writes small networks: each op reads tensors and gives one. */
class Net {
  readonly writer = new Writer();
  iteration = 0;
  private tick = 0;

  tensor(shape = '4', category = 0, op = -1, name = ''): number {
    const block = this.writer.add('blocks', { tick: this.tick, bytes: 16, category, op });
    return this.writer.add('tensors', { tick: this.tick, block, shape, name, dtype: 'float32' });
  }

  call(path: string, parent = -1, kind = 'Module()'): number {
    const module = this.writer.add('modules', { path, kind });
    return this.writer.add('calls', { module, parent, tick: ++this.tick });
  }

  op(name: string, inputs: number[], call = -1, phase = 0, forward = -1): number {
    const row = { tick: ++this.tick, duration: 1, phase, name, call, forward };
    const op = this.writer.add('ops', { ...row, iteration: this.iteration });
    inputs.forEach(tensor => this.writer.add('uses', { op, tensor, role: 0 }));
    return op;
  }

  output(op: number, tensor = this.tensor('4', 0, op)): number {
    this.writer.add('uses', { op, tensor, role: 1 });
    return tensor;
  }

  trace(): Trace {
    const trace = new Trace();
    trace.apply(this.writer.whole());
    return trace;
  }
}

function edges(graph: Graph): string[] {
  const name = (id: number) => graph.nodes[id].name;
  return [...graph.from].map((from, e) => `${name(from)}>${name(graph.to[e])}`);
}

function small(): Net {
  const net = new Net();
  const x = net.tensor('4,1', DATA);
  const w = net.tensor('2,1', PARAMETER, -1, 'net.fc.weight');
  const root = net.call('net', -1, 'Net()');
  const fc = net.call('net.fc', root, 'Linear(1, 2)');
  const a = net.output(net.op('linear', [x, w], fc));
  const b = net.output(net.op('relu', [a], root));
  net.output(net.op('add', [b, a], root));
  return net;
}

test('ops, edges by tensor, data as nodes, parameters not', () => {
  const graph = deriveGraph(small().trace(), 0);
  assert.deepEqual(graph.nodes.map(n => n.name), ['linear', 'relu', 'add', 'data']);
  assert.deepEqual(edges(graph), ['data>linear', 'linear>relu', 'relu>add', 'linear>add']);
  assert.equal(graph.nodes[3].shape, '4,1');
});

test('modules nest, count their ops and know their output', () => {
  const { modules } = deriveGraph(small().trace(), 0);
  assert.deepEqual(modules.map(m => [m.path, m.parent, m.ops]), [['net', -1, 3], ['net.fc', 0, 1]]);
  assert.deepEqual(modules.map(m => m.output), [2, 0]);
  assert.deepEqual(modules.map(m => m.name), ['net', 'fc']);
});

/** An evaluation and a training pass of the same module in one iteration. */
function evaluated(): Net {
  const net = new Net();
  const weight = net.tensor('2,1', PARAMETER, -1, 'net.weight');
  const x = net.tensor('4,1', DATA);
  const pass = () => {
    const h = net.output(net.op('linear', [x, weight], net.call('net')));
    return net.op('sum', [h]);
  };
  pass();
  const trained = pass();
  net.output(net.op('argmax', [net.tensor('4,1', DATA)]));
  net.op('sum', [], -1, 1, trained);
  return net;
}

test('passes without gradients are left out where there are some with', () => {
  const trace = evaluated().trace();
  const graph = deriveGraph(trace, 0);
  assert.deepEqual(graph.nodes.map(n => `${n.name} ${n.row}`), ['linear 2', 'sum 3', 'data -1']);
  assert.deepEqual(graph.modules.map(m => m.key), ['net']);
  assert.deepEqual([[...graph.gradientless.rows], graph.gradientless.passes], [[0, 1, 4], 1]);
  assert.equal(deriveGraph(trace, 0, true).nodes.filter(n => n.kind === 'op').length, 5);
});

test('what ran after the backward is the newest pass and stays', () => {
  const net = evaluated();
  const weight = net.tensor('2,1', PARAMETER, -1, 'net.weight');
  const x = net.output(net.op('div', [net.tensor('4,1', DATA)]));
  net.op('linear', [x, weight], net.call('net'));
  const graph = deriveGraph(net.trace(), 0);
  const ops = graph.nodes.filter(n => n.kind === 'op').map(n => `${n.name} ${n.row}`);
  assert.deepEqual(ops, ['linear 2', 'sum 3', 'div 6', 'linear 7']);
  assert.deepEqual([[...graph.gradientless.rows], graph.gradientless.passes], [[0, 1, 4], 1]);
});

test('a pass that only ends after the backward stays whole', () => {
  const net = new Net();
  const kept = net.output(net.op('exp', [net.tensor('4', DATA)]));
  const loss = net.op('sum', [net.tensor('4', DATA)]);
  net.op('sum', [], -1, 1, loss);
  net.op('argmax', [kept]);
  assert.equal(deriveGraph(net.trace(), 0).gradientless.rows.size, 0);
});

test('all passes are shown with an error, or before the backward', () => {
  const failed = evaluated();
  failed.writer.add('errors', { op: 4, kind: 'RuntimeError', message: 'no' });
  const before = evaluated();
  before.writer.rows['ops'].pop();
  for (const net of [failed, before]) {
    const graph = deriveGraph(net.trace(), 0);
    assert.equal(graph.nodes.filter(n => n.kind === 'op').length, 5);
    assert.equal(graph.gradientless.rows.size, 0);
  }
});

test('what a training pass reads or gives belongs to it, with or without a gradient', () => {
  const net = new Net();
  const scaled = net.output(net.op('div', [net.tensor('4', DATA)]));
  const loss = net.op('sum', [scaled]);
  net.output(net.op('detach', [net.output(loss)]));
  net.op('sum', [], -1, 1, loss);
  assert.equal(deriveGraph(net.trace(), 0).nodes.filter(n => n.kind === 'op').length, 3);
});

test('a shared module appears once for each call', () => {
  const net = new Net();
  const root = net.call('net');
  const h = net.output(net.op('tanh', [net.tensor('4', DATA)], net.call('net.cell', root)));
  net.output(net.op('tanh', [h], net.call('net.cell', root)));
  const { modules } = deriveGraph(net.trace(), 0);
  assert.deepEqual(modules.map(m => m.key), ['net', 'net.cell', 'net.cell#2']);
});

test('an in-place op follows what was written before it', () => {
  const net = new Net();
  const t = net.output(net.op('zeros', []));
  net.output(net.op('add_', [t]), t);
  net.output(net.op('mul_', [t]), t);
  assert.deepEqual(edges(deriveGraph(net.trace(), 0)), ['zeros>add_', 'add_>mul_']);
});

test('the signature is the same for the same structure and not for another', () => {
  const net = small();
  net.iteration = 1;
  const x = net.tensor('9,1', DATA);
  const root = net.call('net', -1, 'Net()');
  const fc = net.call('net.fc', root, 'Linear(1, 2)');
  const a = net.output(net.op('linear', [x, 1], fc));
  const b = net.output(net.op('relu', [a], root));
  net.output(net.op('add', [b, a], root));
  const trace = net.trace();
  assert.equal(deriveGraph(trace, 0).signature, deriveGraph(trace, 1).signature);
  net.output(net.op('neg', [a], root));
  assert.notEqual(deriveGraph(net.trace(), 1).signature, deriveGraph(trace, 1).signature);
});

test('a failing op is marked, with the modules around it', () => {
  const net = small();
  const root = net.call('net');
  const op = net.op('matmul', [0], net.call('net.head', root));
  net.writer.add('errors', { op, kind: 'RuntimeError', message: 'shapes', tick: 99 });
  const graph = deriveGraph(net.trace(), 0);
  assert.deepEqual(graph.nodes.filter(n => n.failed).map(n => n.name), ['matmul']);
  assert.deepEqual(graph.modules.filter(m => m.failed).map(m => m.path), ['net', 'net.head']);
  assert.deepEqual(graph.errors.map(e => [e.kind, e.message]), [['RuntimeError', 'shapes']]);
});

test('dangling rows and cycles of calls do no harm', () => {
  const net = new Net();
  net.writer.add('calls', { module: 99, parent: 1 });
  net.writer.add('calls', { module: -1, parent: 0 });
  net.writer.add('calls', { module: 0, parent: 2 });
  for (const call of [0, 1, 2, 77, -5]) {
    net.output(net.op('add', [1000, -3, 0], call), 12345);
  }
  net.writer.add('uses', { op: 999, tensor: 0, role: 0 });
  net.writer.add('uses', { op: -1, tensor: 0, role: 1 });
  net.writer.add('categories', { block: 500, category: 3 });
  net.writer.add('errors', { op: 700, call: 800, line: 900, kind: 'E', message: '' });
  const trace = net.trace();
  const graph = deriveGraph(trace, 0);
  assert.equal(graph.nodes.length, 5);
  nodeValues(trace, graph);
  graph.nodes.forEach(node => opDetails(trace, node.row));
});

test('a chain of 100,000 ops and modules nested 100,000 deep', () => {
  const net = new Net();
  let t = net.tensor('4', DATA);
  let call = -1;
  for (let i = 0; i < 100_000; i++) {
    call = net.call('net', call);
    t = net.output(net.op('relu', [t], call));
  }
  const graph = deriveGraph(net.trace(), 0);
  assert.equal(graph.from.length, 100_000);
  assert.ok(Math.max(...graph.modules.map(m => m.depth)) <= 64);
});

test('time, bytes and statistics of nodes and modules', () => {
  const net = small();
  net.op('linear', [], -1, 1, 0);
  const statistics = { tensor: 2, tick: 9, zeros: 0.25, norm: 3, preview_shape: '2,2' };
  net.writer.add('statistics', { ...statistics, kind: 0, preview: [1, 2, 3, 4] });
  net.writer.add('statistics', { ...statistics, kind: 1 });
  net.writer.add('gradients', { iteration: 0, name: 'net.fc.weight', norm: 7 });
  const trace = net.trace();
  const graph = deriveGraph(trace, 0);
  const values = nodeValues(trace, graph);
  assert.deepEqual([...values.reached], [1, 0, 0, 0]);
  assert.deepEqual([values.gradient[0], values.zeros[0], values.bytes[0]], [3, 0.25, 16]);
  const times = moduleMetrics(graph, values, 'time', 'forward');
  assert.deepEqual([...times], [3, 1]);
  assert.deepEqual(sampleOf(trace, graph, 2, 'value')?.values, [1, 2, 3, 4]);
  assert.equal(sampleOf(trace, graph, 3, 'value'), null);
  const [parameter] = parametersOf(trace, graph, 'net.fc');
  assert.deepEqual([parameter.name, parameter.shape, parameter.gradient], ['net.fc.weight', '2,1', 7]);
});

test('details name arguments, roles and time', () => {
  const net = small();
  net.writer.rows['ops'][0]['arguments'] = 'bias=False';
  net.op('linear', [], -1, 1, 0);
  const details = opDetails(net.trace(), 0);
  assert.equal(details.arguments, 'bias=False');
  assert.deepEqual(details.inputs.map(t => t.shape), ['4,1', '2,1']);
  assert.deepEqual([details.forward, details.backward, details.source], [1, 1, null]);
});
