// The memory view: what fills the memory, when, and where it was made.

import type { Session } from '../../trace/session';
import { shownIteration } from '../../trace/timeline';
import { h } from '../dom';
import { formatBytes, plural } from '../format';
import type { View } from '../view';
import { BlockList } from './blockList';
import './charts.css';
import './memory.css';
import { panel } from './gradientDetail';
import { MemoryArea } from './memoryArea';
import { sampleCurve, pointAtTick, stretches } from './memoryCurve';
import type { Axis, Curve } from './memoryCurve';
import { MemoryHistory } from './memoryHistory';
import { MemoryLegend } from './memoryLegend';
import { MemoryModel, shownSpan } from './memoryModel';
import type { BiggestBlocks, Span } from './memoryModel';
import { BlockNames, explainPeak, opAt } from './memoryText';
import type { BlockFacts, PeakStory } from './memoryText';
import { Pace } from './pace';
import { MemoryTip } from './memoryTip';

const FEW = 8;
const MANY = 100;

/** All that was derived from one version of the trace. */
interface Picture {
  model: MemoryModel;
  names: BlockNames;
  span: Span;
  curve: Curve;
  story: PeakStory | null;
}

export class MemoryView implements View {
  readonly element: HTMLElement;
  private readonly area: MemoryArea;
  private readonly tip = new MemoryTip();
  private readonly legend = new MemoryLegend();
  private readonly blocks: BlockList;
  private readonly history: MemoryHistory;
  private readonly sentence = h('span', { class: 'fbc-sentence' });
  private readonly show = h('button', { class: 'fb-button fb-outlined fbc-small', type: 'button' });
  private readonly where = h('span');
  private readonly moment = h('p', { class: 'fbc-moment fb-soft' });
  private readonly body: HTMLElement;
  private readonly detail: HTMLElement;
  private readonly empty = emptyState();
  private readonly pace = new Pace(() => this.readTrace());
  private picture: Picture | null = null;
  private axis: Axis = 'tick';
  private limit = FEW;
  private key = '';

  constructor(private readonly session: Session) {
    this.area = new MemoryArea({
      move: tick => session.moveTo({ tick }),
      hover: place => this.tip.show(place, this.picture)
    });
    this.history = new MemoryHistory(session);
    this.blocks = new BlockList(
      facts => this.choose(facts),
      () => this.more()
    );
    this.show.textContent = 'Select these operations';
    this.show.addEventListener('click', () => this.selectPeak());
    this.detail = h('div', { class: 'fbc-charts-part' }, ...this.iterationParts());
    const peaks = panel('Across iterations', this.history.element);
    this.body = h('div', { class: 'fbc-charts-body' }, this.detail, peaks);
    const attributes = { class: 'fbc-charts', role: 'region', 'aria-label': 'Memory' };
    this.element = h('div', attributes, this.empty, this.body);
  }

  update(): void {
    const { trace } = this.session;
    const key = `${trace.version} ${shownIteration(this.session)} ${this.axis}`;
    if (key !== this.key) this.pace.run();
    this.showCursor();
    this.history.moveCursor();
  }

  dispose(): void {
    this.pace.dispose();
    this.area.dispose();
    this.history.dispose();
  }

  private iterationParts(): HTMLElement[] {
    const story = h('div', { class: 'fbc-story' }, this.sentence, this.show);
    const plot = h('div', { class: 'fbc-area-box' }, this.area.canvas, this.tip.element);
    const tools = h('div', { class: 'fbc-chart-tools' }, this.axisSelect());
    const title = h('h4', {}, this.where, tools);
    const chart = h('section', { class: 'fbc-chart' }, title, plot, this.legend.element);
    const blocks = panel('Biggest blocks', this.moment, this.blocks.element);
    return [story, chart, blocks];
  }

  private readTrace(): void {
    const { trace } = this.session;
    const iteration = shownIteration(this.session);
    this.key = `${trace.version} ${iteration} ${this.axis}`;
    const any = trace.rows('blocks') > 0;
    this.empty.hidden = any || trace.rows('summaries') > 0;
    this.body.hidden = !this.empty.hidden;
    this.detail.hidden = !any;
    this.history.element.parentElement!.hidden = trace.rows('summaries') === 0;
    if (any) this.draw(iteration);
    if (trace.rows('summaries') > 0) this.history.update();
    this.showCursor();
  }

  private draw(iteration: number | null): void {
    const { trace } = this.session;
    const model = new MemoryModel(trace);
    const names = new BlockNames(trace, model);
    const span = shownSpan(trace, iteration);
    const curve = sampleCurve(model, trace, span, this.axis, this.area.buckets);
    const story = explainPeak(trace, model, names, curve.peak);
    this.picture = { model, names, span, curve, story };
    this.area.show(curve, stretches(trace, curve, span));
    this.sentence.textContent = story?.text ?? 'No bytes were alive in this iteration.';
    this.show.hidden = !story?.ops.length;
    const number = span.iteration === null ? 'Live memory' : `Iteration ${span.iteration}`;
    this.where.textContent = number + (span.complete ? '' : ', still growing');
  }

  /** The chosen tick, if it lies in the span that is shown. */
  private get tick(): number | null {
    const { tick } = this.session.cursor;
    const span = this.picture?.span;
    return tick !== null && span && tick >= span.from && tick < span.to ? tick : null;
  }

  private showCursor(): void {
    const { picture } = this;
    if (!picture) return;
    const { model, names, curve } = picture;
    const tick = this.tick ?? curve.peak.tick;
    const found = model.biggest(tick, this.limit);
    const text = this.describe(tick, found);
    this.moment.textContent = text;
    this.area.setTick(this.tick, text);
    const at = pointAtTick(curve, tick);
    this.legend.show(curve.stacks.map(values => values[at] ?? 0));
    const facts = found.blocks.map(block => names.facts(block));
    const listed = facts.reduce((sum, f) => sum + f.bytes, 0);
    const rest = { count: found.count - facts.length, bytes: found.bytes - listed };
    this.blocks.show(facts, rest, this.limit < MANY, this.session.selection.ops);
  }

  /** "At the peak, relu (net.act1): 3.2 MB in 34 blocks." */
  private describe(tick: number, { bytes, count }: BiggestBlocks): string {
    const place = opAt(this.session.trace, tick);
    const when = tick === this.picture?.curve.peak.tick ? 'At the peak' : 'At the cursor';
    const where = place ? `, ${place}` : '';
    return `${when}${where}: ${formatBytes(bytes)} in ${plural(count, 'block')}.`;
  }

  private choose(facts: BlockFacts): void {
    const ops = facts.op >= 0 ? [facts.op] : [];
    this.session.select({ ops, path: facts.path || null });
  }

  private selectPeak(): void {
    const story = this.picture?.story;
    if (story) this.session.select({ ops: story.ops, path: story.path });
  }

  private more(): void {
    this.limit = MANY;
    this.showCursor();
  }

  private axisSelect(): HTMLElement {
    const options: [Axis, string][] = [['tick', 'by operation'], ['time', 'by time']];
    const items = options.map(([value, label]) => h('option', { value }, label));
    const changed = () => {
      this.axis = select.value as Axis;
      this.update();
    };
    const attributes = { class: 'fb-select', 'aria-label': 'Horizontal axis' };
    const select = h('select', { ...attributes, onchange: changed }, ...items);
    return select;
  }
}

function emptyState(): HTMLElement {
  return h(
    'div',
    { class: 'fb-empty' },
    h('strong', {}, 'No memory recorded yet'),
    h('span', {}, 'From the first operation on, the bytes that are alive show here by category.')
  );
}
