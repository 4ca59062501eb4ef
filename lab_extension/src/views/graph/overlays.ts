// What floats over the graph: tooltip, legend, messages about errors.

import type { GraphError } from '../../trace/graph';
import type { Direction, Metric } from '../../trace/metrics';
import type { Gradientless } from '../../trace/passes';
import type { Status } from '../../trace/session';
import { h } from '../dom';
import { plural } from '../format';
import { formatMetric, METRIC_NAMES } from './measure';
import type { Measures } from './measure';
import type { GraphModel } from './model';
import type { Stage } from './stage';

interface Spot {
  x: number;
  y: number;
}

export class Overlays {
  readonly tooltip = h('div', { class: 'fb-tooltip', role: 'tooltip' });
  /** Stands below the picture, not over it. */
  readonly legend = h('div', { class: 'fb-graph-legend' });
  readonly callouts = h('div', { class: 'fb-callouts' });
  readonly empty = h('div', { class: 'fb-empty' });
  private readonly note = h('div', { class: 'fb-note', hidden: true });
  private noteKey = '';
  private boxes: HTMLElement[] = [];
  private legendKey = '';
  private errorKey = '';

  constructor(
    private readonly stage: HTMLElement,
    private readonly showWhole: (whole: boolean) => void
  ) {
    this.tooltip.hidden = true;
    this.legend.hidden = true;
    stage.append(this.empty, this.callouts, this.note, this.tooltip);
  }

  /** Says why there is no graph; null: there is one. */
  showEmpty(status: Status | null): void {
    this.empty.hidden = status === null;
    if (status) {
      const silent = !status.connected && status.message !== '';
      const title = silent ? 'Nothing to show' : 'No operations recorded yet';
      const soon = 'The graph appears here as soon as a network runs.';
      const why = silent ? status.message : soon;
      this.empty.replaceChildren(h('strong', {}, title), h('span', {}, why));
    }
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

  /** What is left out of the picture, and the way to see it. */
  showNote({ graph, whole }: GraphModel): void {
    const text = graph ? passesNote(graph.gradientless, whole) : '';
    if (text === this.noteKey) {
      return;
    }
    this.noteKey = text;
    this.note.hidden = text === '';
    const onclick = () => this.showWhole(!whole);
    const button = h('button', { class: 'fb-link', onclick }, whole ? 'Leave out' : 'Show');
    this.note.replaceChildren(h('span', {}, text), button);
  }

  /** One message for each error, below the box it belongs to. */
  placeErrors(model: GraphModel, stage: Stage): void {
    const errors = model.graph?.errors ?? [];
    const key = errors.map(error => error.kind + error.message).join('\n');
    if (key !== this.errorKey) {
      this.errorKey = key;
      this.boxes = errors.slice(0, 8).map(error => errorCallout(error.kind, error.message));
      this.callouts.replaceChildren(...this.boxes);
    }
    this.boxes.forEach((box, i) => this.placeBox(box, spotOf(errors[i], model, stage)));
  }

  private placeBox(box: HTMLElement, spot: Spot): void {
    const { clientWidth, clientHeight } = this.stage;
    const visible = spot.y > -20 && spot.y < clientHeight && spot.x > -60;
    box.style.visibility = visible ? 'visible' : 'hidden';
    const left = Math.max(Math.min(spot.x - 32, clientWidth - box.offsetWidth - 8), 8);
    box.style.transform = `translate(${left}px, ${spot.y + 10}px)`;
    box.style.setProperty('--tip', `${Math.max(spot.x - left, 14)}px`);
  }
}

/** Below the middle of the failing box, in pixels of the stage. */
function spotOf(error: GraphError, model: GraphModel, stage: Stage): Spot {
  const isNode = error.node >= 0;
  const ref = isNode ? error.node : error.module;
  const item = ref >= 0 ? model.itemOf({ kind: isNode ? 'node' : 'module', ref }) : null;
  if (!item) {
    return { x: 40, y: 0 }; // belongs to no box: at the top of the picture
  }
  const place = stage.morph.placeOf(item);
  const [x, y] = stage.camera.toScreen(place.x + item.anchor, place.y + place.height);
  return { x, y };
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

/** "1 pass without gradients left out" */
function passesNote({ rows, passes }: Gradientless, whole: boolean): string {
  const what = passes > 0 ? plural(passes, 'pass', 'passes') : plural(rows.size, 'operation');
  return rows.size > 0 ? `${what} without gradients ${whole ? 'shown' : 'left out'}` : '';
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
