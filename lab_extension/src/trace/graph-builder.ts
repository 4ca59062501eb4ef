import type { Graph, GraphError, GraphModule, GraphNode } from './graph';
import { Hash } from './hash';
import { lookup } from './lookup';
import { gradientless, parameterTest } from './passes';
import { CATEGORIES } from './schema';
import { errorsOf } from './timeline';
import type { Trace } from './trace';

const INPUT = 0;
const OUTPUT = 1;
const PARAMETER = CATEGORIES.indexOf('parameter');
const BUFFER = CATEGORIES.indexOf('buffer');
const OTHER = CATEGORIES.indexOf('other');

/** Modules nested deeper than this are drawn in the one around them. */
const DEEPEST = 64;

export class GraphBuilder {
  private readonly nodes: GraphNode[] = [];
  private readonly modules: GraphModule[] = [];
  private readonly edges: { from: number[]; to: number[]; carries: number[] };
  private readonly moduleOfCall = new Map<number, number>();
  private readonly callsOfPath = new Map<string, number>();
  private readonly nodeOfOp = new Map<number, number>();
  private readonly isParameter: (tensor: number) => boolean;

  constructor(
    private readonly trace: Trace,
    private readonly iteration: number,
    private readonly whole: boolean
  ) {
    this.edges = { from: [], to: [], carries: [] };
    this.isParameter = parameterTest(trace);
  }

  build(): Graph {
    const rows = this.forwardRows();
    const aside = gradientless(this.trace, this.iteration, rows);
    this.addOps(this.whole ? rows : rows.filter(row => !aside.rows.has(row)));
    this.addEdges();
    this.findOutputs();
    const errors = errorsOf(this.trace, this.iteration).map(row => this.addError(row));
    return {
      iteration: this.iteration,
      epoch: this.trace.epoch,
      segment: this.trace.segment,
      nodes: this.nodes,
      modules: this.modules,
      from: Int32Array.from(this.edges.from),
      to: Int32Array.from(this.edges.to),
      carries: Int32Array.from(this.edges.carries),
      errors,
      gradientless: aside,
      signature: this.signature()
    };
  }

  private forwardRows(): number[] {
    const iterations = this.trace.column('ops', 'iteration');
    const phases = this.trace.column('ops', 'phase');
    const rows: number[] = [];
    for (let row = Math.max(iterations.indexOf(this.iteration), 0); row < phases.length; row++) {
      if (iterations[row] === this.iteration && phases[row] === 0) {
        rows.push(row);
      }
    }
    return rows;
  }

  private addOps(rows: number[]): void {
    const names = this.trace.column('ops', 'name');
    const calls = this.trace.column('ops', 'call');
    for (const row of rows) {
      const name = this.trace.text(names[row]) || 'op';
      const node = this.addNode('op', row, name, this.moduleFor(calls[row]));
      this.nodeOfOp.set(row, node.id);
    }
    this.countOps();
  }

  private countOps(): void {
    for (const { module } of this.nodes) {
      if (module >= 0) {
        this.modules[module].ops += 1;
      }
    }
    for (let m = this.modules.length - 1; m >= 0; m--) {
      const { parent, ops } = this.modules[m];
      if (parent >= 0) {
        this.modules[parent].ops += ops;
      }
    }
  }

  private addNode(kind: GraphNode['kind'], row: number, name: string, module: number): GraphNode {
    const id = this.nodes.length;
    const nth = kind === 'op' ? id : id - this.nodeOfOp.size;
    const node = { kind, id, nth, row, name, module, tensor: -1, shape: null, failed: false };
    this.nodes.push(node);
    return node;
  }

  /** The module of a call, made with those around it when first seen. */
  private moduleFor(call: number): number {
    const parents = this.trace.column('calls', 'parent');
    const fresh: number[] = [];
    let at = call;
    while (at >= 0 && at < parents.length && !this.moduleOfCall.has(at)) {
      fresh.push(at);
      at = parents[at] < at ? parents[at] : -1; // a parent begins before: no cycle passes
    }
    let module = this.moduleOfCall.get(at) ?? -1;
    for (const one of fresh.reverse()) {
      const tooDeep = module >= 0 && this.modules[module].depth >= DEEPEST;
      module = tooDeep ? module : this.addModule(one, module);
      this.moduleOfCall.set(one, module);
    }
    return module;
  }

  private addModule(call: number, parent: number): number {
    const row = this.trace.column('calls', 'module')[call];
    const path = this.trace.text(this.trace.column('modules', 'path')[row]);
    const kind = this.trace.text(this.trace.column('modules', 'kind')[row]);
    const nth = (this.callsOfPath.get(path) ?? 0) + 1;
    this.callsOfPath.set(path, nth);
    const id = this.modules.length;
    this.modules.push({
      id,
      call,
      path,
      name: path.split('.').pop() || kind.split('(')[0] || 'module',
      kind,
      key: nth === 1 ? path : `${path}#${nth}`,
      parent,
      depth: parent < 0 ? 0 : this.modules[parent].depth + 1,
      ops: 0,
      output: -1,
      failed: false
    });
    return id;
  }

  /** Walks the ops in order, so that an in-place op follows what was written before it. */
  private addEdges(): void {
    const uses = lookup(this.trace).usesOfOp;
    const tensors = this.trace.column('uses', 'tensor');
    const roles = this.trace.column('uses', 'role');
    const count = this.trace.rows('tensors');
    const source = new Int32Array(count).fill(-1);
    for (const [row, id] of this.nodeOfOp) {
      const mine = uses.of(row);
      for (const use of mine) {
        if (roles[use] === INPUT && tensors[use] >= 0 && tensors[use] < count) {
          this.connect(source, tensors[use], id);
        }
      }
      for (const use of mine) {
        if (roles[use] === OUTPUT && tensors[use] >= 0 && tensors[use] < count) {
          source[tensors[use]] = id;
          this.describe(this.nodes[id], tensors[use]);
        }
      }
    }
  }

  private connect(source: Int32Array, tensor: number, to: number): void {
    if (this.isParameter(tensor)) {
      return; // told of by the op that uses it
    }
    if (source[tensor] < 0) {
      source[tensor] = this.addData(tensor);
    }
    if (source[tensor] >= 0) {
      this.edges.from.push(source[tensor]);
      this.edges.to.push(to);
      this.edges.carries.push(tensor);
    }
  }

  private categoryOf(tensor: number): number {
    const block = this.trace.column('tensors', 'block')[tensor];
    return lookup(this.trace).categories[block] ?? OTHER;
  }

  /** A node for a tensor that no op of this iteration made; -1 for nameless parameters and for
   *  nameless scalars, which are constants. */
  private addData(tensor: number): number {
    const category = this.categoryOf(tensor);
    const shape = this.trace.text(this.trace.column('tensors', 'shape')[tensor]);
    if (category === PARAMETER || category === BUFFER || (category === OTHER && shape === '')) {
      return -1;
    }
    const name = this.trace.text(this.trace.column('tensors', 'name')[tensor]);
    const node = this.addNode('data', -1, name || CATEGORIES[category] || 'data', -1);
    this.describe(node, tensor);
    return node.id;
  }

  private describe(node: GraphNode, tensor: number): void {
    if (node.tensor < 0) {
      node.tensor = tensor;
      node.shape = this.trace.text(this.trace.column('tensors', 'shape')[tensor]);
    }
  }

  /** The op that gives a module's output: the last one whose tensor leaves it. */
  private findOutputs(): void {
    const { from, to } = this.edges;
    for (let e = 0; e < from.length; e++) {
      const inside = this.around(this.nodes[to[e]].module);
      let m = this.nodes[from[e]].module;
      for (; m >= 0 && !inside.has(m); m = this.modules[m].parent) {
        this.modules[m].output = Math.max(this.modules[m].output, from[e]);
      }
    }
    const last = this.lastOps();
    this.modules.forEach((m, id) => (m.output = m.output < 0 ? last[id] : m.output));
  }

  /** The last op of each module, for one that nothing leaves (yet). */
  private lastOps(): Int32Array {
    const last = new Int32Array(this.modules.length).fill(-1);
    for (const node of this.nodes) {
      if (node.module >= 0) {
        last[node.module] = node.id;
      }
    }
    for (let m = last.length - 1; m >= 0; m--) {
      const parent = this.modules[m].parent;
      if (parent >= 0) {
        last[parent] = Math.max(last[parent], last[m]);
      }
    }
    return last;
  }

  private readonly chains = new Map<number, Set<number>>();

  private around(module: number): Set<number> {
    let chain = this.chains.get(module);
    if (!chain) {
      chain = new Set();
      for (let m = module; m >= 0; m = this.modules[m].parent) {
        chain.add(m);
      }
      this.chains.set(module, chain);
    }
    return chain;
  }

  private addError(row: number): GraphError {
    const value = (name: string) => this.trace.column('errors', name)[row];
    const node = this.nodeOfOp.get(value('op')) ?? -1;
    const module = node >= 0 ? this.nodes[node].module : this.moduleFor(value('call'));
    if (node >= 0) {
      this.nodes[node].failed = true;
    }
    for (let m = module; m >= 0; m = this.modules[m].parent) {
      this.modules[m].failed = true;
    }
    const kind = this.trace.text(value('kind'));
    return { row, kind, message: this.trace.text(value('message')), node, module };
  }

  private signature(): string {
    const hash = new Hash();
    for (const node of this.nodes) {
      hash.add(node.module);
      hash.text(node.name);
    }
    for (const module of this.modules) {
      hash.add(module.parent);
      hash.text(module.key);
    }
    this.edges.from.forEach((from, e) => {
      hash.add(from);
      hash.add(this.edges.to[e]);
    });
    return hash.toString();
  }
}
