// A word above the views when they cannot show the iteration that was chosen.

import type { Session } from '../trace/session';
import { onlySummarised, shownIteration } from '../trace/timeline';
import { h } from '../views/dom';

export class Notice {
  readonly element: HTMLElement;
  private readonly text = h('span', {});

  constructor(private readonly session: Session) {
    const onclick = () => session.moveTo({ iteration: null, tick: null });
    const button = h('button', { class: 'fb-link', onclick }, 'Follow the latest');
    this.element = h('div', { class: 'fb-notice', role: 'status' }, this.text, button);
  }

  /** `needed`: the view on the screen shows one iteration in detail. */
  update(needed: boolean): void {
    const chosen = needed ? onlySummarised(this.session) : null;
    const shown = shownIteration(this.session);
    this.element.hidden = chosen === null || shown === null;
    this.text.textContent = this.element.hidden
      ? ''
      : `Iteration ${chosen} was only summarised; showing ${shown}.`;
  }
}
