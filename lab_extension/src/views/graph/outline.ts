// The graph as text: a tree of modules and operations, in step with what is opened and selected.

import { h } from '../dom';
import type { GraphModel } from './model';
import { hitOf } from './model';
import { describe, labelOf } from './labels';
import type { Item, Scene } from './scene';
import type { Hit } from './search';

export interface OutlineActions {
  select(hit: Hit): void;
  toggle(key: string): void;
}

/** Beyond this many rows the tree ends with a word about the rest. */
const MOST = 2000;

export class Outline {
  readonly element = h('div', { class: 'fb-outline', role: 'tree', 'aria-label': 'Outline' });
  private scene: Scene | null = null;
  private drawn = -1;
  private selected: Item | null = null;
  private readonly rows = new Map<number, HTMLElement>();

  constructor(
    private readonly model: GraphModel,
    private readonly actions: OutlineActions
  ) {
    this.element.addEventListener('keydown', event => this.key(event));
    this.element.addEventListener('click', event => this.click(event));
  }

  /** Draws anew when other boxes are shown; else only moves the selection. Costs nothing while it
   *  is hidden. */
  update(selected: Item | null): void {
    if (this.element.hidden) {
      return;
    }
    const { scene } = this.model;
    const graph = scene?.graph;
    const failures = graph?.errors.length ?? 0;
    if (scene !== this.scene || failures !== this.drawn) {
      this.scene = scene;
      this.drawn = failures;
      this.draw();
      this.selected = null;
    }
    if (selected !== this.selected) {
      this.mark(this.selected, false);
      this.mark(selected, true);
      this.selected = selected;
    }
  }

  private draw(): void {
    const { scene } = this;
    const hadFocus = this.element.contains(document.activeElement);
    this.rows.clear();
    if (!scene) {
      this.element.replaceChildren();
      return;
    }
    // boxes are in tape order, a group before what it holds
    const shown = inTreeOrder(scene, MOST);
    const rows = shown.map(item => this.row(scene, item));
    const rest = scene.items.length - 1 - shown.length;
    const more = h('div', { class: 'fb-faint' }, `… and ${rest.toLocaleString('en-US')} more`);
    this.element.replaceChildren(...rows, ...(rest > 0 ? [more] : []));
    rows[0]?.setAttribute('tabindex', '0');
    if (hadFocus) {
      (this.rows.get(this.selected?.index ?? -1) ?? rows[0])?.focus();
    }
  }

  private row(scene: Scene, item: Item): HTMLElement {
    const { title, detail } = labelOf(scene, item);
    const isModule = item.kind === 'module' || item.kind === 'group';
    const mark = isModule ? (item.kind === 'group' ? '▾' : '▸') : '';
    const row = h(
      'div',
      {
        class: `fb-row fb-row-${item.kind}`,
        role: 'treeitem',
        'aria-level': item.depth,
        'aria-label': describe(scene, item),
        'aria-expanded': isModule ? String(item.kind === 'group') : null,
        'aria-selected': 'false',
        tabindex: -1,
        style: `padding-left: ${item.depth * 14 - 4}px`,
        'data-item': item.index
      },
      h('i', { 'aria-hidden': 'true' }, mark),
      h('b', {}, title),
      h('span', {}, detail)
    );
    this.rows.set(item.index, row);
    return row;
  }

  private mark(item: Item | null, selected: boolean): void {
    const row = item && this.rows.get(item.index);
    if (row) {
      row.setAttribute('aria-selected', String(selected));
      if (selected) {
        this.rows.forEach(other => other.setAttribute('tabindex', other === row ? '0' : '-1'));
        this.scrollTo(row);
      }
    }
  }

  /** Scrolls the tree, not the page around it. */
  private scrollTo(row: HTMLElement): void {
    const tree = this.element.getBoundingClientRect();
    const { top, bottom } = row.getBoundingClientRect();
    this.element.scrollTop += Math.min(top - tree.top, 0) + Math.max(bottom - tree.bottom, 0);
  }

  private itemAt(target: EventTarget | null): Item | null {
    const row = target instanceof Element ? target.closest<HTMLElement>('[data-item]') : null;
    return this.scene?.items[Number(row?.dataset['item'] ?? -1)] ?? null;
  }

  private click(event: MouseEvent): void {
    const item = this.itemAt(event.target);
    if (item && event.target instanceof Element && event.target.tagName === 'I') {
      this.toggle(item);
    } else if (item) {
      this.actions.select(hitOf(item));
    }
  }

  private toggle(item: Item): void {
    if (item.kind === 'module' || item.kind === 'group') {
      this.actions.toggle(this.scene?.graph.modules[item.ref].key ?? '');
    }
  }

  private key(event: KeyboardEvent): void {
    const item = this.itemAt(event.target);
    const rows = [...this.rows.values()];
    const at = rows.indexOf(event.target as HTMLElement);
    const go = (i: number) => rows[Math.min(Math.max(i, 0), rows.length - 1)]?.focus();
    const keys: Record<string, () => void> = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      ArrowRight: () => item && (item.kind === 'module' ? this.toggle(item) : go(at + 1)),
      ArrowLeft: () => item && this.outward(item),
      Enter: () => item && this.actions.select(hitOf(item)),
      ' ': () => item && this.toggle(item)
    };
    if (item && keys[event.key]) {
      keys[event.key]();
      event.preventDefault();
      event.stopPropagation();
    }
  }

  private outward(item: Item): void {
    if (item.kind === 'group') {
      this.toggle(item);
    } else {
      this.rows.get(item.parent)?.focus();
    }
  }
}

/** Depth first, without recursion. */
function inTreeOrder(scene: Scene, most: number): Item[] {
  const order: Item[] = [];
  const stack = [0];
  while (stack.length > 0 && order.length < most) {
    const index = stack.pop() as number;
    if (index > 0) {
      order.push(scene.items[index]);
    }
    const inside = scene.children[index];
    for (let i = inside.length - 1; i >= 0; i--) {
      stack.push(inside[i]);
    }
  }
  return order;
}
