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

export class SampleSection {
  private readonly fetched = new Map<string, Sample | string>();
  private epoch = -1;

  constructor(private readonly session: Session) {}

  elements(graph: Graph, tensor: number): HTMLElement[] {
    if (tensor < 0) {
      return [];
    }
    if (this.epoch !== graph.epoch) {
      this.epoch = graph.epoch;
      this.fetched.clear();
    }
    return (['value', 'gradient'] as const).map(kind => this.part(graph, tensor, kind));
  }

  private part(graph: Graph, tensor: number, kind: Kind): HTMLElement {
    const holder = h('div', { class: 'fb-sample' });
    const draw = () => {
      const fetched = this.fetched.get(`${tensor}${kind}`);
      const recorded = sampleOf(this.session.trace, graph, tensor, kind);
      const sample = typeof fetched === 'object' ? fetched : recorded;
      const said = typeof fetched === 'string' ? fetched : '';
      holder.replaceChildren(
        ...(sample ? sampleElements(sample) : [unsampled(kind)]),
        ...(said ? [h('p', { class: 'fb-faint', role: 'status' }, said)] : []),
        ...this.fetchButton(tensor, kind, fetched !== undefined, draw)
      );
    };
    draw();
    return section(TITLES[kind], holder);
  }

  private fetchButton(
    tensor: number,
    kind: Kind,
    again: boolean,
    done: () => void
  ): HTMLElement[] {
    if (!this.session.status.connected) {
      return [];
    }
    const text = again ? 'Fetch again' : 'Fetch from the kernel';
    const button = h('button', { class: 'fb-button fb-outlined fb-fetch' }, text);
    button.addEventListener('click', () => {
      button.disabled = true;
      void this.fetch(tensor, kind).then(done);
    });
    return [button];
  }

  private async fetch(tensor: number, kind: Kind): Promise<void> {
    const { segment } = this.session.trace;
    const { epoch } = this;
    const reply = await this.session.request({ type: 'tensor', segment, tensor, kind });
    if (epoch === this.epoch) {
      this.fetched.set(`${tensor}${kind}`, reply ? readReply(reply) : 'There is no kernel to ask.');
    }
  }
}

function unsampled(kind: Kind): HTMLElement {
  const what = kind === 'value' ? 'Its values were' : 'Its gradient was';
  return h('p', { class: 'fb-soft' }, `${what} not sampled in this iteration.`);
}

/** A kernel's answer as a sample, or the reason why there is none. */
function readReply(reply: TensorReply): Sample | string {
  if (!reply.values) {
    return reply.gone || 'It is no longer in memory.';
  }
  const given = reply.statistics ?? {};
  const number = (name: string) => (typeof given[name] === 'number' ? (given[name] as number) : NaN);
  const numbers = Object.fromEntries(SAMPLE_NUMBERS.map(name => [name, number(name)]));
  const bins = Array.isArray(given['histogram']) ? given['histogram'].map(Number) : [];
  return {
    ...(numbers as Omit<Sample, 'histogram' | 'values' | 'shape'>),
    histogram: bins.filter(Number.isFinite).slice(0, HISTOGRAM_BINS),
    values: Array.from(reply.values.subarray(0, 4096)),
    shape: windowShape(reply)
  };
}

/** The window's own shape where it fits the values, else the tensor's. */
function windowShape({ values, window, shape }: TensorReply): number[] {
  const count = values?.length ?? 0;
  const fits = (dims: number[]) => dims.length > 0 && dims.reduce((a, b) => a * b, 1) === count;
  const dims = [window ?? [], shape ?? []].find(fits);
  return dims ?? readShape(String(count));
}
