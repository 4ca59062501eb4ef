// What is drawn of a graph when some of its modules are opened: boxes in boxes, lines between.

import type { Graph, GraphModule, GraphNode } from '../../trace/graph';

export type ItemKind = 'op' | 'data' | 'module' | 'group' | 'root';

/** A box: an op, a tensor from outside, a closed module, or an opened one (group). */
export interface Item {
  index: number;
  kind: ItemKind;
  /** Index into `Graph.nodes` or `Graph.modules`. */
  ref: number;
  /** Stays the same between iterations and when other modules are opened. */
  key: string;
  /** Index of the group around it, -1 for the root. */
  parent: number;
  depth: number;
  /** Place in the picture, and inside its group. */
  x: number;
  y: number;
  dx: number;
  dy: number;
  width: number;
  height: number;
  /** Where lines meet it, from its left edge. */
  anchor: number;
  rank: number;
}

/** A line between two items of one group, or between the group's own border and one of them. */
export interface Wire {
  from: number;
  to: number;
  /** The group it is drawn in. */
  group: number;
  /** Lane beside the boxes when it skips some; -1 direct. */
  lane: number;
  /** The turning points, relative to the group; filled in by the layout. */
  path: Float32Array;
}

export interface Scene {
  graph: Graph;
  items: Item[];
  wires: Wire[];
  /** A wire's index by `from * items.length + to`. */
  wireIndex: Map<number, number>;
  children: number[][];
  /** The item that shows a node or module: itself, or the closed module around it. */
  itemOfNode: Int32Array;
  itemOfModule: Int32Array;
  width: number;
  height: number;
}

const ROOT = 0;

export class SceneBuilder {
  private readonly items: Item[] = [];
  private readonly children: number[][] = [];
  private readonly wires: Wire[] = [];
  private readonly wireIndex = new Map<number, number>();
  private readonly itemOfNode: Int32Array;
  private readonly itemOfModule: Int32Array;

  constructor(
    private readonly graph: Graph,
    private readonly opened: ReadonlySet<string>
  ) {
    this.itemOfNode = new Int32Array(graph.nodes.length).fill(-1);
    this.itemOfModule = new Int32Array(graph.modules.length).fill(-1);
  }

  build(): Scene {
    this.addItem('root', -1, '', -1);
    this.addItems();
    this.addWires();
    const { graph, items, wires, wireIndex, children, itemOfNode, itemOfModule } = this;
    const size = { width: 0, height: 0 };
    return { graph, items, wires, wireIndex, children, itemOfNode, itemOfModule, ...size };
  }

  private addWires(): void {
    const { graph, items, itemOfNode } = this;
    const seen = new Set<number>();
    for (let e = 0; e < graph.from.length; e++) {
      const a = itemOfNode[graph.from[e]];
      const b = itemOfNode[graph.to[e]];
      const key = a * items.length + b;
      if (!seen.has(key)) {
        seen.add(key);
        piecesBetween(items, a, b, (from, to, group) => this.addWire(from, to, group));
      }
    }
  }

  /** In tape order, data just before the op that reads it first. */
  private addItems(): void {
    const { graph } = this;
    const incoming = dataInputs(graph);
    for (const node of graph.nodes) {
      if (node.kind === 'op') {
        incoming.get(node.id)?.forEach(id => this.place(graph.nodes[id], ROOT));
        const around = this.itemFor(node.module);
        this.place(node, around);
      }
    }
    for (const module of graph.modules) {
      this.itemFor(module.id); // one that failed before its first op
    }
  }

  private place(node: GraphNode, around: number): void {
    if (this.itemOfNode[node.id] < 0) {
      const inside = this.items[around].kind === 'module';
      this.itemOfNode[node.id] = inside
        ? around
        : this.addItem(node.kind, node.id, nodeItemKey(this.graph, node), around);
    }
  }

  /** The item of a module, made with those around it. Depth is bounded by the graph. */
  private itemFor(module: number): number {
    if (module < 0) {
      return ROOT;
    }
    if (this.itemOfModule[module] < 0) {
      const { key, parent, ops } = this.graph.modules[module];
      const around = this.itemFor(parent);
      const closed = this.items[around].kind === 'module';
      const kind = this.opened.has(key) && ops > 0 ? 'group' : 'module';
      this.itemOfModule[module] = closed
        ? around
        : this.addItem(kind, module, moduleItemKey(this.graph.modules[module]), around);
    }
    return this.itemOfModule[module];
  }

  private addItem(kind: ItemKind, ref: number, key: string, parent: number): number {
    const index = this.items.length;
    const depth = parent < 0 ? 0 : this.items[parent].depth + 1;
    const place = { x: 0, y: 0, dx: 0, dy: 0, width: 0, height: 0, anchor: 0, rank: 0 };
    this.items.push({ index, kind, ref, key, parent, depth, ...place });
    this.children.push([]);
    if (parent >= 0) {
      this.children[parent].push(index);
    }
    return index;
  }

  private addWire(from: number, to: number, group: number): void {
    const key = from * this.items.length + to;
    if (!this.wireIndex.has(key)) {
      this.wireIndex.set(key, this.wires.length);
      this.wires.push({ from, to, group, lane: -1, path: new Float32Array(0) });
    }
  }
}

/** Cuts the way from item a to item b at the borders of groups: out of those around a alone,
 *  across, into those around b alone. */
export function piecesBetween(
  items: Item[],
  a: number,
  b: number,
  piece: (from: number, to: number, group: number) => void
): void {
  if (a === b || a < 0 || b < 0) {
    return;
  }
  while (items[a].depth > items[b].depth) {
    piece(a, items[a].parent, items[a].parent);
    a = items[a].parent;
  }
  while (items[b].depth > items[a].depth) {
    piece(items[b].parent, b, items[b].parent);
    b = items[b].parent;
  }
  while (items[a].parent !== items[b].parent) {
    piece(a, items[a].parent, items[a].parent);
    piece(items[b].parent, b, items[b].parent);
    a = items[a].parent;
    b = items[b].parent;
  }
  if (a !== b) {
    piece(a, b, items[a].parent);
  }
}

export function nodeItemKey(graph: Graph, node: GraphNode): string {
  return `${node.kind}:${node.nth}:${graph.modules[node.module]?.key ?? ''}:${node.name}`;
}

export function moduleItemKey(module: GraphModule): string {
  return `module:${module.key}`;
}

function dataInputs(graph: Graph): Map<number, number[]> {
  const inputs = new Map<number, number[]>();
  graph.from.forEach((from, e) => {
    if (graph.nodes[from].kind === 'data') {
      const list = inputs.get(graph.to[e]);
      if (list) {
        list.push(from);
      } else {
        inputs.set(graph.to[e], [from]);
      }
    }
  });
  return inputs;
}

/** Which modules to open at first: those around everything, so that their parts are seen. Of
 *  many calls of one module the first stands for all. */
export function openedAtFirst(graph: Graph): Set<string> {
  const opened = new Set<string>();
  const parents = new Set(graph.modules.map(m => m.parent));
  let level = graph.modules.filter(m => m.parent < 0 && m.key === m.path);
  while (level.length > 0 && level.length <= 2 && level.some(m => parents.has(m.id))) {
    level.forEach(m => opened.add(m.key));
    const inside = new Set(level.map(m => m.id));
    level = graph.modules.filter(m => inside.has(m.parent));
    if (level.length > 1) {
      break;
    }
  }
  return opened;
}
