import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Graph, GraphModule, GraphNode } from '../../src/trace/graph';
import { layout } from '../../src/views/graph/layout';
import { openedAtFirst, SceneBuilder } from '../../src/views/graph/scene';
import type { Item, Scene } from '../../src/views/graph/scene';
import { walk } from '../../src/views/graph/walk';

/** A graph of ops by hand: `modules` gives the module of each op, `edges` from and to. */
function graphOf(modules: number[], edges: [number, number][], parents: number[] = []): Graph {
  const nodes = modules.map((module, id): GraphNode => {
    return { kind: 'op', id, nth: id, row: id, tensor: -1, name: 'op', module, shape: null, failed: false };
  });
  const made = parents.map((parent, id): GraphModule => {
    const ops = modules.length;
    const names = { path: `m${id}`, name: `m${id}`, kind: '', key: `m${id}` };
    return { id, call: id, ...names, parent, depth: 0, ops, output: -1, failed: false };
  });
  const column = (end: 0 | 1) => Int32Array.from(edges, edge => edge[end]);
  const ends = { from: column(0), to: column(1), carries: column(0) };
  return { iteration: 0, epoch: 0, segment: 0, nodes, modules: made, ...ends, errors: [],
    gradientless: { rows: new Set<number>(), passes: 0 }, signature: '' };
}

const sceneOf = (graph: Graph, opened: string[] = []) =>
  layout(new SceneBuilder(graph, new Set(opened)).build());

function chain(length: number): [number, number][] {
  return Array.from({ length: length - 1 }, (_, i) => [i, i + 1]);
}

function overlap(a: Item, b: Item): boolean {
  const x = a.x < b.x + b.width && b.x < a.x + a.width;
  return x && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** Boxes of one group never overlap and lie inside it. */
function assertTidy(scene: Scene): void {
  scene.children.forEach((inside, g) => {
    const items = inside.map(index => scene.items[index]);
    const around = scene.items[g];
    for (const item of items) {
      assert.ok(item.x >= around.x && item.x + item.width <= around.x + around.width + 0.01);
      assert.ok(item.y >= around.y && item.y + item.height <= around.y + around.height + 0.01);
      items.filter(other => other !== item).forEach(other => assert.ok(!overlap(item, other)));
    }
  });
}

test('a chain runs straight down', () => {
  const { items } = sceneOf(graphOf([-1, -1, -1], chain(3)));
  const [, a, b, c] = items;
  assert.ok(a.y < b.y && b.y < c.y);
  assert.equal(a.x, c.x);
});

test('branches stand side by side, the join below them', () => {
  const scene = sceneOf(graphOf([-1, -1, -1, -1], [[0, 1], [0, 2], [1, 3], [2, 3]]));
  const [, a, b, c, d] = scene.items;
  assert.equal(b.y, c.y);
  assert.ok(b.x < c.x && d.y > c.y);
  assert.ok(Math.abs(a.x - d.x) < 0.01);
  assertTidy(scene);
});

test('a skip connection gets a lane beside the boxes', () => {
  const scene = sceneOf(graphOf([-1, -1, -1, -1], [...chain(4), [0, 3]]));
  const skip = scene.wires.find(wire => wire.lane >= 0);
  assert.ok(skip);
  const right = Math.max(...scene.items.slice(1).map(item => item.x + item.width));
  assert.ok(skip.path[4] > right);
});

test('closed modules hide their ops, opened ones hold them', () => {
  const graph = graphOf([0, 0, 1, 1, -1], chain(5), [-1, -1]);
  const closed = sceneOf(graph);
  assert.deepEqual(closed.items.map(i => i.kind), ['root', 'module', 'module', 'op']);
  assert.equal(closed.itemOfNode[0], closed.itemOfModule[0]);
  const opened = sceneOf(graph, ['m0']);
  assert.deepEqual(opened.items.map(i => i.kind), ['root', 'group', 'op', 'op', 'module', 'op']);
  assertTidy(opened);
  const keys = new Set(opened.items.map(item => item.key));
  assert.ok(closed.items.every(item => keys.has(item.key)));
});

test('lines are cut at the borders of groups', () => {
  const graph = graphOf([1, 3], [[0, 1]], [-1, 0, -1, 2]);
  const scene = sceneOf(graph, ['m0', 'm1', 'm2', 'm3']);
  assert.equal(scene.wires.length, 5); // out twice, across, in twice
  assertTidy(scene);
});

test('the same structure is laid out the same', () => {
  const edges: [number, number][] = [...chain(40), [3, 20], [5, 38], [7, 9], [1, 30]];
  const modules = Array.from({ length: 40 }, (_, i) => (i % 5 === 0 ? -1 : Math.floor(i / 8)));
  const make = () => sceneOf(graphOf(modules, edges, [-1, 0, 0, -1, 3]), ['m0', 'm3', 'm4']);
  const place = (scene: Scene) => scene.items.map(({ key, x, y }) => `${key} ${x} ${y}`);
  assert.deepEqual(place(make()), place(make()));
  assertTidy(make());
});

test('edges that run backwards and hidden self edges do no harm', () => {
  const scene = sceneOf(graphOf([-1, 0, -1, 0], [[2, 0], [3, 1], [1, 1], [0, 2]], [-1]), ['m0']);
  assertTidy(scene);
});

test('100,000 ops in a chain, flat and in modules, with skips', () => {
  const count = 100_000;
  const edges = chain(count);
  for (let i = 0; i + 40 < count; i += 10) {
    edges.push([i, i + 40]);
  }
  const flat = sceneOf(graphOf(new Array<number>(count).fill(-1), edges));
  assert.equal(flat.items.length, count + 1);
  assert.ok(flat.items[0].width < 1000);
  const modules = Array.from({ length: count }, (_, i) => Math.floor(i / 100));
  const parents = new Array<number>(count / 100).fill(-1);
  const graph = graphOf(modules, edges, parents);
  assert.equal(sceneOf(graph).items.length, 1001);
  const all = sceneOf(graph, graph.modules.map(m => m.key));
  assert.equal(all.items.length, count + 1001);
});

test('a fan of 50,000 and an op read 50,000 times', () => {
  const count = 50_000;
  const fan = Array.from({ length: count }, (_, i): [number, number] => [0, i + 1]);
  const scene = sceneOf(graphOf(new Array<number>(count + 1).fill(-1), fan));
  assert.equal(scene.items.length, count + 2);
});

test('what holds everything is opened at first', () => {
  assert.deepEqual([...openedAtFirst(graphOf([1, 2], [[0, 1]], [-1, 0, 0]))], ['m0']);
  assert.deepEqual([...openedAtFirst(graphOf([0, 1, 2], chain(3), [-1, -1, -1]))], []);
  assert.deepEqual([...openedAtFirst(graphOf([2, 3], [[0, 1]], [-1, 0, 1, 1]))], ['m0', 'm1']);
});

test('arrow keys follow the lines, in and out of groups', () => {
  const scene = sceneOf(graphOf([-1, 0, 0, -1], chain(4), [-1]), ['m0']);
  let item: Item | null = null;
  const down = () => {
    item = walk(scene, item, 'ArrowDown');
    return item?.key.split(':')[0];
  };
  const up = () => {
    item = walk(scene, item, 'ArrowUp');
    return item?.key.split(':')[0];
  };
  assert.deepEqual([down(), down(), down(), down(), down()], ['op', 'module', 'op', 'op', 'op']);
  assert.equal(walk(scene, item, 'ArrowDown'), null);
  assert.deepEqual([up(), up()], ['module', 'op']);
});
