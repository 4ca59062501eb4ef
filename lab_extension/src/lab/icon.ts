// The torch: Flambeau's mark in the side bar, the launcher and the file browser.

import { LabIcon } from '@jupyterlab/ui-components';

const TORCH = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path fill="#e8710a" d="M12.6 1.4c.5 2.600-.7 4-2 5.500C9.200 8.400 8 9.700 8 11.600a4 4 0 0 0 8 0c0-1.300
    -.5-2.500-1.100-3.400-.3.900-.8 1.500-1.500 1.900.5-3.100-.1-6.400-.8-8.700z"/>
  <path class="jp-icon3" fill="#616161" d="M8 16.300h8a.8.800 0 0 1 .8.900l-.1.500a.9.900 0 0 1-.9.700H8.200
    a.9.900 0 0 1-.9-.7l-.1-.5a.8.800 0 0 1 .8-.9z M9.200 19.200h5.600l-.8 2.700a1.100 1.100 0 0 1-1.100.800
    h-1.800a1.100 1.100 0 0 1-1.100-.800z"/>
</svg>`;

export const torchIcon = new LabIcon({ name: 'flambeau:torch', svgstr: TORCH });
