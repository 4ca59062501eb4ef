// Keeps the graph view's selection and the session's the same, and alive between iterations.

import type { Graph } from '../../trace/graph';
import type { Selection, Session } from '../../trace/session';
import { moduleItemKey, nodeItemKey } from './scene';
import type { Hit } from './search';

export class GraphSelection {
  /** What the inspector shows. */
  hit: Hit | null = null;
  /** All that is marked: the hit, or the ops and modules that another view selected. */
  hits: Hit[] = [];
  private key = '';
  private known: Selection | null = null;

  constructor(private readonly session: Session) {}

  choose(graph: Graph | null, hit: Hit | null): void {
    this.hit = hit;
    this.hits = hit ? [hit] : [];
    this.key = hit && graph ? keyOf(graph, hit) : '';
    this.session.select(selectionOf(graph, hit));
    this.known = this.session.selection;
  }

  /** Whether the session's selection has not been followed yet. */
  get isNew(): boolean {
    return this.session.selection !== this.known;
  }

  /** Follows the session. True: something else was selected from outside. */
  follow(graph: Graph): boolean {
    const { selection } = this.session;
    if (selection === this.known) {
      return false;
    }
    const lost = this.hit !== null && selection.ops.length === 0;
    if (lost && selection.path === this.known?.path) {
      this.known = selection; // a new segment took the rows away, not the user
      return false;
    }
    this.known = selection;
    this.hits = resolve(graph, selection);
    this.hit = this.hits[0] ?? null;
    this.key = this.hit ? keyOf(graph, this.hit) : '';
    return this.hit !== null;
  }

  /** Finds the same node in another iteration's graph. */
  carryOver(graph: Graph): void {
    const { hit } = this;
    if (!hit) {
      this.hits = resolve(graph, this.session.selection);
      return;
    }
    const list = hit.kind === 'node' ? graph.nodes : graph.modules;
    const same = hit.ref < list.length && keyOf(graph, hit) === this.key ? hit : null;
    const found = same ?? (hit.kind === 'module' ? this.moduleByKey(graph) : null);
    this.hit = found;
    this.hits = found ? [found] : [];
    const selection = found ? selectionOf(graph, found) : { ops: [] };
    this.session.restore(selection);
    this.known = this.session.selection;
  }

  private moduleByKey(graph: Graph): Hit | null {
    const ref = graph.modules.findIndex(m => moduleItemKey(m) === this.key);
    return ref >= 0 ? { kind: 'module', ref } : null;
  }
}

function keyOf(graph: Graph, hit: Hit): string {
  return hit.kind === 'node'
    ? nodeItemKey(graph, graph.nodes[hit.ref])
    : moduleItemKey(graph.modules[hit.ref]);
}

function selectionOf(graph: Graph | null, hit: Hit | null): Selection {
  if (!graph || !hit) {
    return { ops: [], path: null };
  }
  if (hit.kind === 'module') {
    return { ops: [], path: graph.modules[hit.ref].path };
  }
  const { row, module } = graph.nodes[hit.ref];
  return { ops: row >= 0 ? [row] : [], path: graph.modules[module]?.path ?? null };
}

/** Nodes of the selected ops, or else the calls of the module at the path (or around it). */
function resolve(graph: Graph, { ops, path }: Selection): Hit[] {
  const rows = new Set(ops);
  const nodes = ops.length ? graph.nodes.filter(n => n.row >= 0 && rows.has(n.row)) : [];
  if (nodes.length > 0) {
    return nodes.map(node => ({ kind: 'node', ref: node.id }));
  }
  for (let at = path; at; at = at.includes('.') ? at.slice(0, at.lastIndexOf('.')) : '') {
    const calls = graph.modules.filter(m => m.path === at);
    if (calls.length > 0) {
      return calls.map(module => ({ kind: 'module', ref: module.id }));
    }
  }
  return [];
}
