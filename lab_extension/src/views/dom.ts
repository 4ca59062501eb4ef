// Elements without a framework. Text is always set as text: names in a trace may hold HTML.

export type Child = Node | string | null | undefined | false;

type Attributes = Record<string, string | number | boolean | null | undefined | EventListener>;

/** h('button', { class: 'fb-button', onclick: run }, 'Run') */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/** The same for SVG elements. */
export function svg(tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      element.addEventListener(name.replace(/^on/, ''), value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
}

function append(element: Element, children: Child[]): void {
  element.append(...children.filter((c): c is Node | string => !!c || c === ''));
}

/** A line icon on a 16 by 16 grid, drawn in the colour of the text. */
export function icon(path: string): SVGElement {
  const attributes = { class: 'fb-icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' };
  return svg('svg', attributes, svg('path', { d: path }));
}
