// Values and gradient of the selected tensor: what was sampled, or the kernel's answer.

import { readShape, SAMPLE_NUMBERS, sampleOf } from '../trace/details';
import type { Sample } from '../trace/details';
import type { Graph } from '../trace/graph';
import type { Session, TensorReply } from '../trace/session';
import { HISTOGRAM_BINS } from '../trace/schema';
import { h } from './dom';
import { section } from './inspector-parts';
import { sampleElements } from './inspector-values';

type Kind = 'value' | 'gradient';

const TITLES: Record<Kind, string> = { value: 'Values', gradient: 'Gradient' };

/** What the kernel answered: values, or why there are none. */
interface Answer {
  sample: Sample | null;
  said: string;
}

export class SampleSection {
  /** What was fetched stays while the same is selected, whatever iterations pass. */
  private readonly fetched = new Map<Kind, Answer>();
  private readonly asking = new Set<Kind>();
  private readonly draw = new Map<Kind, () => void>();
  private subject = '';

  constructor(private readonly session: Session) {}

  /** Values of the tensor; `subject` is the same for the same node of every iteration. */
  elements(graph: Graph, tensor: number, subject: string): HTMLElement[] {
    if (subject !== this.subject) {
      this.subject = subject;
      this.fetched.clear();
      this.asking.clear();
    }
    if (tensor < 0) {
      return [];
    }
    return (['value', 'gradient'] as const).map(kind => this.part(graph, tensor, kind));
  }

  private part(graph: Graph, tensor: number, kind: Kind): HTMLElement {
    const holder = h('div', { class: 'fb-sample' });
    const draw = () => {
      const answer = this.fetched.get(kind);
      const sample = answer?.sample ?? sampleOf(this.session.trace, graph, tensor, kind);
      const said = answer && h('p', { class: 'fb-faint', role: 'status' }, answer.said);
      holder.replaceChildren(
        ...(sample ? sampleElements(sample) : [unsampled(kind)]),
        ...(said ? [said] : []),
        ...this.fetchButton(graph, tensor, kind)
      );
    };
    this.draw.set(kind, draw);
    draw();
    return section(TITLES[kind], holder);
  }

  private fetchButton(graph: Graph, tensor: number, kind: Kind): HTMLElement[] {
    if (!this.session.status.connected) {
      return [];
    }
    const text = this.fetched.has(kind) ? 'Fetch again' : 'Fetch from the kernel';
    const onclick = () => void this.fetch(graph, tensor, kind);
    const button = h('button', { class: 'fb-button fb-outlined fb-fetch', onclick }, text);
    button.disabled = this.asking.has(kind);
    return [button];
  }

  private async fetch(graph: Graph, tensor: number, kind: Kind): Promise<void> {
    const { subject } = this;
    this.asking.add(kind);
    this.draw.get(kind)?.();
    const reply = await this.session.request({
      type: 'tensor',
      segment: graph.segment,
      tensor,
      kind
    });
    if (subject === this.subject) {
      this.asking.delete(kind);
      this.fetched.set(kind, readReply(reply, graph.iteration));
      this.draw.get(kind)?.();
    }
  }
}

function unsampled(kind: Kind): HTMLElement {
  const what = kind === 'value' ? 'Its values were' : 'Its gradient was';
  return h('p', { class: 'fb-soft' }, `${what} not sampled in this iteration.`);
}

function readReply(reply: TensorReply | null, iteration: number): Answer {
  if (!reply?.values) {
    const why = reply ? reply.gone || 'It is no longer in memory.' : 'There is no kernel to ask.';
    return { sample: null, said: why };
  }
  const given = reply.statistics ?? {};
  const number = (name: string) => (typeof given[name] === 'number' ? (given[name] as number) : NaN);
  const numbers = Object.fromEntries(SAMPLE_NUMBERS.map(name => [name, number(name)]));
  const bins = Array.isArray(given['histogram']) ? given['histogram'].map(Number) : [];
  const sample = {
    ...(numbers as Omit<Sample, 'histogram' | 'values' | 'shape'>),
    histogram: bins.filter(Number.isFinite).slice(0, HISTOGRAM_BINS),
    values: Array.from(reply.values.subarray(0, 4096)),
    shape: windowShape(reply)
  };
  return { sample, said: `Fetched in iteration ${iteration.toLocaleString('en-US')}.` };
}

/** The window's own shape where it fits the values, else the tensor's. */
function windowShape({ values, window, shape }: TensorReply): number[] {
  const count = values?.length ?? 0;
  const fits = (dims: number[]) => dims.length > 0 && dims.reduce((a, b) => a * b, 1) === count;
  const dims = [window ?? [], shape ?? []].find(fits);
  return dims ?? readShape(String(count));
}
