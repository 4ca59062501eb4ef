// What the graph view shows, without how: graph, opened modules, selection, metric.

import { deriveGraph, enclosing } from '../../trace/graph';
import type { Graph } from '../../trace/graph';
import { nodeValues } from '../../trace/metrics';
import type { Direction, Metric, NodeValues } from '../../trace/metrics';
import type { Session } from '../../trace/session';
import { isComplete, shownIteration } from '../../trace/timeline';
import { layout } from './layout';
import { measure } from './measure';
import type { Measures } from './measure';
import { openedAtFirst, SceneBuilder } from './scene';
import type { Item, Scene } from './scene';
import type { Hit } from './search';

export interface Change {
  /** The graph is another one or has other values. */
  graph: boolean;
  /** Boxes were placed anew; `before` is what was drawn until now. */
  scene: boolean;
  before: Scene | null;
}

const NOTHING: Change = { graph: false, scene: false, before: null };

/** How long a half-recorded iteration may grow before it replaces a whole one on the screen. */
const PATIENCE = 600;
/** A refresh that took longer than this many milliseconds is followed by a rest, in which the page
 *  has time for other things: this many times as long. */
const HEAVY = 16;
const REST = 4;

export class GraphModel {
  graph: Graph | null = null;
  scene: Scene | null = null;
  values: NodeValues | null = null;
  measures: Measures | null = null;
  metric: Metric = 'none';
  direction: Direction = 'forward';
  /** null until the user, Python or the first graph said what to open. */
  opened: Set<string> | null = null;
  /** With the passes that led to no gradients. */
  whole = false;

  private version = -1;
  private iteration: number | null = null;
  private pendingSince = -1;
  private restUntil = 0;
  private resting = false;

  constructor(private readonly session: Session) {}

  /** Takes in what the trace has now. */
  refresh(now: number): Change {
    const { trace } = this.session;
    const iteration = shownIteration(this.session);
    const same = trace.version === this.version && iteration === this.iteration;
    if (iteration === null || (same && this.pendingSince < 0)) {
      return NOTHING;
    }
    this.resting = now < this.restUntil && this.session.cursor.iteration === null;
    if (this.resting) {
      return NOTHING;
    }
    this.version = trace.version;
    this.iteration = iteration;
    const graph = deriveGraph(trace, iteration, this.whole);
    const change = this.settled(graph, now) ? this.adopt(graph) : NOTHING;
    const cost = performance.now() - now;
    this.restUntil = cost > HEAVY ? now + (1 + REST) * cost : 0;
    return change;
  }

  /** Whether to refresh again soon: a new iteration is waited for until it looks whole, or the
   *  last refresh was heavy. */
  get pending(): boolean {
    return this.pendingSince >= 0 || this.resting;
  }

  /** Shows or leaves out the passes without gradients, from the next refresh on. */
  showWhole(whole: boolean): void {
    if (whole !== this.whole) {
      this.whole = whole;
      this.version = -1;
      this.restUntil = 0;
    }
  }

  /** Whether one of these rows of `ops` is not shown because it led to no gradients. */
  leavesOut(ops: number[]): boolean {
    const rows = this.graph?.gradientless.rows;
    return !this.whole && ops.some(op => rows?.has(op));
  }

  private settled(graph: Graph, now: number): boolean {
    const old = this.graph;
    const settled =
      !old ||
      graph.signature === old.signature ||
      graph.nodes.length >= old.nodes.length ||
      graph.errors.length + old.errors.length > 0 ||
      graph.iteration === old.iteration ||
      this.session.cursor.iteration !== null ||
      isComplete(this.session.trace, graph.iteration) ||
      (this.pendingSince >= 0 && now - this.pendingSince > PATIENCE);
    this.pendingSince = settled ? -1 : this.pendingSince < 0 ? now : this.pendingSince;
    return settled;
  }

  private adopt(graph: Graph): Change {
    const before = this.scene;
    const sameShape = graph.signature === this.graph?.signature;
    this.graph = graph;
    this.values = nodeValues(this.session.trace, graph);
    this.openFailures(graph);
    if (sameShape && this.scene) {
      this.scene.graph = graph;
      this.remeasure();
      return { graph: true, scene: false, before: null };
    }
    this.rebuild();
    return { graph: true, scene: true, before };
  }

  private openFailures(graph: Graph): void {
    for (const error of graph.errors) {
      const keys = enclosing(graph, error.module).map(m => m.key);
      this.opened = new Set([...(this.opened ?? openedAtFirst(graph)), ...keys]);
    }
  }

  private rebuild(): void {
    const graph = this.graph as Graph;
    this.scene = layout(new SceneBuilder(graph, this.opened ?? openedAtFirst(graph)).build());
    this.remeasure();
  }

  private remeasure(): void {
    if (this.scene && this.values) {
      this.measures = measure(this.scene, this.values, this.metric, this.direction);
    }
  }

  paint(metric: Metric, direction: Direction): void {
    this.metric = metric;
    this.direction = direction;
    this.remeasure();
  }

  /** Opens exactly these modules. Returns what was drawn before, null when nothing changed. */
  open(keys: Iterable<string>): Scene | null {
    const next = new Set(keys);
    const now = this.openKeys;
    const same = next.size === now.size && [...next].every(key => now.has(key));
    this.opened = next;
    if (same || !this.graph) {
      return null;
    }
    const before = this.scene;
    this.rebuild();
    return before;
  }

  toggle(key: string): Scene | null {
    const keys = new Set(this.openKeys);
    if (!keys.delete(key)) {
      keys.add(key);
    }
    return this.open(keys);
  }

  /** Opens what is around a hit, so that it has an item of its own. */
  openTo(hit: Hit): Scene | null {
    const graph = this.graph as Graph;
    const module = hit.kind === 'node' ? graph.nodes[hit.ref].module : graph.modules[hit.ref].parent;
    return this.open([...this.openKeys, ...enclosing(graph, module).map(m => m.key)]);
  }

  openAll(): Scene | null {
    return this.open((this.graph?.modules ?? []).map(m => m.key));
  }

  closeAll(): Scene | null {
    return this.open(this.graph ? openedAtFirst(this.graph) : []);
  }

  get openKeys(): ReadonlySet<string> {
    return this.opened ?? (this.graph ? openedAtFirst(this.graph) : new Set<string>());
  }

  /** The item on which a hit can be seen. */
  itemOf(hit: Hit): Item | null {
    const { scene } = this;
    const index = hit.kind === 'node' ? scene?.itemOfNode[hit.ref] : scene?.itemOfModule[hit.ref];
    return scene?.items[index ?? -1] ?? null;
  }
}

/** What an item stands for. */
export function hitOf(item: Item): Hit {
  const isNode = item.kind === 'op' || item.kind === 'data';
  return { kind: isNode ? 'node' : 'module', ref: item.ref };
}
