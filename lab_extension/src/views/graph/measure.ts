// Which number is painted on which item, and how large it is on the metric's scale.

import { metricOf, moduleMetrics } from '../../trace/metrics';
import type { Direction, Metric, NodeValues } from '../../trace/metrics';
import { formatBytes, formatNumber, formatSeconds, formatShare } from '../format';
import type { Item, Scene } from './scene';

export interface Scale {
  least: number;
  most: number;
  logarithmic: boolean;
}

export interface Measures {
  /** By item; NaN: nothing to paint. */
  values: Float64Array;
  scale: Scale;
}

export const METRIC_NAMES: Record<Metric, string> = {
  none: 'No metric',
  time: 'Time',
  bytes: 'Bytes made',
  gradient: 'Gradient norm',
  zeros: 'Share of zeros'
};

export function measure(
  scene: Scene,
  values: NodeValues,
  metric: Metric,
  direction: Direction
): Measures {
  const ofModules = moduleMetrics(scene.graph, values, metric, direction);
  const one = (item: Item): number => {
    const isNode = item.kind === 'op' || item.kind === 'data';
    return isNode ? metricOf(values, metric, direction, item.ref) : (ofModules[item.ref] ?? NaN);
  };
  const measured = Float64Array.from(scene.items, one);
  const closed = measured.filter((v, i) => scene.items[i].kind !== 'group' && isFinite(v));
  return { values: measured, scale: scaleOf(closed, metric) };
}

function scaleOf(values: Float64Array, metric: Metric): Scale {
  if (metric === 'zeros') {
    return { least: 0, most: 1, logarithmic: false };
  }
  const logarithmic = metric === 'gradient';
  const counted = logarithmic ? values.filter(v => v > 0) : values;
  const most = counted.reduce((a, b) => Math.max(a, b), 0);
  const smallest = counted.reduce((a, b) => Math.min(a, b), Infinity);
  // at least a decade, so that equal norms do not look far apart
  const least = logarithmic ? Math.min(smallest, most / 10) : 0;
  return { least, most, logarithmic };
}

/** 0 to 1 on the scale. */
export function shareOf(value: number, { least, most, logarithmic }: Scale): number {
  if (!(value > 0) || !(most > least)) {
    return value > 0 && most > 0 ? 1 : 0;
  }
  const share = logarithmic
    ? Math.log(value / least) / Math.log(most / least)
    : (value - least) / (most - least);
  return Math.min(Math.max(share, 0), 1);
}

export function formatMetric(value: number, metric: Metric): string {
  switch (metric) {
    case 'time':
      return formatSeconds(value);
    case 'bytes':
      return formatBytes(value);
    case 'zeros':
      return formatShare(value);
    default:
      return formatNumber(value);
  }
}
