// The controls above the graph.

import type { Direction, Metric } from '../../trace/metrics';
import { h, icon } from '../dom';
import { METRIC_NAMES } from './measure';

export interface ToolbarActions {
  search(query: string): void;
  next(step: number): void;
  direction(direction: Direction): void;
  metric(metric: Metric): void;
  fit(): void;
  zoom(factor: number): void;
  openAll(): void;
  closeAll(): void;
  outline(shown: boolean): void;
}

const ICONS = {
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3 14 14',
  fit: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
  plus: 'M8 3.5v9M3.5 8h9',
  minus: 'M3.5 8h9',
  openAll: 'M4 5.5 8 2l4 3.5M4 10.5 8 14l4-3.5',
  closeAll: 'M4 2.5 8 6l4-3.5M4 13.5 8 10l4 3.5',
  outline: 'M2.5 3.5h11M5.5 8h8M5.5 12.5h8M2.5 8h.01M2.5 12.5h.01'
};

export class Toolbar {
  readonly element: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly count = h('span', { class: 'fb-search-count', role: 'status' });
  private readonly ways: Record<Direction, HTMLButtonElement>;
  private readonly outlineButton: HTMLButtonElement;

  constructor(private readonly actions: ToolbarActions) {
    this.input = this.searchInput();
    this.ways = { forward: this.way('forward'), backward: this.way('backward') };
    this.outlineButton = button('Outline (the graph as text)', ICONS.outline, () =>
      actions.outline(this.outlineButton.getAttribute('aria-pressed') !== 'true')
    );
    this.outlineButton.setAttribute('aria-pressed', 'false');
    const search = h('label', { class: 'fb-search' }, icon(ICONS.search), this.input, this.count);
    const ways = h(
      'div',
      { class: 'fb-segments', role: 'group', 'aria-label': 'Direction' },
      this.ways.forward,
      this.ways.backward
    );
    const bar = { class: 'fb-toolbar', role: 'toolbar', 'aria-label': 'Graph' };
    this.element = h('div', bar, search, ways, this.metricSelect(), this.buttons());
    this.showDirection('forward');
  }

  focusSearch(): void {
    this.input.focus();
    this.input.select();
  }

  /** "3 of 12"; '' while nothing is searched for. */
  showCount(text: string): void {
    this.count.textContent = text;
  }

  showDirection(direction: Direction): void {
    for (const [way, element] of Object.entries(this.ways)) {
      element.setAttribute('aria-pressed', String(way === direction));
    }
  }

  showOutline(shown: boolean): void {
    this.outlineButton.setAttribute('aria-pressed', String(shown));
  }

  private searchInput(): HTMLInputElement {
    const input = h('input', {
      type: 'search',
      placeholder: 'Search',
      'aria-label': 'Search by name, operation, shape or source line',
      title: 'Search by name, operation, shape or source line',
      spellcheck: 'false'
    });
    input.addEventListener('input', () => this.actions.search(input.value));
    input.addEventListener('keydown', event => {
      if (event.key === 'Enter') {
        this.actions.next(event.shiftKey ? -1 : 1);
      } else if (event.key === 'Escape') {
        input.value = '';
        this.actions.search('');
      }
      event.stopPropagation(); // a notebook has its own keys
    });
    return input;
  }

  private way(direction: Direction): HTMLButtonElement {
    const text = direction === 'forward' ? 'Forward' : 'Backward';
    const title = direction === 'forward' ? 'How values flow' : 'How gradients flow';
    const onclick = () => this.actions.direction(direction);
    return h('button', { class: 'fb-segment', title, onclick }, text);
  }

  private metricSelect(): HTMLElement {
    const options = Object.entries(METRIC_NAMES).map(([value, name]) =>
      h('option', { value }, name)
    );
    const attributes = { class: 'fb-select', 'aria-label': 'Metric painted on the nodes' };
    const select = h('select', attributes, ...options);
    select.title = 'What is painted on the nodes';
    select.addEventListener('change', () => this.actions.metric(select.value as Metric));
    return select;
  }

  private buttons(): HTMLElement {
    const { actions } = this;
    return h(
      'div',
      { class: 'fb-buttons' },
      button('Open all modules', ICONS.openAll, () => actions.openAll()),
      button('Close all modules', ICONS.closeAll, () => actions.closeAll()),
      button('Zoom out', ICONS.minus, () => actions.zoom(1 / 1.3)),
      button('Zoom in', ICONS.plus, () => actions.zoom(1.3)),
      button('Fit the whole graph (F)', ICONS.fit, () => actions.fit()),
      this.outlineButton
    );
  }
}

function button(label: string, path: string, onclick: () => void): HTMLButtonElement {
  return h('button', { class: 'fb-button', 'aria-label': label, title: label, onclick }, icon(path));
}
