// The torch: Flambeau's mark in the side bar, the launcher and the file browser.

import { LabIcon } from '@jupyterlab/ui-components';

const TORCH = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path fill="#e8710a" d="M12.6 1.4c.5 2.6-.7 4-2 5.5C9.2 8.4 8 9.7 8 11.6a4 4 0 0 0 8 0
    c0-1.3-.5-2.5-1.1-3.4-.3.9-.8 1.5-1.5 1.9.5-3.1-.1-6.4-.8-8.7z"/>
  <path class="jp-icon3" fill="#616161" d="M8 16.3h8a.8.8 0 0 1 .8.9l-.1.5a.9.9 0 0 1-.9.7H8.2
    a.9.9 0 0 1-.9-.7l-.1-.5a.8.8 0 0 1 .8-.9z M9.2 19.2h5.6l-.8 2.7a1.1 1.1 0 0 1-1.1.8h-1.8
    a1.1 1.1 0 0 1-1.1-.8z"/>
</svg>`;

export const torchIcon = new LabIcon({ name: 'flambeau:torch', svgstr: TORCH });
