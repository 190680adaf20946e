import { make } from './dom.js';
import { levelOf } from './quality.js';
import { words } from './text.js';

/** @import { PictureStats } from '../sdk/hst-rtc-engine.js' */

/** How many bars there are. */
const BARS = 4;

/** Bars that tell how good a picture is; who points at them, or goes to them by keyboard, sees the figures. */
export class Bars {
  element = make('div', { class: 'quality', hidden: true });
  #button = make('button', { type: 'button', class: 'bars' });
  #tip = make('div', { class: 'tip', 'aria-hidden': 'true' });
  /** @type {PictureStats | null} */
  #stats = null;
  #name = '';

  constructor() {
    const bars = Array.from({ length: BARS }, () => make('i'));
    this.#button.append(make('span', { class: 'bar-group', 'aria-hidden': 'true' }, bars));
    this.element.append(this.#button, this.#tip);
  }

  /** @param {PictureStats | null} stats without any the bars are hidden */
  show(stats) {
    // Before it was measured twice, nobody knows the bit rate.
    if (stats?.bitRate === 0 && !this.#stats) return;
    this.#stats = stats;
    this.#write();
  }

  /** @param {string} name whose picture it is */
  translate(name) {
    this.#name = name;
    this.#write();
  }

  #write() {
    const stats = this.#stats;
    this.element.hidden = !stats;
    if (!stats) return;
    const { width, height, frameRate, bitRate } = stats;
    const level = levelOf(stats);
    this.#button.dataset.level = String(level);
    const figures = [`${width}×${height}`, words().frames(Math.round(frameRate)), `${Math.round(bitRate)} kbit/s`];
    const lines = [words().qualityLevels[level], ...(height > 0 ? figures : [])];
    this.#tip.replaceChildren(...lines.map((line) => make('span', {}, [line])));
    this.#button.setAttribute('aria-label', [words().quality(this.#name), ...lines].join(', '));
  }
}
