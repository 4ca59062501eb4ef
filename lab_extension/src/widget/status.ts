// The line at the bottom: is it live, on which device, how many bytes, what went wrong.

import type { Session } from '../trace/session';
import { h } from '../views/dom';
import { formatBytes } from '../views/format';

export class StatusLine {
  readonly element: HTMLElement;
  private readonly dot = h('i', { class: 'fb-dot', 'aria-hidden': 'true' });
  private readonly text = h('span', {});
  private readonly message = h('span', { class: 'fb-message', role: 'status' });
  private said = '';

  constructor(private readonly session: Session) {
    this.element = h('div', { class: 'fb-status' }, this.dot, this.text, this.message);
  }

  /** A word from the views themselves, until the next frame arrives. */
  say(message: string): void {
    this.said = message;
    this.message.textContent = message;
  }

  update(): void {
    const { connected, recording, device, live, peak, message } = this.session.status;
    const state = !connected ? 'Not live' : recording ? 'Recording' : 'Idle';
    const bytes = live > 0 || peak > 0;
    const parts = [
      state,
      device,
      bytes && connected ? `${formatBytes(live)} in use` : '',
      bytes ? `peak ${formatBytes(peak)}` : ''
    ];
    this.dot.dataset['state'] = !connected ? 'off' : recording ? 'recording' : 'idle';
    this.text.textContent = parts.filter(part => part).join(' · ');
    this.text.title = this.text.textContent;
    const said = message || this.said;
    this.message.textContent = said;
    this.message.title = said;
    this.said = '';
    const still = !device && !message; // a recording that has ended long ago
    this.element.hidden = still && this.session.trace.version > 0;
  }
}
