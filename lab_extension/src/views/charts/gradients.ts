// The gradients view: does the network learn, and if not, where does the gradient die?

import type { Session } from '../../trace/session';
import { h } from '../dom';
import { formatNumber } from '../format';
import type { View } from '../view';
import './charts.css';
import './gradients.css';
import { FindingsList } from './findingsList';
import { GradientDetail, panel } from './gradientDetail';
import { gradientFindings } from './gradientFindings';
import { gradientFacts, GradientHistory, groups, normRange, strip } from './gradientHistory';
import type { Parameter } from './gradientHistory';
import { GradientList } from './gradientList';
import { LineChart } from './lines';
import { lossRows } from './losses';
import { modulePathOf } from './memoryText';
import { Pace } from './pace';

const POINTS = 4000;

type Order = 'network' | 'largest' | 'smallest' | 'updates';

const ORDERS: Record<Order, string> = {
  network: 'in network order',
  smallest: 'smallest norm first',
  largest: 'largest norm first',
  updates: 'largest updates first'
};

export class GradientView implements View {
  readonly element: HTMLElement;
  private readonly history = new GradientHistory();
  private readonly findings = new FindingsList(name => this.choose(name));
  private readonly loss: LineChart;
  private readonly list = new GradientList(name => this.choose(name));
  private readonly detail = new GradientDetail(iteration => this.pick(iteration));
  private readonly body: HTMLElement;
  private readonly empty = emptyState();
  private readonly pace = new Pace(() => this.readTrace());
  private order: Order = 'network';
  private selected = '';
  private version = -1;

  constructor(private readonly session: Session) {
    const color = (theme: { accent: string }) => theme.accent;
    this.loss = new LineChart({
      label: 'Loss over the iterations',
      lines: [{ label: 'loss', color, fill: 0.08, width: 1.75 }],
      height: 130,
      format: formatNumber,
      onPick: iteration => this.pick(iteration)
    });
    const tools = h('div', { class: 'fbc-chart-tools' }, this.orderSelect());
    const list = h('section', { class: 'fbc-chart' }, h('h4', {}, 'Parameters', tools));
    list.append(this.list.element);
    const parts = [this.findings.element, panel('Loss', this.loss.element), list];
    this.body = h('div', { class: 'fbc-charts-body' }, ...parts, this.detail.element);
    const attributes = { class: 'fbc-charts', role: 'region', 'aria-label': 'Gradients' };
    this.element = h('div', attributes, this.empty, this.body);
  }

  update(): void {
    if (this.version !== this.session.trace.version) this.pace.run();
    this.followSelection();
    this.loss.setCursor(this.session.cursor.iteration);
  }

  dispose(): void {
    this.pace.dispose();
    for (const part of [this.loss, this.list, this.detail]) part.dispose();
  }

  private readTrace(): void {
    const { trace } = this.session;
    this.version = trace.version;
    this.history.update(trace, trace.epoch);
    const any = this.history.parameters.length > 0 || trace.rows('summaries') > 0;
    this.empty.hidden = any;
    this.body.hidden = !any;
    this.findings.show(gradientFindings(trace, this.history));
    this.showLoss();
    this.showList();
    this.showDetail();
  }

  private showLoss(): void {
    const { trace } = this.session;
    const losses = trace.column('summaries', 'loss');
    const iterations = trace.column('summaries', 'iteration');
    const all = lossRows(trace);
    const rows = groups(all.length, POINTS).map(([, to]) => all[to - 1]!);
    const values = rows.map(row => losses[row]!);
    const seen = values.findIndex(Number.isFinite);
    const bad = rows.filter((row, n) => seen >= 0 && n > seen && !Number.isFinite(losses[row]!));
    const numbers = rows.map(row => iterations[row]!);
    const summary = `Latest value ${formatNumber(values[values.length - 1] ?? NaN)}`;
    this.loss.setData(numbers, [values], summary, bad.map(row => iterations[row]!));
    this.loss.element.parentElement!.hidden = seen < 0;
  }

  private showList(): void {
    const { trace } = this.session;
    const range = normRange(trace);
    this.list.show(this.sorted(), range, (parameter, cells) => ({
      name: parameter.name,
      facts: gradientFacts(trace, parameter.rows[parameter.rows.length - 1]!),
      cells: strip(trace, parameter, cells),
      range
    }));
  }

  private sorted(): Parameter[] {
    const { parameters } = this.history;
    if (this.order === 'network') return parameters;
    const key = this.order === 'updates' ? 'ratio' : 'norm';
    const sign = this.order === 'smallest' ? 1 : -1;
    const last = (p: Parameter) => gradientFacts(this.session.trace, p.rows[p.rows.length - 1]!);
    const keys = new Map(parameters.map(p => [p, sign * (last(p)[key] || 0)]));
    return [...parameters].sort((a, b) => keys.get(a)! - keys.get(b)!);
  }

  private showDetail(): void {
    const parameter = this.history.find(this.selected);
    this.detail.show(this.session.trace, parameter, this.session.cursor.iteration);
  }

  /** What was selected elsewhere is marked here, and its first parameter opened. */
  private followSelection(): void {
    const { path } = this.session.selection;
    const inside = (name: string) =>
      !!path && (name === path || name.startsWith(`${path}.`));
    if (path && !inside(this.selected)) {
      this.open(this.history.parameters.find(({ name }) => inside(name))?.name ?? '');
    }
    this.list.mark(this.selected, inside);
  }

  private choose(name: string): void {
    this.open(name);
    const path = modulePathOf(name);
    if (path !== this.session.selection.path) this.session.select({ path, ops: [] });
    this.followSelection();
  }

  private open(name: string): void {
    if (name === this.selected) return;
    this.selected = name;
    this.showDetail();
  }

  private pick(iteration: number): void {
    const chosen = this.session.cursor.iteration === iteration ? null : iteration;
    this.session.moveTo({ iteration: chosen, tick: null });
  }

  private orderSelect(): HTMLElement {
    const options = Object.entries(ORDERS).map(([value, label]) => h('option', { value }, label));
    const changed = () => {
      this.order = select.value as Order;
      this.showList();
    };
    const attributes = { class: 'fb-select', 'aria-label': 'Order of the parameters' };
    const select = h('select', { ...attributes, onchange: changed }, ...options);
    return select;
  }
}

function emptyState(): HTMLElement {
  return h(
    'div',
    { class: 'fb-empty' },
    h('strong', {}, 'No gradients yet'),
    h('span', {}, 'After the first backward() and optimizer step, each parameter shows here.')
  );
}
