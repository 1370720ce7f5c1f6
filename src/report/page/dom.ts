/** What may be put into an element: elements, and text that stays text. */
export type Child = Node | string | null;

type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

const SVG = 'http://www.w3.org/2000/svg';

function fill<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

/** Makes an HTML element. Strings become text nodes, never markup. */
export function html<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(name), attributes, children);
}

/** Makes an SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** A button that does something. */
export function button(text: Child, attributes: Attributes, act: () => void): HTMLButtonElement {
  const made = html('button', { type: 'button', ...attributes }, text);
  made.addEventListener('click', act);
  return made;
}

/** A section of the page with its heading. */
export function section(id: string, title: string, note: string, ...children: readonly Child[]): HTMLElement {
  const heading = html('h2', { id: `${id}-title` }, title);
  const head = html(
    'header',
    { class: 'section-head' },
    heading,
    note === '' ? null : html('p', { class: 'note' }, note),
  );
  return html('section', { id, class: 'card', 'aria-labelledby': `${id}-title` }, head, ...children);
}

/** Calls back at most once a frame, however often it is asked to. */
export function oncePerFrame(work: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
}
