// Colours of op families and of painted metrics. Names and numbers say the same in words.

import type { Theme } from '../theme';
import { withAlpha } from '../theme';

interface Family {
  names: RegExp;
  light: string;
  dark: string;
}

// Okabe and Ito's colours, each dimmed or lifted for its background.
const FAMILIES: Family[] = [
  { names: /loss|entropy|nll|kl_div/, light: '#c2560c', dark: '#e8833a' },
  { names: /norm/, light: '#7a5fb5', dark: '#a78bda' },
  {
    names: /conv|linear|matmul|mm|dot|einsum|embedding|attention/,
    light: '#0b6fb8',
    dark: '#56a8e0'
  },
  {
    names: /relu|elu|tanh|sigmoid|softmax|softplus|silu|mish|hardtanh|dropout/,
    light: '#c98a00',
    dark: '#e0b040'
  },
  { names: /pool|sum|mean|max|min|var|std|prod|norm/, light: '#00896a', dark: '#35b893' }
];

const NEUTRAL = { light: '#8a94a0', dark: '#7d8590' };

export function familyColor(name: string, theme: Theme): string {
  const family = FAMILIES.find(f => f.names.test(name)) ?? NEUTRAL;
  return theme.dark ? family.dark : family.light;
}

/** Fill of a box whose metric is `share` (0 to 1) of the scale. */
export function metricFill(share: number, color: string): string {
  return withAlpha(color, 0.05 + 0.3 * share);
}
