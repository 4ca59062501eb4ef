// Which colour is which category, and how many bytes it has at the cursor.

import { h } from '../dom';
import { formatBytes } from '../format';
import { CATEGORY_COLORS } from '../theme';
import { categoryLabel } from './memoryText';
import { STACK_ORDER } from './stackOrder';

const TOP_DOWN = [...STACK_ORDER].reverse();

export class MemoryLegend {
  readonly element = h('ul', { class: 'fbc-legend', 'aria-label': 'Bytes by category' });
  private readonly items = new Map(TOP_DOWN.map(category => [category, new Item(category)]));
  private readonly seen = new Set<number>();

  constructor() {
    this.items.forEach(({ element }) => this.element.append(element));
  }

  /** A category that was there once stays, so that the legend does not jump. */
  show(bytes: number[]): void {
    for (const [category, item] of this.items) {
      if (bytes[category]! > 0) this.seen.add(category);
      item.element.hidden = !this.seen.has(category);
      item.value.textContent = formatBytes(bytes[category] ?? 0);
    }
  }
}

class Item {
  readonly element: HTMLElement;
  readonly value = h('span', { class: 'fbc-legend-value' });

  constructor(category: number) {
    const swatch = h('span', { class: 'fbc-swatch' });
    swatch.style.background = CATEGORY_COLORS[category] ?? '';
    this.element = h('li', {}, swatch, h('span', {}, categoryLabel(category)), this.value);
  }
}
