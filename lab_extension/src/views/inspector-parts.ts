// Building blocks of the inspector.

import type { ParameterDetails, SourceLine, TensorDetails } from '../trace/details';
import type { GraphError } from '../trace/graph';
import { h } from './dom';
import { formatBytes, formatNumber, formatPlace, formatShape } from './format';
import { CATEGORY_COLORS, CATEGORY_NAMES } from './theme';

export function section(title: string, ...content: HTMLElement[]): HTMLElement {
  return h('section', { class: 'fb-section' }, h('h4', {}, title), ...content);
}

/** Short facts side by side. */
export function facts(pairs: [string, string][]): HTMLElement {
  const cells = pairs.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)));
  return h('dl', { class: 'fb-facts' }, ...cells);
}

export function sourceBox(source: SourceLine): HTMLElement {
  const place = formatPlace(source.file, source.line, source.cell);
  const inside = source.function && !source.function.startsWith('<');
  return h(
    'figure',
    { class: 'fb-source' },
    h('figcaption', {}, inside ? `${place}, in ${source.function}` : place),
    source.text ? h('code', {}, source.text.trim()) : null
  );
}

export function errorBox(error: GraphError, source: SourceLine | null): HTMLElement {
  return h(
    'div',
    { class: 'fb-error', role: 'alert' },
    h('strong', {}, `⚠ ${error.kind || 'Error'}`),
    h('p', {}, error.message),
    source && h('span', { class: 'fb-faint' }, formatPlace(source.file, source.line, source.cell))
  );
}

/** One line a tensor: shape, dtype, bytes, and what it is. */
export function tensorTable(tensors: TensorDetails[], none: string): HTMLElement {
  if (tensors.length === 0) {
    return h('p', { class: 'fb-soft' }, none);
  }
  return h('ul', { class: 'fb-tensors' }, ...tensors.map(tensorLine));
}

function tensorLine(tensor: TensorDetails): HTMLElement {
  const color = CATEGORY_COLORS[tensor.category] ?? CATEGORY_COLORS[0];
  const known = CATEGORY_NAMES[tensor.category] ?? 'other';
  const what = [tensor.dtype, formatBytes(tensor.bytes), tensor.device].filter(t => t && t !== '–');
  return h(
    'li',
    {},
    h('span', { class: 'fb-shape' }, formatShape(tensor.shape)),
    h('span', { class: 'fb-soft' }, what.join(' · ')),
    h(
      'span',
      { class: 'fb-category' },
      h('i', { style: `background: ${color}`, 'aria-hidden': 'true' }),
      tensor.name || known
    )
  );
}

const COLUMNS = ['', 'shape', '‖∇‖', '‖w‖', '‖Δw‖'];
const EXPLAINED = [
  'parameter',
  '',
  'norm of the gradient',
  'norm of the weights',
  'norm of what the optimizer step added'
];

export function parameterTable(parameters: ParameterDetails[], path: string): HTMLElement {
  const head = COLUMNS.map((name, i) => h('th', { scope: 'col', title: EXPLAINED[i] }, name));
  const rows = parameters.slice(0, 200).map(p => {
    const numbers = [p.gradient, p.weight, p.update].map(n => (Number.isNaN(n) ? '–' : formatNumber(n)));
    return h(
      'tr',
      {},
      h('th', { scope: 'row', title: p.name }, path ? p.name.slice(path.length + 1) : p.name),
      h('td', {}, p.shape === null ? '' : formatShape(p.shape)),
      ...numbers.map(text => h('td', {}, text))
    );
  });
  const table = h('table', {}, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows));
  return h('div', { class: 'fb-scroll fb-parameters' }, table);
}
