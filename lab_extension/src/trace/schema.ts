// The tables of a trace: twin of kernel/flambeau/record/schema.py, which says what each column
// means. A test compares the two, so this file holds plain literals only.

export const VERSION = 1;
export const MAGIC = 'FLB1';
export const HISTOGRAM_BINS = 32;
export const PREVIEW_VALUES = 64;

export const PHASES = ['forward', 'backward'] as const;
export const ROLES = ['input', 'output', 'kept'] as const;
export const CATEGORIES = [
  'other',
  'data',
  'parameter',
  'buffer',
  'activation',
  'gradient',
  'optimizer'
] as const;
export const STATISTICS = ['value', 'gradient'] as const;

export const SEGMENT_TABLES = {
  ops: {
    tick: 'u4',
    time: 'f8',
    duration: 'f4',
    phase: 'u1',
    name: 's',
    call: 'i4',
    line: 'i4',
    forward: 'i4',
    iteration: 'u4',
    arguments: 's'
  },
  uses: { op: 'i4', tensor: 'i4', role: 'u1' },
  tensors: { tick: 'u4', block: 'i4', shape: 's', dtype: 's', name: 's' },
  blocks: { tick: 'u4', time: 'f8', bytes: 'f8', device: 's', category: 'u1', op: 'i4' },
  frees: { block: 'i4', tick: 'u4', time: 'f8' },
  categories: { block: 'i4', category: 'u1', tick: 'u4' },
  modules: { path: 's', kind: 's' },
  calls: { module: 'i4', parent: 'i4', tick: 'u4', time: 'f8' },
  leaves: { call: 'i4', tick: 'u4', time: 'f8' },
  lines: { file: 's', line: 'u4', cell: 'u4', function: 's', text: 's' },
  iterations: { number: 'u4', tick: 'u4', time: 'f8' },
  steps: { tick: 'u4', time: 'f8', optimizer: 's', rate: 'f8' },
  statistics: {
    tensor: 'i4',
    tick: 'u4',
    kind: 'u1',
    mean: 'f4',
    std: 'f4',
    min: 'f4',
    max: 'f4',
    norm: 'f4',
    zeros: 'f4',
    nans: 'f8',
    infs: 'f8',
    histogram: 'f4*32',
    preview: 'f4*64',
    preview_shape: 's'
  },
  marks: { tick: 'u4', time: 'f8', text: 's' },
  errors: {
    tick: 'u4',
    time: 'f8',
    op: 'i4',
    kind: 's',
    message: 's',
    call: 'i4',
    line: 'i4'
  }
} as const;

export const RUNNING_TABLES = {
  summaries: {
    iteration: 'u4',
    time: 'f8',
    duration: 'f8',
    loss: 'f8',
    peak: 'f8',
    live: 'f8',
    at_peak: 'f8*7',
    pool_used: 'f8',
    pool_held: 'f8'
  },
  gradients: {
    iteration: 'u4',
    name: 's',
    norm: 'f4',
    weight: 'f4',
    update: 'f4',
    zeros: 'f4',
    nans: 'f8',
    min: 'f4',
    max: 'f4',
    histogram: 'f4*32'
  }
} as const;

export const TABLES: Record<string, Record<string, string>> = {
  ...SEGMENT_TABLES,
  ...RUNNING_TABLES
};
