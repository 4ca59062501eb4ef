// The parameters as rows: name, gradient norm over the iterations, latest numbers.
// Only the rows in sight have elements, so thousands of parameters scroll smoothly.

import { h } from '../dom';
import { formatNumber } from '../format';
import type { Parameter } from './gradientHistory';
import { GradientRow } from './gradientRow';
import type { RowData } from './gradientRow';

const NARROW = 560;
const HEIGHTS = { narrow: 50, wide: 30 };
const MARGIN = 3; // rows kept ready above and below

let lists = 0;

export class GradientList {
  readonly element: HTMLElement;
  private readonly box = h('div', {
    class: 'fbc-params',
    role: 'listbox',
    tabindex: 0,
    'aria-label': 'Parameters and their gradients'
  });
  private readonly canvas = h('div', { class: 'fbc-params-all', role: 'presentation' });
  private readonly scale = h('span');
  private readonly id = `fb-params-${++lists}`;
  private readonly rows = new Map<number, GradientRow>();
  private readonly resized: ResizeObserver;
  private parameters: Parameter[] = [];
  private read: (parameter: Parameter, cells: number) => RowData;
  private selected = '';
  private marked: (name: string) => boolean = () => false;

  constructor(private readonly choose: (name: string) => void) {
    this.read = () => {
      throw new Error('show() was not called');
    };
    this.box.append(this.canvas);
    this.element = h('div', { class: 'fbc-param-list' }, header(this.scale), this.box);
    this.box.addEventListener('scroll', () => this.layout());
    this.box.addEventListener('keydown', event => this.key(event));
    this.box.addEventListener('click', event => this.click(event));
    this.resized = new ResizeObserver(() => this.layout());
    this.resized.observe(this.box);
  }

  /** `read` gives what a row shows; it is called for the rows in sight only. */
  show(
    parameters: Parameter[],
    range: [number, number] | null,
    read: (parameter: Parameter, cells: number) => RowData
  ): void {
    this.scale.textContent = scaleText(range);
    this.parameters = parameters;
    this.read = read;
    this.layout();
  }

  /** The row that is open, and those that the selection elsewhere concerns. */
  mark(selected: string, marked: (name: string) => boolean): void {
    const moved = selected !== this.selected;
    this.selected = selected;
    this.marked = marked;
    if (moved) this.reveal();
    this.layout();
  }

  dispose(): void {
    this.resized.disconnect();
    this.rows.forEach(row => row.dispose());
  }

  private get narrow(): boolean {
    return this.box.clientWidth < NARROW;
  }

  private get rowHeight(): number {
    return this.narrow ? HEIGHTS.narrow : HEIGHTS.wide;
  }

  private layout(): void {
    if (this.box.clientWidth === 0) return;
    const height = this.rowHeight;
    this.element.classList.toggle('fbc-narrow', this.narrow);
    this.canvas.style.height = `${this.parameters.length * height}px`;
    const first = Math.max(0, Math.floor(this.box.scrollTop / height) - MARGIN);
    const seen = Math.ceil(this.box.clientHeight / height) + 2 * MARGIN;
    const last = Math.min(this.parameters.length, first + seen);
    for (const [at, row] of this.rows) {
      if (at < first || at >= last) {
        row.dispose();
        this.rows.delete(at);
      }
    }
    for (let at = first; at < last; at++) this.fill(at, height);
    const active = this.index();
    if (active >= 0) this.box.setAttribute('aria-activedescendant', `${this.id}-${active}`);
  }

  private fill(at: number, height: number): void {
    let row = this.rows.get(at);
    if (!row) {
      row = new GradientRow(`${this.id}-${at}`, at);
      this.rows.set(at, row);
      this.canvas.append(row.element);
    }
    const { name } = this.parameters[at]!;
    row.element.style.top = `${at * height}px`;
    row.element.setAttribute('aria-setsize', String(this.parameters.length));
    row.element.setAttribute('aria-posinset', String(at + 1));
    row.show(this.read(this.parameters[at]!, 160), name === this.selected, this.marked(name));
  }

  private index(): number {
    return this.parameters.findIndex(({ name }) => name === this.selected);
  }

  private key(event: KeyboardEvent): void {
    const last = this.parameters.length - 1;
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.rowHeight) - 1);
    const at = this.index();
    const targets: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: last
    };
    const target = targets[event.key];
    if (target === undefined || last < 0) return;
    event.preventDefault();
    this.choose(this.parameters[Math.min(last, Math.max(0, target))]!.name);
  }

  private click(event: MouseEvent): void {
    const row = (event.target as Element).closest<HTMLElement>('[role=option]');
    const parameter = row && this.parameters[Number(row.dataset['row'])];
    if (parameter) this.choose(parameter.name);
  }

  private reveal(): void {
    const at = this.index();
    if (at < 0) return;
    const height = this.rowHeight;
    const top = at * height;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + height > scrollTop + clientHeight) {
      this.box.scrollTop = top + height - clientHeight;
    }
  }
}

function header(scale: HTMLElement): HTMLElement {
  const cell = (label: string) => h('span', {}, label);
  const [name, ...rest] = ['parameter', 'latest', 'update / weight', 'zeros'].map(cell);
  const attributes = { class: 'fbc-param-head fb-faint', 'aria-hidden': 'true' };
  return h('div', attributes, name, scale, ...rest);
}

/** What the height of the bars means. */
function scaleText(range: [number, number] | null): string {
  if (!range) return 'gradient norm';
  const [low, high] = range.map(power => formatNumber(Number(`1e${power}`)).replace('.0e', 'e'));
  return `gradient norm, log scale ${low} to ${high}`;
}
