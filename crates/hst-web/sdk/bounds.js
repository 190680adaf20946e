/**
 * @import { MediaRef } from './ids.js'
 * @import { Limit } from './types.js'
 *
 * @typedef {object} Bound what is asked of a media, and why it may be no more than it is
 * @property {boolean} isOwn
 * @property {number} height of the picture that is asked for; 0 is not known
 * @property {number} frameRate
 * @property {Limit} limitedBy
 */

/** Knows what bounds each media of a group, beside what the browser says of it. */
export class Bounds {
  /** Pictures that one's own network does not carry. @type {Set<string>} */
  #starved = new Set();
  #group;
  #parts;

  /**
   * @param {import('./group.js').GroupContext} group whose peer may be another one later
   * @param {{ publisher: import('./publish.js').Publisher, views: import('./views.js').Views, roster: import('./roster.js').Roster }} parts
   */
  constructor(group, parts) {
    this.#group = group;
    this.#parts = parts;
  }

  /**
   * @param {MediaRef} media
   * @param {boolean} isStarved
   */
  handleStarved(media, isStarved) {
    if (isStarved) this.#starved.add(media.key);
    else this.#starved.delete(media.key);
  }

  /** The server begins anew. */
  clear() {
    this.#starved.clear();
  }

  /**
   * @param {MediaRef} media
   * @returns {Bound}
   */
  of(media) {
    return media.user === this.#group.self ? this.#ofOwn(media) : this.#ofOthers(media);
  }

  /**
   * @param {MediaRef} media
   * @returns {Bound}
   */
  #ofOwn(media) {
    const want = this.#group.peer.wantOf(media.key);
    const bound = { isOwn: true, height: 0, frameRate: 0 };
    if (this.#parts.publisher.isMuted(media.key)) return { ...bound, limitedBy: 'muted' };
    if (want?.way !== 'send' || media.kind === 'audio') return { ...bound, limitedBy: 'none' };
    const { height = 0 } = want.track.getSettings();
    const limitedBy = want.wanted < height ? 'view' : 'none';
    return { ...bound, height: Math.min(want.wanted, height), frameRate: want.frameRate ?? 0, limitedBy };
  }

  /**
   * How large others could send it is not known here.
   * @param {MediaRef} media
   * @returns {Bound}
   */
  #ofOthers(media) {
    const bound = { isOwn: false, height: 0, frameRate: 0 };
    const { roster, views } = this.#parts;
    if (roster.isMuted(media)) return { ...bound, limitedBy: 'muted' };
    if (this.#starved.has(media.key)) return { ...bound, limitedBy: 'bandwidth' };
    return { ...bound, limitedBy: views.asked(media) < Infinity ? 'view' : 'none' };
  }
}
