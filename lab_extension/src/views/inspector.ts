// The pane that tells all about what is selected in the graph.

import { opDetails, parametersOf, sourceLine, tensorDetails } from '../trace/details';
import { enclosing } from '../trace/graph';
import type { Graph, GraphError, GraphModule, GraphNode } from '../trace/graph';
import { moduleMetrics } from '../trace/metrics';
import type { NodeValues } from '../trace/metrics';
import type { Session } from '../trace/session';
import type { Trace } from '../trace/trace';
import { h, icon } from './dom';
import { formatSeconds, formatBytes, plural } from './format';
import { callName } from './graph/labels';
import type { Hit } from './graph/search';
import {
  errorBox, facts, parameterTable, section, sourceBox, tensorTable
} from './inspector-parts';
import { SampleSection } from './inspector-sample';

export interface InspectorActions {
  select(hit: Hit): void;
  close(): void;
}

export class Inspector {
  readonly element: HTMLElement;
  private readonly body = h('div', { class: 'fb-inspector-body' });
  private readonly sample: SampleSection;
  private shown = '';
  private subject = '';
  private readonly trace: Trace;

  constructor(
    session: Session,
    private readonly actions: InspectorActions
  ) {
    this.trace = session.trace;
    this.sample = new SampleSection(session);
    const attributes = { class: 'fb-inspector', 'aria-label': 'Selected in the graph' };
    this.element = h('aside', attributes, this.body);
    this.element.hidden = true;
  }

  /** Shows a node or module; null hides the pane. Keeps the scroll place when it is the same. */
  show(graph: Graph | null, values: NodeValues | null, hit: Hit | null): void {
    this.element.hidden = !graph || !values || !hit;
    if (!graph || !values || !hit) {
      this.shown = '';
      return;
    }
    const key = `${hit.kind}${hit.ref}${graph.signature}`;
    const restore = remember(this.body);
    const node = graph.nodes[hit.ref];
    this.subject = key;
    const content = hit.kind === 'module'
      ? this.module(graph, values, graph.modules[hit.ref])
      : node.kind === 'op' ? this.op(graph, node) : this.data(graph, node);
    this.body.replaceChildren(...content);
    if (key === this.shown) {
      restore();
    } else {
      this.body.scrollTop = 0;
    }
    this.shown = key;
  }

  private op(graph: Graph, node: GraphNode): HTMLElement[] {
    const details = opDetails(this.trace, node.row);
    const call = details.arguments ? `${node.name}(…, ${details.arguments})` : '';
    const error = graph.errors.find(e => e.node === node.id);
    const kept = details.kept.length > 0;
    return [
      this.heading(graph, node.name, 'operation', node.module),
      ...this.errorPart(error),
      ...(call ? [h('p', { class: 'fb-mono fb-call' }, call)] : []),
      ...(details.source ? [sourceBox(details.source)] : []),
      facts([
        ['Forward', formatSeconds(details.forward)],
        ['Backward', Number.isNaN(details.backward) ? 'not reached' : formatSeconds(details.backward)]
      ]),
      section('Output', tensorTable(details.outputs, 'The operation gave no output.')),
      section('Inputs', tensorTable(details.inputs, 'It reads no tensors.')),
      ...(kept ? [section('Kept for the backward', tensorTable(details.kept, ''))] : []),
      ...this.sample.elements(graph, node.tensor, this.subject)
    ];
  }

  private data(graph: Graph, node: GraphNode): HTMLElement[] {
    return [
      this.heading(graph, node.name, 'tensor from outside', -1),
      section('Tensor', tensorTable([tensorDetails(this.trace, node.tensor)], '')),
      ...this.sample.elements(graph, node.tensor, this.subject)
    ];
  }

  private module(graph: Graph, values: NodeValues, module: GraphModule): HTMLElement[] {
    const sum = (metric: 'time' | 'bytes', way: 'forward' | 'backward') =>
      moduleMetrics(graph, values, metric, way)[module.id];
    const parameters = parametersOf(this.trace, graph, module.path);
    const output = graph.nodes[module.output];
    const tensors = output && output.tensor >= 0 ? [tensorDetails(this.trace, output.tensor)] : [];
    return [
      this.heading(graph, callName(module), 'module', module.parent),
      ...this.errorPart(graph.errors.find(e => e.module === module.id && e.node < 0)),
      h('p', { class: 'fb-mono fb-call' }, module.kind),
      facts([
        ['Operations', plural(module.ops, 'operation').split(' ')[0]],
        ['Forward', formatSeconds(sum('time', 'forward'))],
        ['Backward', formatSeconds(sum('time', 'backward'))],
        ['Bytes made', formatBytes(sum('bytes', 'forward'))]
      ]),
      section('Output', tensorTable(tensors, 'The module gave no output.')),
      ...(parameters.length ? [section('Parameters', parameterTable(parameters, module.path))] : []),
      ...this.sample.elements(graph, output?.tensor ?? -1, this.subject)
    ];
  }

  private heading(graph: Graph, title: string, kind: string, module: number): HTMLElement {
    const path = enclosing(graph, module).reverse().map(m =>
      h('button', { class: 'fb-crumb', onclick: () => this.select(m) }, callName(m))
    );
    const close = h(
      'button',
      { class: 'fb-button', 'aria-label': 'Close', title: 'Close (Esc)', onclick: () => this.close() },
      icon('M4 4l8 8M12 4l-8 8')
    );
    const crumbs = h('nav', { class: 'fb-crumbs', 'aria-label': 'Modules around it' }, ...path);
    return h(
      'header',
      { class: 'fb-inspector-head' },
      h('div', {}, crumbs, h('h3', {}, title), h('span', { class: 'fb-chip' }, kind)),
      close
    );
  }

  private select(module: GraphModule): void {
    this.actions.select({ kind: 'module', ref: module.id });
  }

  private close(): void {
    this.actions.close();
  }

  private errorPart(error: GraphError | undefined): HTMLElement[] {
    if (!error) {
      return [];
    }
    const source = sourceLine(this.trace, this.trace.column('errors', 'line')[error.row]);
    return [errorBox(error, source)];
  }
}

/** Notes scroll place, opened parts and focus of a pane, to put them back on its new content. */
function remember(pane: HTMLElement): () => void {
  const focusable = () => [...pane.querySelectorAll<HTMLElement>('button, summary, [tabindex]')];
  const details = () => [...pane.querySelectorAll('details')];
  const focused = focusable().findIndex(e => e.matches(':focus'));
  const open = details().map(d => d.open);
  const { scrollTop } = pane;
  return () => {
    details().forEach((d, i) => (d.open = open[i] ?? d.open));
    focusable()[focused]?.focus({ preventScroll: true });
    pane.scrollTop = scrollTop;
  };
}
