/**
 * An element of the page, which index.html promises.
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id
 * @param {new () => Kind} [kind]
 * @returns {Kind}
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (!element || (kind && !(element instanceof kind))) throw new Error(`index.html lacks #${id}`);
  return /** @type {Kind} */ (element);
}

/**
 * A new element. Texts are texts, never markup: names and messages come from other people.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | boolean>} [attributes]
 * @param {(Node | string)[]} [children]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

/**
 * Gives the keyboard to the first that fits, where there is one.
 * @param {Element} root
 * @param {string} selector
 */
export function focusIn(root, selector) {
  const found = root.querySelector(selector);
  if (found instanceof HTMLElement) found.focus();
}

const SVG = 'http://www.w3.org/2000/svg';

/**
 * One of icons.svg.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS(SVG, 'use'));
  setIcon(svg, name);
  return svg;
}

/**
 * @param {Element} element an icon, or what has one in it
 * @param {string} name
 */
export function setIcon(element, name) {
  element.querySelector('use')?.setAttribute('href', `/page/icons.svg#${name}`);
}

/**
 * A button that is an icon; its words are for the tool tip and for those who do not see it.
 * @param {string} name of the icon
 * @param {string} label
 * @param {Record<string, string | boolean>} [attributes]
 */
export function iconButton(name, label, attributes = {}) {
  return make('button', { type: 'button', class: 'icon', 'aria-label': label, title: label, ...attributes }, [
    icon(name),
  ]);
}
