// How the categories of memory lie on one another.

import { CATEGORIES } from '../../trace/schema';

const BOTTOM_UP: (typeof CATEGORIES)[number][] = [
  'parameter',
  'buffer',
  'optimizer',
  'data',
  'gradient',
  'activation',
  'other'
];

/** Indexes of CATEGORIES from the bottom up: what stays lies below what comes and goes. */
export const STACK_ORDER: readonly number[] = BOTTOM_UP.map(name => CATEGORIES.indexOf(name));
