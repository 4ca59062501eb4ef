// The words on and about an item.

import type { GraphModule } from '../../trace/graph';
import { formatShape, plural } from '../format';
import type { Item, Scene } from './scene';

export interface Label {
  title: string;
  /** A module's class. */
  kind: string;
  /** The shape of the output. */
  detail: string;
}

export function labelOf(scene: Scene, item: Item): Label {
  const { nodes, modules } = scene.graph;
  if (item.kind === 'op' || item.kind === 'data') {
    const node = nodes[item.ref];
    const detail = node.shape === null ? '' : formatShape(node.shape);
    return { title: node.name, kind: '', detail };
  }
  const module = modules[item.ref];
  const shape = nodes[module.output]?.shape ?? null;
  const detail = shape === null ? '' : formatShape(shape);
  return { title: callName(module), kind: className(module), detail };
}

/** "conv1", and "cell (call 2)" for a second call. */
export function callName(module: GraphModule): string {
  const nth = module.key.slice(module.path.length + 1);
  return nth ? `${module.name} (call ${nth})` : module.name;
}

/** "Conv2d" of "Conv2d(1, 16, kernel_size=3)"; '' where the name says it already. */
function className(module: GraphModule): string {
  const name = module.kind.split('(')[0];
  return name === module.name ? '' : name;
}

/** What a screen reader says. */
export function describe(scene: Scene, item: Item): string {
  const { title, kind, detail } = labelOf(scene, item);
  const shape = detail ? `, ${detail.replace(/×/g, ' by ')}` : '';
  switch (item.kind) {
    case 'op':
      return `${failed(scene, item)}operation ${title}${shape}`;
    case 'data':
      return `data ${title}${shape}`;
    default: {
      const state = item.kind === 'group' ? 'opened' : 'closed';
      const ops = plural(scene.graph.modules[item.ref].ops, 'operation');
      return `${failed(scene, item)}module ${title} ${kind}${shape}, ${ops}, ${state}`;
    }
  }
}

export function failed(scene: Scene, item: Item): string {
  const { nodes, modules } = scene.graph;
  const subject = item.kind === 'op' ? nodes[item.ref] : modules[item.ref];
  return item.kind !== 'data' && subject?.failed ? 'failed: ' : '';
}
