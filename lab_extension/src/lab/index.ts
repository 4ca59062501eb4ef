// The JupyterLab extension: its plugins.

import { filePlugin } from './filePlugin';
import { hubPlugin, panelPlugin } from './panelPlugin';
import { statusPlugin } from './statusPlugin';
import { stillPlugin } from './stillPlugin';
import { tutorialPlugin } from './tutorialPlugin';

export default [
  hubPlugin, panelPlugin, statusPlugin, tutorialPlugin, filePlugin, stillPlugin
];
