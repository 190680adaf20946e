import { Bars } from './bars.js';
import { icon, iconButton, make, setIcon } from './dom.js';
import { hueOf, initialOf, nameOf } from './names.js';
import { words } from './text.js';

/** @import { PictureStats } from '../sdk/hst-rtc-engine.js' */
/** @import { Rect } from './layout.js' */

/** One person, or one more camera of a person: picture or initial, name, microphone, quality, and a pin. */
export class Tile {
  video;
  element;
  #bars = new Bars();
  #name = make('span', { class: 'name' });
  #sound = make('span', { class: 'unseen' });
  #mark = make('span', { class: 'mark' }, [icon('mic-off')]);
  #pin = iconButton('pin', '', { class: 'icon pin', 'aria-pressed': 'false' });

  /**
   * @param {string} user
   * @param {boolean} isOwn
   * @param {() => void} onPin
   */
  constructor(user, isOwn, onPin) {
    this.user = user;
    this.isOwn = isOwn;
    this.video = newVideo(isOwn);
    const avatar = make('span', { class: 'avatar', 'aria-hidden': 'true' }, [initialOf(user)]);
    const caption = make('figcaption', { class: 'caption' }, [this.#mark, this.#name, this.#sound]);
    this.element = make('figure', { class: isOwn ? 'tile own' : 'tile', 'data-user': user, tabindex: '-1' }, [
      make('div', { class: 'face' }, [avatar, this.video]),
      caption,
      this.#bars.element,
      this.#pin,
    ]);
    this.element.style.setProperty('--hue', String(hueOf(user)));
    this.#pin.onclick = onPin;
    this.element.ondblclick = onPin;
    this.translate();
  }

  translate() {
    const name = nameOf(this.user);
    this.element.dataset.name = name;
    this.#name.textContent = this.isOwn ? words().you(name) : name;
    this.#pin.title = words().pin(name);
    this.#pin.setAttribute('aria-label', words().pin(name));
    this.#bars.translate(name);
    this.#tellSound();
  }

  get hasPicture() {
    return this.element.classList.contains('has-picture');
  }

  set hasPicture(value) {
    this.element.classList.toggle('has-picture', value);
    if (!value) this.quality = null;
    if (value && this.isOwn) this.#mirror();
  }

  get hasSound() {
    return this.element.classList.contains('has-sound');
  }

  set hasSound(value) {
    this.element.classList.toggle('has-sound', value);
    if (!value) this.volume = 0;
    setIcon(this.#mark, value ? 'mic' : 'mic-off');
    this.#tellSound();
  }

  /** From 0 to 100. @param {number} value */
  set volume(value) {
    this.element.style.setProperty('--volume', (value / 100).toFixed(2));
  }

  /** @param {boolean} value */
  set speaks(value) {
    this.element.classList.toggle('speaks', value);
  }

  /** @param {boolean} value */
  set isPinned(value) {
    this.#pin.setAttribute('aria-pressed', String(value));
  }

  /** @param {boolean} value */
  set isSpotlit(value) {
    this.element.classList.toggle('spotlit', value);
  }

  /** @param {PictureStats | null} stats */
  set quality(stats) {
    this.#bars.show(stats);
  }

  /** @param {Rect | undefined} rect where it stands; without one it is on another page */
  place(rect) {
    this.element.hidden = !rect;
    if (rect) put(this.element, rect);
  }

  /** One knows oneself from mirrors; what a camera at the back sees is no mirror. */
  #mirror() {
    const source = /** @type {MediaStream | null} */ (this.video.srcObject);
    const facing = source?.getVideoTracks()[0]?.getSettings().facingMode;
    this.element.classList.toggle('unmirrored', facing === 'environment');
  }

  #tellSound() {
    this.#sound.textContent = `, ${this.hasSound ? words().micIsOn : words().micIsOff}`;
  }
}

/**
 * @param {HTMLElement} element
 * @param {Rect} rect
 */
export function put(element, rect) {
  for (const [side, value] of Object.entries(rect)) element.style.setProperty(side, `${value}px`);
}

/** One's own picture is never heard. @param {boolean} isOwn */
export function newVideo(isOwn) {
  const video = document.createElement('video');
  video.autoplay = true;
  video.playsInline = true;
  video.muted = isOwn;
  return video;
}
