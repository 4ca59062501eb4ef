// The search in progress: its hits, and which of them is looked at.

import type { Graph } from '../../trace/graph';
import type { Trace } from '../../trace/trace';
import { Search } from './search';
import type { Hit } from './search';

export class Finder {
  hits: Hit[] = [];
  private query = '';
  private at = -1;
  private readonly search: Search;

  constructor(trace: Trace) {
    this.search = new Search(trace);
  }

  find(graph: Graph | null, query: string): void {
    this.query = query;
    this.at = -1;
    this.again(graph);
  }

  /** The same search in another graph. */
  again(graph: Graph | null): void {
    this.hits = graph && this.query ? this.search.find(graph, this.query) : [];
    this.at = Math.min(this.at, this.hits.length - 1);
  }

  next(step: number): Hit | null {
    const count = this.hits.length;
    if (count === 0) {
      return null;
    }
    const from = this.at < 0 && step < 0 ? 0 : this.at;
    this.at = (from + step + count) % count;
    return this.hits[this.at];
  }

  /** "3 of 12" */
  get summary(): string {
    if (!this.query.trim()) {
      return '';
    }
    const count = this.hits.length;
    return count === 0 ? 'none' : this.at < 0 ? `${count} found` : `${this.at + 1} of ${count}`;
  }
}
