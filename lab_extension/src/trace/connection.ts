// Feeds a session from a kernel, whatever carries the messages (widget model, JupyterLab comm).

import { TraceError } from './trace';
import type { Session, Status, TensorReply } from './session';

export interface Connection {
  send(message: object): void;
  onMessage(callback: (message: unknown, buffers: DataView[]) => void): void;
  onClose(callback: (why: string) => void): void;
}

export interface ConnectOptions {
  /** How long to wait for the answer to "hello", in milliseconds. */
  patience?: number;
  /** What to say when no answer came. */
  silence?: string;
}

const REQUEST_TIMEOUT = 5000;
const RESYNC_INTERVAL = 1000;
/** How long a word about trouble stays when no frame follows. */
const TROUBLE_LASTS = 8000;

/** Counted for all links, for several views may hear the answers of one comm. */
let requests = 0;

/** Says hello and applies what comes back. Returns what ends it. */
export function connect(
  session: Session,
  connection: Connection,
  options: ConnectOptions = {}
): () => void {
  const link = new Link(session, connection, options);
  return () => link.dispose();
}

class Link {
  private readonly pending = new Map<number, (reply: TensorReply) => void>();
  /** The last message told of trouble; it goes when things go on. */
  private troubled = false;
  private troubleTimer: ReturnType<typeof setTimeout> | undefined;
  private lastResync = -Infinity;
  private open = true;
  private readonly helloTimer: ReturnType<typeof setTimeout>;

  constructor(
    private readonly session: Session,
    private readonly connection: Connection,
    options: ConnectOptions
  ) {
    connection.onMessage((message, buffers) => this.received(message, buffers));
    connection.onClose(why => this.closed(why));
    const silence = options.silence ?? 'No running kernel: this is the saved picture.';
    this.helloTimer = setTimeout(() => this.unanswered(silence), options.patience ?? 3000);
    this.send({ type: 'hello' });
  }

  dispose(): void {
    if (this.open) {
      this.open = false;
      this.hangUp('The view was closed.');
    }
  }

  private received(message: unknown, buffers: DataView[]): void {
    if (!this.open) {
      return;
    }
    try {
      this.dispatch(asObject(message), buffers ?? []);
    } catch (error) {
      const what = error instanceof TraceError ? error.message : 'It could not be understood.';
      this.trouble(`A message from the kernel was skipped. ${what}`);
    }
  }

  private dispatch(message: Record<string, unknown>, buffers: DataView[]): void {
    switch (message['type']) {
      case 'frame':
        return this.frame(buffers[0]);
      case 'status':
        return this.status(message);
      case 'tensor':
        return this.reply(message, buffers[0]);
      case 'error':
        return this.trouble(text(message['message']));
      default: // a newer kernel may say more than this view knows
    }
  }

  private status(message: Record<string, unknown>): void {
    clearTimeout(this.helloTimer);
    this.session.setStatus(readStatus(message));
    if (!this.session.status.connected) {
      this.answered();
    }
  }

  private frame(buffer: DataView | undefined): void {
    if (!buffer) {
      throw new TraceError('A frame came without its data.');
    }
    const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    let continued: boolean;
    try {
      continued = this.session.trace.apply(bytes);
    } catch (error) {
      this.resync();
      throw error;
    }
    if (continued) {
      this.answered();
    } else {
      this.resync();
    }
  }

  /** Asks for everything again; at most once a second, whatever keeps arriving. */
  private resync(): void {
    const now = Date.now();
    if (now - this.lastResync >= RESYNC_INTERVAL) {
      this.lastResync = now;
      this.send({ type: 'resync' });
    }
  }

  private trouble(message: string): void {
    this.troubled = true;
    this.session.setStatus({ message });
    clearTimeout(this.troubleTimer);
    this.troubleTimer = setTimeout(() => this.forgive(), TROUBLE_LASTS);
  }

  private forgive(): void {
    clearTimeout(this.troubleTimer);
    if (this.troubled) {
      this.troubled = false;
      this.session.setStatus({ message: '' });
    }
  }

  private answered(): void {
    clearTimeout(this.helloTimer);
    if (!this.session.status.connected) {
      this.session.setRequester(message => this.request(message));
      this.session.setStatus({ connected: true, message: '' });
    }
    this.forgive();
  }

  private unanswered(silence: string): void {
    if (this.open && !this.session.status.connected) {
      this.session.setStatus({ message: silence });
    }
  }

  private request(message: object): Promise<TensorReply> {
    const request = ++requests;
    return new Promise(resolve => {
      const late = () => settle({ gone: 'The kernel did not answer.' });
      const timer = setTimeout(late, REQUEST_TIMEOUT);
      const settle = (reply: TensorReply) => {
        clearTimeout(timer);
        this.pending.delete(request);
        resolve(reply);
      };
      this.pending.set(request, settle);
      this.send({ ...message, request });
    });
  }

  private reply(message: Record<string, unknown>, buffer: DataView | undefined): void {
    const settle = this.pending.get(Number(message['request']));
    settle?.(readTensor(message, buffer));
  }

  private closed(why: string): void {
    if (this.open) {
      this.open = false;
      this.hangUp(why);
      this.session.setStatus({ message: why });
    }
  }

  private hangUp(why: string): void {
    clearTimeout(this.helloTimer);
    clearTimeout(this.troubleTimer);
    [...this.pending.values()].forEach(settle => settle({ gone: why }));
    this.session.setRequester(null);
    this.session.setStatus({ connected: false, recording: false });
  }

  private send(message: object): void {
    try {
      this.connection.send(message);
    } catch {
      // a comm that has just closed: onClose tells the user
    }
  }
}

function readStatus(message: Record<string, unknown>): Partial<Status> {
  const status: Partial<Status> = {};
  for (const key of ['live', 'peak', 'iteration'] as const) {
    const value = message[key];
    if (typeof value === 'number' && Number.isFinite(value)) {
      status[key] = value;
    }
  }
  if (typeof message['recording'] === 'boolean') {
    status.recording = message['recording'];
  }
  if (typeof message['device'] === 'string') {
    status.device = message['device'].slice(0, 40);
  }
  return status;
}

function readTensor(message: Record<string, unknown>, buffer?: DataView): TensorReply {
  if ('gone' in message || !buffer || buffer.byteLength % 4 !== 0) {
    return { gone: text(message['gone']) || 'The kernel sent no values.' };
  }
  const bytes = buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
  return {
    values: new Float32Array(bytes as ArrayBuffer),
    shape: numbers(message['shape']),
    dtype: text(message['dtype']),
    window: numbers(message['window']),
    statistics: asObject(message['statistics'] ?? {})
  };
}

function numbers(value: unknown): number[] {
  return Array.isArray(value) ? value.filter(v => typeof v === 'number') : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 500) : '';
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TraceError('It is not an object.');
  }
  return value as Record<string, unknown>;
}
