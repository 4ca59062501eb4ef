// What the plugins share.

import { Token } from '@lumino/coreutils';

import type { KernelHub } from './kernelHub';

/** The kernels and their recordings. */
export const IKernelHub = new Token<KernelHub>(
  'flambeau:IKernelHub',
  'The recordings of the kernels of this page, and which one is followed.'
);

export const CommandIDs = {
  openPanel: 'flambeau:open-panel',
  openTutorial: 'flambeau:open-first-tutorial'
} as const;

export const CATEGORY = 'Flambeau';
