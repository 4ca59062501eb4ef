// The anywidget entry: one widget model, any number of places where it is shown.

import { connect } from '../trace/connection';
import type { Connection } from '../trace/connection';
import { Session } from '../trace/session';
import type { Selection } from '../trace/session';
import { mount } from './app';
import type { Kind } from './app';

/** What anywidget guarantees of a widget model. */
interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: object): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
}

interface RenderProps {
  model: Model;
  el: HTMLElement;
}

const KINDS: readonly unknown[] = ['graph', 'gradients', 'memory', 'live'];

function render({ model, el }: RenderProps): () => void {
  const session = new Session();
  openSaved(session, model.get('frame'));
  const kind = model.get('kind');
  const place = document.createElement('div');
  place.style.height = `${heightOf(model.get('height'))}px`;
  place.className = 'fb-widget';
  el.append(place);
  const expanded = modulesOf(model.get('expanded'));
  const mounted = mount(place, session, (KINDS.includes(kind) ? kind : 'live') as Kind, {
    opened: expanded?.length ? expanded : null, // an empty list: nobody has said yet
    onOpened: keys => save(model, 'expanded', keys)
  });
  const stops = [
    connect(session, new ModelConnection(model), { silence: silence(session) }),
    shareSelection(session, model),
    listen(model, 'change:expanded', () => {
      const keys = modulesOf(model.get('expanded'));
      if (keys) {
        mounted.setOpened(keys);
      }
    }),
    listen(model, 'change:height', () => {
      place.style.height = `${heightOf(model.get('height'))}px`;
    })
  ];
  return () => {
    stops.forEach(stop => stop());
    mounted.dispose();
    place.remove();
  };
}

export default { render };

class ModelConnection implements Connection {
  constructor(private readonly model: Model) {}

  send(message: object): void {
    this.model.send(message);
  }

  onMessage(callback: (message: unknown, buffers: DataView[]) => void): void {
    const receive = (message: unknown, buffers: unknown) =>
      callback(message, Array.isArray(buffers) ? buffers.map(asDataView) : []);
    this.model.on('msg:custom', receive);
    this.stop = () => this.model.off('msg:custom', receive);
  }

  onClose(callback: (why: string) => void): void {
    this.model.on('comm_live_update', () => {
      this.stop();
      callback('The kernel is gone: this is the last picture.');
    });
  }

  stop: () => void = () => undefined;
}

/** Hosts hand buffers over as DataView, ArrayBuffer or typed array. */
function asDataView(buffer: DataView | ArrayBuffer | Uint8Array): DataView {
  return ArrayBuffer.isView(buffer)
    ? new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new DataView(buffer);
}

/** A saved notebook may carry the last frame in the widget's state. */
function openSaved(session: Session, frame: unknown): void {
  const isBuffer = ArrayBuffer.isView(frame) || frame instanceof ArrayBuffer;
  if (!isBuffer || frame.byteLength === 0) {
    return;
  }
  const view = asDataView(frame as DataView);
  try {
    session.trace.apply(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  } catch (error) {
    session.setStatus({ message: String((error as Error).message) });
  }
}

function silence(session: Session): string {
  return session.trace.version > 0
    ? 'No running kernel: this is the saved picture.'
    : 'No running kernel: run the cell again to see this view.';
}

/** Keeps the trait `selected` and the session's selection the same. */
function shareSelection(session: Session, model: Model): () => void {
  let known = session.choices;
  let hearing = false;
  const fromPython = () => {
    const selection = readSelection(model.get('selected'));
    if (selection) {
      hearing = true;
      session.select(selection);
      hearing = false;
    }
  };
  const unsubscribe = session.subscribe(() => {
    if (session.choices !== known) {
      known = session.choices;
      if (hearing) {
        return; // no echo
      }
      save(model, 'selected', { ...session.selection });
      model.send({ type: 'select', ...session.selection });
    }
  });
  const stop = listen(model, 'change:selected', fromPython);
  fromPython();
  return () => {
    unsubscribe();
    stop();
  };
}

function readSelection(value: unknown): Selection | null {
  if (typeof value !== 'object' || value === null) {
    return null;
  }
  const { ops, path } = value as Record<string, unknown>;
  return {
    ops: Array.isArray(ops) ? ops.filter(op => Number.isInteger(op)) : [],
    path: typeof path === 'string' ? path : null
  };
}

function modulesOf(value: unknown): string[] | null {
  return Array.isArray(value) ? value.filter(key => typeof key === 'string') : null;
}

function heightOf(value: unknown): number {
  return typeof value === 'number' && value >= 120 && value <= 4000 ? value : 520;
}

function save(model: Model, name: string, value: unknown): void {
  if (JSON.stringify(model.get(name)) !== JSON.stringify(value)) {
    model.set(name, value);
    model.save_changes();
  }
}

function listen(model: Model, event: string, callback: () => void): () => void {
  model.on(event, callback);
  return () => model.off(event, callback);
}
