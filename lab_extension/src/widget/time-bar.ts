// The time cursor: which iteration all views show.

import type { Session } from '../trace/session';
import { detailedIterations, shownIteration } from '../trace/timeline';
import { h } from '../views/dom';

export class TimeBar {
  readonly element: HTMLElement;
  private readonly label = h('span', { class: 'fb-iteration' });
  private readonly slider = h('input', {
    type: 'range',
    class: 'fb-slider',
    min: 0,
    'aria-label': 'Iteration shown'
  });
  private readonly follow = h('button', {
    class: 'fb-button fb-outlined fb-follow',
    title: 'Follow the latest complete iteration'
  }, 'Latest');

  constructor(private readonly session: Session) {
    this.element = h('div', { class: 'fb-time' }, this.label, this.slider, this.follow);
    this.slider.addEventListener('input', () => this.moved());
    this.slider.addEventListener('keydown', event => event.stopPropagation());
    this.follow.addEventListener('click', () => session.moveTo({ iteration: null, tick: null }));
  }

  update(): void {
    const { trace, cursor } = this.session;
    const numbers = detailedIterations(trace);
    const shown = shownIteration(this.session);
    this.element.hidden = shown === null;
    if (shown === null) {
      return;
    }
    this.label.textContent = `Iteration ${shown.toLocaleString('en-US')}`;
    this.element.classList.toggle('fb-single', numbers.length < 2);
    this.slider.hidden = this.follow.hidden = numbers.length < 2;
    this.slider.max = String(numbers.length - 1);
    this.slider.value = String(numbers.indexOf(shown));
    this.slider.setAttribute('aria-valuetext', `iteration ${shown}`);
    this.follow.setAttribute('aria-pressed', String(cursor.iteration === null));
  }

  private moved(): void {
    const numbers = detailedIterations(this.session.trace);
    const iteration = numbers[Number(this.slider.value)];
    if (iteration !== undefined) {
      this.session.moveTo({ iteration, tick: null });
    }
  }
}
