import { byId, setIcon } from './dom.js';
import { onLanguage, words } from './text.js';
import { toast } from './toasts.js';
import { keepAwake } from './wake.js';

/**
 * @import { Boards } from './boards.js'
 * @import { Call } from './call.js'
 * @import { Tiles } from './tiles.js'
 */

/** What frames a call: the bar above it, and the controls below. */
export class Room {
  #call;
  #boards;
  #tiles;
  #group = '';
  /** How many are here, in a group so large that not everybody is named. */
  #total = 0;

  /**
   * @param {Call} call
   * @param {Boards} boards
   * @param {Tiles} tiles
   * @param {() => void} onLeave
   */
  constructor(call, boards, tiles, onLeave) {
    this.#call = call;
    this.#boards = boards;
    this.#tiles = tiles;
    for (const kind of /** @type {const} */ (['mic', 'cam', 'share'])) byId(kind).onclick = () => call.toggle(kind);
    byId('board').onclick = () => boards.toggle();
    byId('spotlight').onclick = () => tiles.switchView();
    for (const button of document.querySelectorAll('[data-copy]')) {
      button.addEventListener('click', () => this.#copyLink());
    }
    byId('leave').onclick = onLeave;
    boards.onChange = tiles.onView = () => this.update();
    onLanguage.addEventListener('change', () => this.update());
  }

  get isOpen() {
    return this.#group !== '';
  }

  /** @param {string} group its name */
  open(group) {
    this.#group = group;
    this.#total = 0;
    byId('room').hidden = false;
    const devices = navigator.mediaDevices;
    byId('share').hidden = !devices?.getDisplayMedia;
    byId('mic', HTMLButtonElement).disabled = byId('cam', HTMLButtonElement).disabled = !devices?.getUserMedia;
    document.title = `${group} · hst-rtc`;
    keepAwake(true);
    this.update();
    // Who does not see it hears where he is, and goes on from there.
    byId('group-name').focus();
  }

  close() {
    keepAwake(false);
    this.#group = '';
    byId('room').hidden = true;
  }

  /** @param {number} total */
  set total(total) {
    this.#total = total;
    this.update();
  }

  /** Brings bar and controls in accord with the call. */
  update() {
    if (!this.isOpen) return;
    const count = Math.max(this.#total, this.#call.members.size + 1);
    byId('group-name').textContent = this.#group;
    byId('count').textContent = String(count);
    byId('alone').hidden = count > 1;
    byId('people-count').textContent = words().peopleHere(count);
    for (const kind of /** @type {const} */ (['mic', 'cam', 'share'])) {
      const isOn = this.#call.own.has(kind);
      byId(kind).setAttribute('aria-pressed', String(isOn));
      if (kind !== 'share') setIcon(byId(kind), isOn ? kind : `${kind}-off`);
    }
    byId('board').setAttribute('aria-pressed', String(this.#boards.isOpen));
    byId('spotlight').setAttribute('aria-pressed', String(this.#tiles.followsSpeaker));
  }

  async #copyLink() {
    const link = new URL(location.pathname, location.href);
    link.search = new URLSearchParams({ group: this.#group }).toString();
    try {
      await navigator.clipboard.writeText(link.href);
      toast(words().copied);
    } catch {
      // Without permission, or without https: the link to be copied by hand.
      toast(link.href);
    }
  }
}
