// What each key does on the graph.

import type { Item } from './scene';
import type { Step } from './walk';

export interface KeyTarget {
  walk(step: Step): void;
  open(item: Item | null): void;
  close(item: Item): void;
  select(hit: null): void;
  fit(): void;
  zoom(factor: number): void;
  focusSearch(): void;
}

/** Carries out a key on the selected item; false: it has no meaning here. */
export function pressed(key: string, item: Item | null, target: KeyTarget): boolean {
  const actions: Record<string, () => void> = {
    ArrowDown: () => target.walk('ArrowDown'),
    ArrowUp: () => target.walk('ArrowUp'),
    ArrowLeft: () => target.walk('ArrowLeft'),
    ArrowRight: () => target.walk('ArrowRight'),
    Enter: () => target.open(item),
    '+': () => item?.kind === 'module' && target.open(item),
    '-': () => item && target.close(item),
    Escape: () => target.select(null),
    f: () => target.fit(),
    PageUp: () => target.zoom(1.3),
    PageDown: () => target.zoom(1 / 1.3),
    '/': () => target.focusSearch()
  };
  if (!Object.hasOwn(actions, key)) {
    return false;
  }
  actions[key]();
  return true;
}
