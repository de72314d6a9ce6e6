/** Creates elements by name: text is inserted as text, never as markup. */

type Child = Node | string;

export function html<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function svg(name: string, attributes: Readonly<Record<string, string>> = {}, ...children: Node[]): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A line drawing of 24 by 24. */
export function icon(path: string): SVGElement {
  const look = { fill: 'none', stroke: 'currentColor', 'stroke-width': '1.8', 'stroke-linecap': 'round' };
  const drawing = { viewBox: '0 0 24 24', width: '20', height: '20', 'aria-hidden': 'true', ...look };
  return svg('svg', { ...drawing, 'stroke-linejoin': 'round' }, svg('path', { d: path }));
}
