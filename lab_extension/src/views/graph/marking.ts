// Works out what is marked on the picture: selection, search hits, lines in use.

import type { GraphModel } from './model';
import type { Marks } from './paint';
import { markWires } from './paint-wires';
import type { Hit } from './search';

export function marking(model: GraphModel, selected: Hit[], found: Hit[]): Partial<Marks> {
  const { scene, values } = model;
  if (!scene) {
    return {};
  }
  const itemsOf = (hits: Hit[]) => new Set(hits.map(hit => model.itemOf(hit)?.index ?? -1));
  const chosen = itemsOf(selected);
  const { from, to } = scene.graph;
  const touches = (e: number) =>
    chosen.has(scene.itemOfNode[from[e]]) || chosen.has(scene.itemOfNode[to[e]]);
  const flows = (e: number) => values?.reached[from[e]] === 1 && values.reached[to[e]] === 1;
  return {
    selected: chosen,
    matches: itemsOf(found),
    touched: chosen.size > 0 ? markWires(scene, touches) : null,
    reached: model.direction === 'backward' ? markWires(scene, flows) : null
  };
}
