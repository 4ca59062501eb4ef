// The self-contained HTML page. The writer puts this script and its style sheet into a file:
//
//   <!doctype html>
//   <html lang="en">
//     <head>
//       <meta charset="utf-8">
//       <meta name="viewport" content="width=device-width">
//       <title>net – Flambeau</title>
//       <style>…page.css…</style>
//     </head>
//     <body>
//       <div id="flambeau"></div>
//       <script type="application/octet-stream;base64" id="flambeau-trace">RkxCMS…</script>
//       <script>…page.js…</script>
//     </body>
//   </html>
//
// The first script holds one whole frame (the bytes of a .flb file) as base64. An attribute
// data-kind="graph" on the div shows that view alone; without it the page has all of them.

import { Session } from '../trace/session';
import { TraceError } from '../trace/trace';
import { h } from '../views/dom';
import { mount } from './app';
import type { Kind } from './app';
import './page.css';

const KINDS = ['graph', 'gradients', 'memory'];

function start(): void {
  const place = document.getElementById('flambeau') ?? document.body;
  place.classList.add('fb-page');
  const session = new Session();
  try {
    if (!session.trace.apply(readTrace())) {
      throw new TraceError('This trace is only a part: its beginning is missing.');
    }
  } catch (error) {
    place.append(failure(error));
    return;
  }
  const kind = place.dataset['kind'] ?? '';
  mount(place, session, (KINDS.includes(kind) ? kind : 'live') as Kind);
}

function readTrace(): Uint8Array {
  const text = document.getElementById('flambeau-trace')?.textContent?.trim();
  if (!text) {
    throw new TraceError('This page holds no trace.');
  }
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw new TraceError('This page is damaged: its trace is not base64.');
  }
  return Uint8Array.from(binary, char => char.charCodeAt(0));
}

function failure(error: unknown): HTMLElement {
  const why = error instanceof TraceError ? error.message : 'It could not be read.';
  return h(
    'div',
    { class: 'fb-root fb-empty', role: 'alert' },
    h('strong', {}, 'This trace cannot be shown'),
    h('span', {}, why)
  );
}

if (document.readyState === 'loading') {
  document.addEventListener('DOMContentLoaded', start);
} else {
  start();
}
