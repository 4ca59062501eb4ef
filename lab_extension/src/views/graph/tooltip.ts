// What is told of an item under the pointer.

import { sourceLine } from '../../trace/details';
import { metricOf } from '../../trace/metrics';
import type { Trace } from '../../trace/trace';
import { formatBytes, formatNumber, formatPlace, formatSeconds, formatShare, plural } from '../format';
import { labelOf } from './labels';
import type { GraphModel } from './model';
import type { Item } from './scene';

/** Title, then lines. */
export function tooltipLines(model: GraphModel, item: Item, trace: Trace): string[] {
  const { scene, graph, values } = model;
  if (!scene || !graph || !values) {
    return [];
  }
  const { title, kind, detail } = labelOf(scene, item);
  const module = item.kind === 'module' ? graph.modules[item.ref] : null;
  const node = module ? module.output : item.ref;
  const of = (metric: 'time' | 'bytes' | 'gradient' | 'zeros', backward = false) =>
    metricOf(values, metric, backward ? 'backward' : 'forward', node);
  const own: [string, number, (n: number) => string][] = module
    ? []
    : [
        ['forward', of('time'), formatSeconds],
        ['backward', of('time', true), formatSeconds],
        ['made', of('bytes'), formatBytes]
      ];
  const facts = [
    ...own,
    ['gradient norm', of('gradient'), formatNumber] as const,
    ['zeros', of('zeros'), formatShare] as const
  ];
  const known = facts.filter(([, value]) => !Number.isNaN(value));
  const lines = known.map(([name, value, format]) => `${name} ${format(value)}`);
  const hint = module ? `${plural(module.ops, 'operation')}; double click opens` : '';
  return [title, kind, detail, ...pairs(lines), source(model, item, trace), hint].filter(l => l !== '');
}

/** Two short facts to a line. */
function pairs(lines: string[]): string[] {
  return lines.flatMap((line, i) =>
    i % 2 === 0 ? [[line, lines[i + 1]].filter(l => l).join(' · ')] : []
  );
}

function source(model: GraphModel, item: Item, trace: Trace): string {
  const row = item.kind === 'op' ? (model.graph?.nodes[item.ref].row ?? -1) : -1;
  if (row < 0 || model.graph?.epoch !== trace.epoch) {
    return '';
  }
  const line = sourceLine(trace, trace.column('ops', 'line')[row]);
  return line ? `${formatPlace(line.file, line.line, line.cell)}: ${line.text.trim()}` : '';
}
