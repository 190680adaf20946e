import { byId, make } from './dom.js';
import { onLanguage, words } from './text.js';

/** @typedef {'keyMic' | 'keyCam' | 'keyShare' | 'keyBoard' | 'keyChat' | 'keyPeople' | 'keyView' | 'keyHelp'} Act */

/** @type {Readonly<Record<string, Act>>} */
const KEYS = Object.freeze({
  m: 'keyMic',
  v: 'keyCam',
  s: 'keyShare',
  w: 'keyBoard',
  c: 'keyChat',
  p: 'keyPeople',
  g: 'keyView',
  '?': 'keyHelp',
});

/** Single keys for what one does often, and the dialog that names them. */
export class Shortcuts {
  #dialog = byId('shortcuts', HTMLDialogElement);
  #acts;
  #isInRoom;
  #onEscape;

  /**
   * @param {Record<Exclude<Act, 'keyHelp'>, () => void>} acts
   * @param {() => boolean} isInRoom
   * @param {() => void} onEscape
   */
  constructor(acts, isInRoom, onEscape) {
    this.#acts = { ...acts, keyHelp: () => this.#dialog.showModal() };
    this.#isInRoom = isInRoom;
    this.#onEscape = onEscape;
    document.addEventListener('keydown', (event) => this.#handle(event));
    byId('shortcuts-open').onclick = () => this.#dialog.showModal();
    onLanguage.addEventListener('change', () => this.#write());
  }

  /** @param {KeyboardEvent} event */
  #handle(event) {
    const { key, ctrlKey, metaKey, altKey, repeat, isComposing } = event;
    if (!this.#isInRoom() || isDialogOpen() || ctrlKey || metaKey || altKey || repeat || isComposing) return;
    if (key === 'Escape') return this.#onEscape();
    const act = KEYS[key.toLowerCase()];
    if (!act || isTyped(event.target)) return;
    event.preventDefault();
    this.#acts[act]();
  }

  #write() {
    const rows = [...Object.entries(KEYS), ['Esc', 'keyEscape']].map(([key, act]) => {
      const word = words()[/** @type {Act} */ (act)];
      return make('li', {}, [word, make('kbd', {}, [key.length === 1 ? key.toUpperCase() : key])]);
    });
    byId('shortcut-list').replaceChildren(...rows);
  }
}

/** A dialog has the keyboard to itself. */
function isDialogOpen() {
  return document.querySelector('dialog[open]') !== null;
}

/** Whether a key writes something where it was pressed. @param {EventTarget | null} target */
function isTyped(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'));
}
