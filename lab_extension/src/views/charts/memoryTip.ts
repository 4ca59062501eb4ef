// What the pointer rests on: the category and the biggest blocks in it.

import { h } from '../dom';
import { formatBytes, formatShare } from '../format';
import type { MemoryModel } from './memoryModel';
import { categoryLabel } from './memoryText';
import type { BlockNames } from './memoryText';

const SHOWN = 3;

interface Place {
  tick: number;
  category: number;
  x: number;
  y: number;
}

interface Source {
  model: MemoryModel;
  names: BlockNames;
}

export class MemoryTip {
  readonly element = h('div', { class: 'fbc-tip', hidden: true });
  private last = '';

  show(place: Place | null, source: Source | null): void {
    this.element.hidden = !place || !source;
    if (!place || !source) return;
    const key = `${place.tick} ${place.category}`;
    if (key !== this.last) this.fill(place, source);
    this.last = key;
    this.put(place);
  }

  private fill({ tick, category }: Place, { model, names }: Source): void {
    const all = model.biggest(tick, 0);
    const mine = (block: number) => category < 0 || model.category[block] === category;
    const found = model.biggest(tick, SHOWN, mine);
    const share = all.bytes > 0 ? ` (${formatShare(found.bytes / all.bytes)})` : '';
    const title =
      category < 0
        ? `${formatBytes(all.bytes)} alive`
        : `${categoryLabel(category)}: ${formatBytes(found.bytes)}${share}`;
    const lines = found.blocks.map(block => h('li', {}, names.sentence(block)));
    const rest = found.count - lines.length;
    if (rest > 0) lines.push(h('li', { class: 'fb-faint' }, `and ${rest} more`));
    this.element.replaceChildren(h('strong', {}, title), h('ul', {}, ...lines));
  }

  /** Beside the pointer, on the side where there is room. */
  private put({ x, y }: Place): void {
    const box = this.element.parentElement!;
    const left = x > box.clientWidth / 2;
    const room = left ? x - 20 : box.clientWidth - x - 20;
    this.element.style.maxWidth = `${Math.max(180, Math.min(360, room))}px`;
    this.element.style.left = left ? 'auto' : `${x + 14}px`;
    this.element.style.right = left ? `${box.clientWidth - x + 14}px` : 'auto';
    this.element.style.top = `${y + 10}px`;
  }
}
