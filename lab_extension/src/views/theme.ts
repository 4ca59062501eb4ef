// Colours. CSS uses the variables of style.css; canvases read them from here.

/** Colours for categories in the order of CATEGORIES, told apart by colour-blind eyes too. */
export const CATEGORY_COLORS = [
  '#8b949e', // other
  '#56b4e9', // data
  '#0072b2', // parameter
  '#7a6fc4', // buffer
  '#e69f00', // activation
  '#d55e00', // gradient
  '#009e73' // optimizer
] as const;

/** What each category is called in a sentence. */
export const CATEGORY_NAMES = [
  'other',
  'data',
  'parameters',
  'buffers',
  'activations kept for the backward',
  'gradients',
  'optimizer state'
] as const;

export interface Theme {
  dark: boolean;
  font: string;
  mono: string;
  /** Page behind everything, then surfaces that stand out from it. */
  page: string;
  surface: string;
  raised: string;
  line: string;
  lineStrong: string;
  text: string;
  textSoft: string;
  textFaint: string;
  accent: string;
  backward: string;
  error: string;
  errorSoft: string;
  match: string;
}

const VARIABLES: Record<Exclude<keyof Theme, 'dark'>, string> = {
  font: '--fb-font',
  mono: '--fb-mono',
  page: '--fb-page',
  surface: '--fb-surface',
  raised: '--fb-raised',
  line: '--fb-line',
  lineStrong: '--fb-line-strong',
  text: '--fb-text',
  textSoft: '--fb-text-soft',
  textFaint: '--fb-text-faint',
  accent: '--fb-accent',
  backward: '--fb-backward',
  error: '--fb-error',
  errorSoft: '--fb-error-soft',
  match: '--fb-match'
};

/** The theme in force at `element`, which must be in the page and inside `.fb-root`. */
export function readTheme(element: Element): Theme {
  const style = getComputedStyle(element);
  const entries = Object.entries(VARIABLES).map(([key, variable]) => [
    key,
    style.getPropertyValue(variable).trim() || '#888'
  ]);
  const theme = Object.fromEntries(entries) as Theme;
  theme.dark = isDark(style.color);
  return theme;
}

/** Light text means a dark theme. */
function isDark(color: string): boolean {
  const [r = 0, g = 0, b = 0] = (color.match(/[\d.]+/g) ?? []).map(Number);
  return 0.3 * r + 0.6 * g + 0.1 * b > 140;
}

const OBSERVED = ['data-jp-theme-light', 'data-jp-theme-name', 'class', 'data-theme', 'style'];

/** Calls back after the theme changed, in JupyterLab or of the system. Returns what stops it. */
export function onThemeChange(callback: () => void): () => void {
  const later = () => requestAnimationFrame(callback);
  const observer = new MutationObserver(later);
  for (const node of [document.body, document.documentElement]) {
    observer.observe(node, { attributes: true, attributeFilter: OBSERVED });
  }
  const media = matchMedia('(prefers-color-scheme: dark)');
  media.addEventListener('change', later);
  // JupyterLab swaps style sheets after it has set the attribute
  const sheets = new MutationObserver(later);
  sheets.observe(document.head, { childList: true });
  return () => {
    observer.disconnect();
    sheets.disconnect();
    media.removeEventListener('change', later);
  };
}

/** `color` (any CSS colour the canvas resolved to #rrggbb) with an alpha, for canvases. */
export function withAlpha(color: string, alpha: number): string {
  return `color-mix(in srgb, ${color} ${Math.round(alpha * 100)}%, transparent)`;
}
