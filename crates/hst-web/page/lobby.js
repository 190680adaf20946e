import { byId, setIcon } from './dom.js';
import { nameOf } from './names.js';
import { Preview } from './preview.js';
import { recall, remember } from './store.js';
import { errorText, onLanguage, words } from './text.js';

/**
 * @import { Choice } from './choice.js'
 * @import { Session } from './session.js'
 */

/** The way in: who one is, where to, and how one looks and sounds. */
export class Lobby {
  #root = byId('lobby');
  #name = byId('name', HTMLInputElement);
  #group = byId('group', HTMLInputElement);
  #join = byId('join', HTMLButtonElement);
  #online = byId('go-online', HTMLButtonElement);
  #error = byId('lobby-error');
  #level = byId('level');
  /** A name that was thought up here is not remembered: a second tab is a second person. */
  #guest = `${words().guest}-${Math.floor(100 + Math.random() * 900)}`;
  #preview;
  #session;
  #enter;
  /** What is under way. @type {'' | 'joining' | 'goingOnline'} */
  #busy = '';

  /**
   * @param {Session} session
   * @param {Choice} choice
   * @param {URLSearchParams} query which may name who and where
   * @param {(group: string, media: { mic: boolean, cam: boolean }) => Promise<void>} enter
   */
  constructor(session, choice, query, enter) {
    this.#session = session;
    this.#enter = enter;
    this.#name.value = query.get('name') ?? recall('name') ?? this.#guest;
    this.#group.value = query.get('group') ?? recall('group') ?? 'demo';
    this.#preview = new Preview(byId('preview', HTMLVideoElement), choice, () => this.#show(), this.#showLevel);
    for (const kind of /** @type {const} */ (['mic', 'cam'])) {
      byId(`with-${kind}`).onclick = () => this.#preview.toggle(kind);
    }
    byId('join-form').onsubmit = (event) => {
      event.preventDefault();
      this.join(this.#group.value.trim());
    };
    this.#online.onclick = () => (session.self ? this.#goOffline() : this.#goOnline());
    onLanguage.addEventListener('change', () => this.#show());
    const canCapture = !!navigator.mediaDevices?.getUserMedia;
    byId('notice').hidden = canCapture;
    byId('look').hidden = !canCapture;
    this.#root.classList.toggle('without-devices', !canCapture);
  }

  get isOpen() {
    return !this.#root.hidden;
  }

  /** @param {string} [trouble] what to tell */
  open(trouble = '') {
    if (!this.isOpen) {
      this.#root.hidden = false;
      this.#join.focus();
    }
    document.title = 'hst-rtc';
    this.#preview.open();
    this.#tell(trouble);
  }

  /**
   * Comes online by the name in the form and goes into a group.
   * @param {string} group
   */
  async join(group) {
    const name = this.#name.value.trim();
    if (this.#busy) return;
    if (name === '' || group === '') return this.#tell(words().noName);
    await this.#attempt('joining', async () => {
      await this.#session.come(name);
      this.#remember(name, group);
      const { mic, cam } = this.#preview;
      // The group opens the devices itself.
      this.#preview.close();
      await this.#enter(group, { mic: mic.isOn, cam: cam.isOn });
      this.#root.hidden = true;
    });
    if (this.isOpen) this.#preview.open();
  }

  async #goOnline() {
    const name = this.#name.value.trim();
    if (name === '') return this.#tell(words().noNameOnly);
    await this.#attempt('goingOnline', async () => {
      await this.#session.come(name);
      this.#remember(name, '');
    });
  }

  #goOffline() {
    this.#session.end();
    this.#tell('');
  }

  /**
   * @param {'joining' | 'goingOnline'} what
   * @param {() => Promise<void>} work
   */
  async #attempt(what, work) {
    this.#busy = what;
    this.#tell('');
    let trouble = '';
    await work().catch((error) => (trouble = errorText(error)));
    this.#busy = '';
    this.#tell(trouble);
  }

  /**
   * @param {string} name
   * @param {string} group
   */
  #remember(name, group) {
    if (name !== this.#guest) remember('name', name);
    if (group !== '') remember('group', group);
  }

  /** @param {string} trouble */
  #tell(trouble) {
    this.#error.textContent = trouble;
    this.#error.hidden = trouble === '';
    this.#show();
  }

  #show() {
    const { self } = this.#session;
    const isOnline = self !== '';
    const { mic, cam, hasPicture } = this.#preview;
    for (const [kind, state] of /** @type {const} */ ([
      ['mic', mic],
      ['cam', cam],
    ])) {
      const button = byId(`with-${kind}`);
      button.setAttribute('aria-pressed', String(state.isOn));
      setIcon(button, state.isOn ? kind : `${kind}-off`);
    }
    byId('preview').classList.toggle('is-on', hasPicture);
    byId('preview-word').hidden = hasPicture;
    byId('preview-word').textContent = cam.isOn ? words().cameraOpening : words().cameraOff;
    const troubles = [cam.trouble, mic.trouble].filter(Boolean).map(wordOf);
    byId('device-trouble').hidden = troubles.length === 0;
    byId('device-trouble').textContent = troubles.join('\n');

    this.#join.disabled = this.#online.disabled = this.#busy !== '';
    this.#join.textContent = this.#busy === 'joining' ? words().joining : words().join;
    this.#online.textContent =
      this.#busy === 'goingOnline' ? words().goingOnline : isOnline ? words().goOffline : words().goOnline;
    // Another name is another person: one goes offline first.
    this.#name.readOnly = isOnline;
    byId('online-as').hidden = !isOnline;
    byId('online-as').textContent = isOnline ? words().onlineAs(nameOf(self)) : '';
  }

  /** @param {number} level */
  #showLevel = (level) => {
    this.#level.style.setProperty('--level', level.toFixed(2));
  };
}

/** @param {string} key */
function wordOf(key) {
  return String(words()[/** @type {keyof ReturnType<typeof words>} */ (key)]);
}
