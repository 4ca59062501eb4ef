// Finds nodes and modules by name, shape, source line or place.

import type { Graph } from '../../trace/graph';
import type { Trace } from '../../trace/trace';
import { formatPlace, formatShape } from '../format';

/** 32x16 and 32*16 mean 32×16. */
const BETWEEN = /(?<=\d)[x*](?=\d)/g;

export interface Hit {
  kind: 'node' | 'module';
  ref: number;
}

export class Search {
  private graph: Graph | null = null;
  private texts: string[] = [];
  private moduleTexts: string[] = [];

  constructor(private readonly trace: Trace) {}

  /** Hits for all words of the query, modules before the ops inside them. */
  find(graph: Graph, query: string): Hit[] {
    const words = query.toLowerCase().replace(BETWEEN, '×').split(/\s+/).filter(w => w);
    if (words.length === 0) {
      return [];
    }
    this.index(graph);
    const matches = (text: string) => words.every(word => text.includes(word));
    const hits: Hit[] = [];
    this.moduleTexts.forEach((text, ref) => {
      if (matches(text)) {
        hits.push({ kind: 'module', ref });
      }
    });
    this.texts.forEach((text, ref) => {
      if (matches(text)) {
        hits.push({ kind: 'node', ref });
      }
    });
    return hits;
  }

  private index(graph: Graph): void {
    if (this.graph === graph) {
      return;
    }
    this.graph = graph;
    const stale = graph.epoch !== this.trace.epoch;
    this.texts = graph.nodes.map(node => {
      const source = stale || node.row < 0 ? '' : this.source(node.row);
      const shape = node.shape === null ? '' : `${formatShape(node.shape)} ${node.shape}`;
      return `${node.name} ${shape} ${source}`.toLowerCase();
    });
    this.moduleTexts = graph.modules.map(m => `${m.path} ${m.kind}`.toLowerCase());
  }

  private source(op: number): string {
    const row = this.trace.column('ops', 'line')[op];
    const value = (name: string) => this.trace.column('lines', name)[row];
    if (!(row >= 0 && row < this.trace.rows('lines'))) {
      return '';
    }
    const place = formatPlace(this.trace.text(value('file')), value('line'), value('cell'));
    return `${this.trace.text(value('text'))} ${place}`;
  }
}
