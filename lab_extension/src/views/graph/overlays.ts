// What floats over the graph: tooltip, legend, messages about errors.

import type { Graph } from '../../trace/graph';
import type { Direction, Metric } from '../../trace/metrics';
import { h } from '../dom';
import { formatMetric, METRIC_NAMES } from './measure';
import type { Measures } from './measure';
import type { GraphModel } from './model';

export interface Spot {
  x: number;
  y: number;
}

export class Overlays {
  readonly tooltip = h('div', { class: 'fb-tooltip', role: 'tooltip' });
  readonly legend = h('div', { class: 'fb-legend' });
  readonly callouts = h('div', { class: 'fb-callouts' });
  readonly empty = h('div', { class: 'fb-empty' });
  private boxes: HTMLElement[] = [];
  private legendKey = '';

  constructor(private readonly stage: HTMLElement) {
    this.tooltip.hidden = true;
    this.empty.append(
      h('strong', {}, 'No operations recorded yet'),
      h('span', {}, 'The graph appears here as soon as a network runs.')
    );
    stage.append(this.empty, this.callouts, this.legend, this.tooltip);
  }

  showTooltip(title: string, lines: string[], at: Spot): void {
    this.tooltip.replaceChildren(
      h('strong', {}, title),
      ...lines.map(line => h('span', {}, line))
    );
    this.tooltip.hidden = false;
    const { clientWidth, clientHeight } = this.stage;
    const { offsetWidth, offsetHeight } = this.tooltip;
    const left = Math.max(Math.min(at.x + 14, clientWidth - offsetWidth - 6), 6);
    const below = at.y + 18 + offsetHeight < clientHeight;
    const top = below ? at.y + 18 : Math.max(at.y - offsetHeight - 10, 4);
    this.tooltip.style.transform = `translate(${left}px, ${top}px)`;
  }

  hideTooltip(): void {
    this.tooltip.hidden = true;
  }

  showLegend(model: GraphModel): void {
    const { metric, direction, measures } = model;
    const reached = model.values?.reached.some(r => r === 1) ?? false;
    const key = JSON.stringify([metric, direction, measures?.scale, reached]);
    if (key === this.legendKey) {
      return;
    }
    this.legendKey = key;
    const parts = [
      ...(direction === 'backward' ? [flowLegend(reached)] : []),
      ...(metric !== 'none' && measures ? [metricLegend(metric, direction, measures)] : [])
    ];
    this.legend.replaceChildren(...parts);
    this.legend.hidden = parts.length === 0;
  }

  /** One box for each error; `place` tells where its node is on the stage, null off it. */
  showErrors(graph: Graph | null, place: (error: number) => Spot | null): void {
    const errors = graph?.errors ?? [];
    if (errors.length !== this.boxes.length) {
      this.boxes = errors.slice(0, 8).map(error => errorCallout(error.kind, error.message));
      this.callouts.replaceChildren(...this.boxes);
    }
    this.boxes.forEach((box, i) => {
      const spot = place(i);
      const { clientWidth, clientHeight } = this.stage;
      const visible = spot && spot.y > -20 && spot.y < clientHeight && spot.x > -60;
      box.style.visibility = visible ? 'visible' : 'hidden';
      if (spot && visible) {
        const left = Math.max(Math.min(spot.x - 32, clientWidth - box.offsetWidth - 8), 8);
        box.style.transform = `translate(${left}px, ${spot.y + 10}px)`;
        box.style.setProperty('--tip', `${Math.max(spot.x - left, 14)}px`);
      }
    });
  }
}

function errorCallout(kind: string, message: string): HTMLElement {
  const close = h('button', { class: 'fb-button', 'aria-label': 'Hide this message' }, '×');
  const box = h(
    'div',
    { class: 'fb-callout', role: 'alert' },
    h('div', {}, h('strong', {}, `⚠ ${kind || 'Error'}`), h('p', {}, message.slice(0, 600))),
    close
  );
  close.addEventListener('click', () => (box.hidden = true));
  return box;
}

function flowLegend(reached: boolean): HTMLElement {
  if (!reached) {
    return h('div', {}, 'No backward pass was recorded in this iteration.');
  }
  return h(
    'div',
    { class: 'fb-flow' },
    h('i', { class: 'fb-flow-line' }),
    'gradient flows',
    h('i', { class: 'fb-flow-line fb-dashed' }),
    'none'
  );
}

function metricLegend(metric: Metric, direction: Direction, { scale }: Measures): HTMLElement {
  const name = metric === 'time' ? `Time ${direction}` : METRIC_NAMES[metric];
  if (!(scale.most > 0)) {
    return h('div', {}, `${name}: not recorded in this iteration.`);
  }
  const scaleName = scale.logarithmic ? `${name}, logarithmic` : name;
  return h(
    'div',
    { class: 'fb-scale' },
    h('span', {}, scaleName),
    h('span', { class: 'fb-faint' }, formatMetric(scale.least, metric)),
    h('i', { class: `fb-ramp fb-ramp-${metric}` }),
    h('span', { class: 'fb-faint' }, formatMetric(scale.most, metric))
  );
}
