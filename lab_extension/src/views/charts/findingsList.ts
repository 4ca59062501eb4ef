// The findings as a list of sentences, each with a sign of its own.

import { h, icon } from '../dom';
import type { Finding } from './gradientFindings';

const WARNING = 'M8 2.2 14.5 13.5h-13z M8 6.5v3.2 M8 11.6v.1';
const NOTE = 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 1 0 8 1.8 M8 7.4v3.6 M8 4.9v.1';
const GOOD = 'M2.5 8.5 6.2 12 13.5 4.5';
const BAD = 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 1 0 8 1.8 M5.8 5.8l4.4 4.4 M10.2 5.8l-4.4 4.4';

const SIGNS: Record<Finding['kind'], [string, string]> = {
  nan: ['fbc-bad', BAD],
  exploding: ['fbc-bad', BAD],
  vanishing: ['fbc-warn', WARNING],
  none: ['fbc-warn', WARNING],
  large: ['fbc-warn', WARNING],
  tiny: ['fbc-warn', WARNING],
  note: ['fbc-note', NOTE],
  fine: ['fbc-fine', GOOD]
};

export class FindingsList {
  readonly element = h('ul', { class: 'fbc-findings', 'aria-label': 'Findings' });
  private shown = '';

  constructor(private readonly choose: (parameter: string) => void) {}

  show(findings: Finding[]): void {
    const key = JSON.stringify(findings);
    if (key === this.shown) return; // leaves the keyboard's focus where it is
    this.shown = key;
    this.element.replaceChildren(...findings.slice(0, 5).map(finding => this.item(finding)));
  }

  private item(finding: Finding): HTMLElement {
    const [style, path] = SIGNS[finding.kind];
    const show = () => this.choose(finding.parameter);
    const look = { class: 'fb-button fb-outlined fbc-small', type: 'button', onclick: show };
    const name = finding.parameter;
    const button = name && h('button', { ...look, 'aria-label': `Show ${name}` }, 'Show');
    const sentence = h('span', { class: 'fbc-sentence' }, finding.text);
    return h('li', { class: style }, icon(path), sentence, button);
  }
}
