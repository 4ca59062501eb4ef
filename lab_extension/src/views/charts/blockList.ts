// The biggest blocks alive at the cursor. Arrow keys move, Enter selects the op that made one.

import { h } from '../dom';
import { formatBytes, plural } from '../format';
import { CATEGORY_COLORS } from '../theme';
import { categoryLabel } from './memoryText';
import type { BlockFacts } from './memoryText';

interface Rest {
  count: number;
  bytes: number;
}

export class BlockList {
  readonly element: HTMLElement;
  private readonly list = h('div', {
    class: 'fbc-blocks',
    role: 'listbox',
    'aria-label': 'Biggest blocks of memory at the cursor'
  });
  private readonly more = h('button', { class: 'fb-button fb-outlined fbc-small', type: 'button' });
  private shown = '';
  private facts: BlockFacts[] = [];
  private focus = 0;

  constructor(
    private readonly choose: (facts: BlockFacts) => void,
    showMore: () => void
  ) {
    this.more.addEventListener('click', showMore);
    this.list.addEventListener('keydown', event => this.key(event));
    this.list.addEventListener('click', event => this.click(event));
    this.element = h('div', { class: 'fbc-block-list' }, this.list, this.more);
  }

  /** `rest`: the blocks that are not listed; `openable`: whether more can be shown. */
  show(facts: BlockFacts[], rest: Rest, openable: boolean, selected: number[]): void {
    const key = JSON.stringify([facts, selected]);
    this.more.hidden = rest.count === 0;
    this.more.disabled = !openable;
    const more = `${plural(rest.count, 'more block')}, ${formatBytes(rest.bytes)}`;
    if (this.more.textContent !== more) this.more.textContent = more;
    if (key === this.shown) return; // leaves the keyboard's focus where it is
    const focused = this.list.contains(document.activeElement);
    this.shown = key;
    this.facts = facts;
    this.focus = Math.min(this.focus, Math.max(0, facts.length - 1));
    const most = Math.max(1, facts[0]?.bytes ?? 1);
    const chosen = new Set(selected);
    const rows = facts.map((f, n) => this.row(f, n, f.bytes / most, chosen.has(f.op)));
    this.list.replaceChildren(...rows);
    if (focused) this.moveFocus(this.focus);
  }

  private row(facts: BlockFacts, n: number, share: number, selected: boolean): HTMLElement {
    const { what, bytes, category, path, line, op } = facts;
    const swatch = h('span', { class: 'fbc-swatch' });
    swatch.style.background = CATEGORY_COLORS[category] ?? '';
    const meter = h('span', { class: 'fbc-meter' }, h('span'));
    (meter.firstChild as HTMLElement).style.width = `${Math.max(1, share * 100)}%`;
    (meter.firstChild as HTMLElement).style.background = CATEGORY_COLORS[category] ?? '';
    const where = [categoryLabel(category), path, line].filter(Boolean).join(' · ');
    const text = h('span', { class: 'fbc-block-text' }, h('span', {}, what));
    text.append(h('span', { class: 'fb-faint' }, where));
    const size = h('span', { class: 'fbc-block-size' }, h('span', {}, formatBytes(bytes)), meter);
    const attributes = {
      class: 'fbc-block',
      role: 'option',
      tabindex: n === this.focus ? 0 : -1,
      'data-row': n,
      'aria-selected': String(selected && op >= 0),
      title: `${what} · ${where}`
    };
    return h('div', attributes, swatch, text, size);
  }

  private key(event: KeyboardEvent): void {
    const last = this.facts.length - 1;
    const at = this.focus;
    const targets: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: last
    };
    const target = targets[event.key];
    if (target !== undefined) this.moveFocus(Math.min(last, Math.max(0, target)));
    else if (event.key === 'Enter' || event.key === ' ') this.chooseRow(at);
    else return;
    event.preventDefault();
  }

  private moveFocus(to: number): void {
    const rows = this.list.children as HTMLCollectionOf<HTMLElement>;
    rows[this.focus]?.setAttribute('tabindex', '-1');
    this.focus = to;
    rows[to]?.setAttribute('tabindex', '0');
    rows[to]?.focus();
  }

  private click(event: MouseEvent): void {
    const row = (event.target as Element).closest<HTMLElement>('[role=option]');
    if (!row) return;
    this.focus = Number(row.dataset['row']);
    this.chooseRow(this.focus);
  }

  private chooseRow(at: number): void {
    const facts = this.facts[at];
    if (facts) this.choose(facts);
  }
}
