import { byId, make } from './dom.js';
import { put } from './tile.js';
import { onLanguage } from './text.js';

/** @import { Rect } from './layout.js' */

/** What is shown large: shared screens and white boards, one at a time, with a tab for each when there are several. */
export class Stage {
  /** Called when there is more or less to see, and whether something new came. @type {(isNew: boolean) => void} */
  onChange = () => {};
  #root = byId('stage');
  #tabs = byId('stage-tabs');
  /** @type {Map<string, { element: HTMLElement, label: () => string, tab: HTMLElement, act: HTMLElement | null }>} */
  #items = new Map();
  #shown = '';

  constructor() {
    onLanguage.addEventListener('change', () => this.#show());
    const full = byId('stage-full');
    full.hidden = !document.fullscreenEnabled;
    full.onclick = () => (document.fullscreenElement ? document.exitFullscreen() : this.#root.requestFullscreen());
    this.#tabs.onkeydown = (event) => this.#handleKey(event);
  }

  get isEmpty() {
    return this.#items.size === 0;
  }

  /** @param {string} key */
  has(key) {
    return this.#items.has(key);
  }

  /**
   * Shows something, in front of what was there before.
   * @param {string} key
   * @param {HTMLElement} element
   * @param {() => string} label in the present language
   * @param {HTMLElement | null} [act] a button that stands above it
   */
  add(key, element, label, act = null) {
    this.remove(key);
    const id = `stage-item-${key.replaceAll('/', '-')}`;
    const tab = make('button', { type: 'button', role: 'tab', class: 'tab', 'aria-controls': id });
    tab.onclick = () => this.select(key);
    element.id = id;
    element.setAttribute('role', 'tabpanel');
    this.#items.set(key, { element, label, tab, act });
    this.#tabs.append(tab);
    this.#root.append(element);
    if (act) this.#tabs.after(act);
    this.#shown = key;
    this.#show();
    this.onChange(true);
  }

  /** @param {string} key one that is not there is no fault */
  remove(key) {
    const item = this.#items.get(key);
    if (!item) return;
    this.#items.delete(key);
    item.tab.remove();
    item.element.remove();
    item.act?.remove();
    if (this.#shown === key) this.#shown = [...this.#items.keys()].at(-1) ?? '';
    if (this.isEmpty && document.fullscreenElement) document.exitFullscreen();
    this.#show();
    this.onChange(false);
  }

  /** @param {string} key */
  select(key) {
    this.#shown = key;
    this.#show();
    this.onChange(true);
  }

  clear() {
    for (const key of [...this.#items.keys()]) this.remove(key);
  }

  /** @param {Rect | null} rect where it stands; without one something else is shown large */
  place(rect) {
    this.#root.hidden = !rect;
    if (rect) put(this.#root, rect);
  }

  #show() {
    for (const [key, { element, label, tab, act }] of this.#items) {
      const isShown = key === this.#shown;
      element.hidden = !isShown;
      if (act) act.hidden = !isShown;
      element.setAttribute('aria-label', label());
      tab.textContent = label();
      tab.setAttribute('aria-selected', String(isShown));
      tab.tabIndex = isShown ? 0 : -1;
    }
  }

  /** The arrow keys go from tab to tab. @param {KeyboardEvent} event */
  #handleKey({ key }) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!step) return;
    const keys = [...this.#items.keys()];
    const next = keys.at((keys.indexOf(this.#shown) + step) % keys.length) ?? '';
    this.select(next);
    this.#items.get(next)?.tab.focus();
  }
}
