// What a line chart says in words: "iteration 12 · 0.31"; with several lines also their key.

import { h } from '../dom';
import type { Theme } from '../theme';

export interface Line {
  label: string;
  color: (theme: Theme) => string;
  dash?: number[];
  /** Fills the area below with this share of the colour. */
  fill?: number;
  width?: number;
  /** Not named when the pointer rests on the chart. */
  silent?: boolean;
}

type Value = number | null | undefined;

export class Readout {
  readonly element: HTMLElement;
  private readonly iteration = h('span');
  private readonly note = h('span');
  private readonly entries: { line: Line; key: HTMLElement; value: HTMLElement; at: number }[];

  constructor(
    lines: Line[],
    private readonly format: (value: number) => string
  ) {
    const spoken = lines.map((line, at) => ({ line, at })).filter(({ line }) => !line.silent);
    this.entries = spoken.map(({ line, at }) => {
      const key = h('i', { class: 'fbc-key', 'aria-hidden': 'true' });
      return { line, at, key, value: h('span') };
    });
    const many = spoken.length > 1;
    const parts = this.entries.map(({ key, value }) => h('span', {}, many && key, value));
    const attributes = { class: `fbc-readout fb-faint${many ? ' fbc-keys' : ''}` };
    this.element = h('div', attributes, this.iteration, ...parts, this.note);
  }

  /** The keys look like the lines. */
  color(theme: Theme): void {
    for (const { line, key } of this.entries) {
      const [dash] = line.dash ?? [];
      const style = dash === undefined ? 'solid' : dash > 2 ? 'dashed' : 'dotted';
      key.style.borderTop = `2px ${style} ${line.color(theme)}`;
    }
  }

  show(iteration: Value, values: Value[], note = ''): void {
    write(this.note, note);
    write(this.iteration, iteration == null ? '' : `iteration ${iteration}`);
    for (const { line, value, at } of this.entries) {
      const number = values[at];
      const text = number == null ? '–' : this.format(number);
      const label = this.entries.length > 1 ? `${line.label} ` : '';
      write(value, iteration == null ? '' : label + text);
    }
  }
}

function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
