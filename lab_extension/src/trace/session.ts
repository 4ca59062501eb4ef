// What all views of one page share: the trace, the selection, the time cursor, the status.

import { Trace } from './trace';

export interface Selection {
  /** Rows of `ops` in the current segment. */
  ops: number[];
  /** Path of the selected module or parameter's module. */
  path: string | null;
}

export interface Cursor {
  /** null: follow the latest complete iteration. */
  iteration: number | null;
  tick: number | null;
}

export interface Status {
  connected: boolean;
  recording: boolean;
  device: string;
  live: number;
  peak: number;
  iteration: number | null;
  /** A line for the user, such as "Kernel restarted: last picture kept"; '' when all is well. */
  message: string;
}

/** A window of a tensor's values, or the reason why there is none. */
export interface TensorReply {
  gone?: string;
  values?: Float32Array;
  shape?: number[];
  dtype?: string;
  window?: number[];
  statistics?: Record<string, unknown>;
}

type Requester = (message: object) => Promise<TensorReply>;

export class Session {
  readonly trace = new Trace();
  selection: Selection = { ops: [], path: null };
  cursor: Cursor = { iteration: null, tick: null };
  status: Status = {
    connected: false,
    recording: false,
    device: '',
    live: 0,
    peak: 0,
    iteration: null,
    message: ''
  };

  private readonly listeners = new Set<() => void>();
  private requester: Requester | null = null;
  private epoch = 0;

  constructor() {
    this.trace.subscribe(() => this.traceChanged());
  }

  /** How often somebody chose something: what is only found again in new rows is no choice. */
  choices = 0;

  select(selection: Partial<Selection>): void {
    if (!same({ ...this.selection, ...selection }, this.selection)) {
      this.choices += 1;
      this.restore(selection);
    }
  }

  /** The same selection in the rows of another iteration. */
  restore(selection: Partial<Selection>): void {
    const next = { ...this.selection, ...selection };
    if (!same(next, this.selection)) {
      this.selection = next;
      this.changed();
    }
  }

  moveTo(cursor: Partial<Cursor>): void {
    const next = { ...this.cursor, ...cursor };
    if (!same(next, this.cursor)) {
      this.cursor = next;
      this.changed();
    }
  }

  setStatus(status: Partial<Status>): void {
    const next = { ...this.status, ...status };
    if (!same(next, this.status)) {
      this.status = next;
      this.changed();
    }
  }

  /** Called after any change: new rows, selection, cursor or status. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Asks the kernel for a tensor; null when there is no kernel to ask. */
  request(message: object): Promise<TensorReply> | null {
    return this.requester ? this.requester(message) : null;
  }

  /** Set by `connect`: the way to the kernel, null when it is gone. */
  setRequester(requester: Requester | null): void {
    this.requester = requester;
    this.changed();
  }

  private traceChanged(): void {
    if (this.epoch !== this.trace.epoch) {
      this.epoch = this.trace.epoch;
      this.selection = { ...this.selection, ops: [] }; // those rows are gone
      this.cursor = { ...this.cursor, tick: null };
    }
    this.changed();
  }

  private changed(): void {
    this.listeners.forEach(listener => listener());
  }
}

function same(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
