import { byId } from './dom.js';

/** @typedef {'chat' | 'people'} Name */

/** The panels at the side: one is open at a time, and on a phone it covers the room. */
export class Panels {
  /** Called when another one is open. @type {(open: Name | null) => void} */
  onChange = () => {};
  /** Which one is. @type {Name | null} */
  open = null;

  constructor() {
    for (const name of NAMES) {
      byId(`${name}-open`).onclick = () => this.toggle(name);
      byId(`${name}-close`).onclick = () => this.close();
    }
  }

  /** @param {Name} name */
  toggle(name) {
    if (this.open === name) return this.close();
    this.#show(name);
    byId(FIRST[name]).focus();
  }

  close() {
    const closed = this.open;
    this.#show(null);
    // Who closed it by keyboard is back where it was opened.
    if (closed && byId('room').contains(document.activeElement ?? null)) byId(`${closed}-open`).focus();
  }

  /** @param {Name | null} open */
  #show(open) {
    this.open = open;
    for (const name of NAMES) {
      byId(name).hidden = name !== open;
      byId(`${name}-open`).setAttribute('aria-expanded', String(name === open));
    }
    this.onChange(open);
  }
}

/** @type {readonly Name[]} */
const NAMES = ['chat', 'people'];
/** Where the keyboard is when one opens. */
const FIRST = { chat: 'chat-text', people: 'people-close' };
