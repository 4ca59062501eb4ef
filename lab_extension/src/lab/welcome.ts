// What the panel shows before anything is recorded: what to do, and a button that does it.

import { Clipboard } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

import { h } from '../views/dom';
import type { KernelLink } from './kernelLink';

const SNIPPET = 'import flambeau as fb\nfb.live()';

export class Welcome extends Widget {
  private readonly heading = h('h2');
  private readonly text = h('p');
  private readonly steps: HTMLElement;
  private readonly start = h('button', { class: 'fb-button fb-welcome-start', type: 'button' });
  private readonly trouble = h('p', { class: 'fb-welcome-trouble', role: 'alert' });
  private link: KernelLink | null = null;

  constructor(openTutorial: () => void) {
    super();
    this.addClass('fb-root');
    this.addClass('fb-welcome');
    this.start.addEventListener('click', () => void this.run());
    this.steps = h(
      'div',
      {},
      h('p', { class: 'fb-soft' }, 'Run this in a cell:'),
      snippet(),
      h('p', { class: 'fb-soft' }, 'or'),
      this.start,
      this.trouble
    );
    const attributes = { class: 'fb-button fb-outlined', type: 'button', onclick: openTutorial };
    const tutorial = h('button', attributes, 'Open the first tutorial');
    const hint = h('p', { class: 'fb-soft' }, 'New to Flambeau?');
    const more = h('div', { class: 'fb-welcome-more' }, hint, tutorial);
    this.node.append(this.heading, this.text, this.steps, more);
    this.follow(null);
  }

  /** For this kernel, or for none. */
  follow(link: KernelLink | null): void {
    if (link !== this.link) this.trouble.textContent = '';
    this.link = link;
    this.heading.textContent = link ? 'See your network run' : 'No notebook is open';
    this.text.textContent = link
      ? 'The graph, the gradients and the memory of what this notebook computes show here, live.'
      : 'Open a notebook: what its kernel computes shows here.';
    this.steps.hidden = !link;
    this.start.textContent = 'Start recording';
    this.start.disabled = false;
  }

  private async run(): Promise<void> {
    const { link } = this;
    if (!link) return;
    this.trouble.textContent = '';
    this.start.textContent = 'Starting …';
    this.start.disabled = true;
    try {
      await link.start();
    } catch (error) {
      if (this.link === link) this.trouble.textContent = explain(error);
    }
    this.start.textContent = 'Start recording';
    this.start.disabled = false;
  }
}

function snippet(): HTMLElement {
  const copy = () => {
    Clipboard.copyToSystem(SNIPPET);
    button.textContent = 'Copied';
    setTimeout(() => (button.textContent = 'Copy'), 1500);
  };
  const attributes = { class: 'fb-button fb-outlined fbc-small', type: 'button', onclick: copy };
  const button = h('button', attributes, 'Copy');
  const code = h('pre', { class: 'fb-mono' }, SNIPPET);
  return h('div', { class: 'fb-welcome-code' }, code, button);
}

function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /No module named '?flambeau'?/.test(message)
    ? 'Flambeau is not installed where this kernel runs. Install it with: %pip install flambeau'
    : `The kernel could not start recording. ${message}`;
}
