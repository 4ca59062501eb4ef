// Flame, tabs and the trace's title.

import { h, svg } from '../views/dom';

const FLAME =
  'M8.3 1c.5 2.6 3.9 4.1 3.9 8a4.2 4.2 0 0 1-8.4 0c0-1.9 1-3 1.7-4.2.3 1 .8 1.6 1.5 2C6.8 4.7 7 2.5 8.3 1z';

export class TabBar {
  readonly element: HTMLElement;
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private readonly title = h('span', { class: 'fb-title' });

  constructor(titles: Record<string, string>, show: (name: string) => void) {
    for (const [name, title] of Object.entries(titles)) {
      const attributes = { class: 'fb-tab', role: 'tab', onclick: () => show(name) };
      this.buttons.set(name, h('button', attributes, title));
    }
    const flame = svg('svg', { class: 'fb-flame', viewBox: '0 0 16 16', 'aria-hidden': 'true' });
    flame.append(svg('path', { d: FLAME }));
    const list = h('div', { role: 'tablist', class: 'fb-tablist' }, ...this.buttons.values());
    list.addEventListener('keydown', event => this.key(event, show));
    this.element = h('header', { class: 'fb-tabs' }, flame, list, this.title);
  }

  show(name: string): void {
    for (const [key, button] of this.buttons) {
      button.setAttribute('aria-selected', String(key === name));
      button.setAttribute('tabindex', key === name ? '0' : '-1');
    }
  }

  setTitle(title: unknown): void {
    this.title.textContent = typeof title === 'string' ? title.slice(0, 100) : '';
  }

  private key(event: KeyboardEvent, show: (name: string) => void): void {
    const names = [...this.buttons.keys()];
    const at = names.findIndex(name => this.buttons.get(name) === event.target);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step && at >= 0) {
      const next = names[(at + step + names.length) % names.length];
      show(next);
      this.buttons.get(next)?.focus();
      event.preventDefault();
      event.stopPropagation();
    }
  }
}
