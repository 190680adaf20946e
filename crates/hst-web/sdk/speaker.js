/**
 * @import { AudioLevel } from './types.js'
 *
 * @typedef {object} Voice
 * @property {number} talk for how long it has been heard, in ms: rises while it is, falls more slowly while it is not
 * @property {number} loudness its volume of late
 * @property {number} heardAt when it was heard last, in ms
 */

/** A volume below this is no voice, but the noise of a room. */
const AUDIBLE = 10;
/** Who was heard for so long speaks, in ms: a cough is shorter. */
const SPEAKS = 500;
/** No voice is credited with more than this, in ms. */
const MAX_TALK = 1_000;
/** How fast silence eats up what a voice is credited with: slower than it grew, since words have gaps. */
const DECAY = 0.5;
/** The time over which loudness is averaged, in ms. */
const AVERAGED = 1_000;
/** A speaker who is silent for so long gives way to whoever speaks, in ms. */
const PAUSE = 800;
/** Who speaks at the same time takes over when he is so much louder, for so long in ms. */
const LOUDER = 1.25;
const LEAD = 1_000;
/** A speaker whom nobody follows stays for so long, in ms. */
const REMEMBERED = 3_000;
/** A sample says nothing about a longer time than this, in ms: a page in the background measures rarely. */
const MAX_STEP = 400;

/** Who speaks in a group. Levels go in, the speaker comes out; it knows no time but that of its samples. */
export class Speaker {
  /** @type {Map<string, Voice>} */
  #voices = new Map();
  /** Who speaks at present. @type {string | null} */
  #user = null;
  /** Who is louder than he is, and since when. @type {{ user: string, since: number } | null} */
  #rival = null;
  #last = -Infinity;

  /**
   * @param {number} now in ms, from any beginning
   * @param {Pick<AudioLevel, 'userId' | 'volume'>[]} levels all that there are
   * @returns {string | null} who speaks; null when nobody has for some time
   */
  handle(now, levels) {
    this.#hear(now, levels);
    this.#last = now;
    const [loudest] = [...this.#voices]
      .filter(([user, { talk }]) => user !== this.#user && talk >= SPEAKS)
      .sort(([, a], [, b]) => b.loudness - a.loudness);
    if (this.#yieldsTo(loudest, now)) [this.#user, this.#rival] = [loudest?.[0] ?? null, null];
    return this.#user;
  }

  /**
   * @param {number} now
   * @param {Pick<AudioLevel, 'userId' | 'volume'>[]} levels
   */
  #hear(now, levels) {
    const step = Math.min(now - this.#last, MAX_STEP);
    /** @type {Map<string, number>} */
    const volumes = new Map();
    for (const { userId, volume } of levels) volumes.set(userId, Math.max(volume, volumes.get(userId) ?? 0));
    for (const user of [...this.#voices.keys()]) if (!volumes.has(user)) this.#voices.delete(user);
    for (const [user, volume] of volumes) {
      const { talk, loudness, heardAt } = this.#voices.get(user) ?? { talk: 0, loudness: 0, heardAt: -Infinity };
      const isHeard = volume >= AUDIBLE;
      this.#voices.set(user, {
        talk: isHeard ? Math.min(talk + step, MAX_TALK) : Math.max(talk - step * DECAY, 0),
        loudness: loudness + (volume - loudness) * Math.min(step / AVERAGED, 1),
        heardAt: isHeard ? now : heardAt,
      });
    }
  }

  /**
   * Whether the speaker's time is over.
   * @param {[string, Voice] | undefined} other the loudest of those who speak too
   * @param {number} now
   */
  #yieldsTo(other, now) {
    const voice = this.#user === null ? undefined : this.#voices.get(this.#user);
    if (!voice) return true;
    const isLouder = other && other[1].loudness >= voice.loudness * LOUDER;
    if (!isLouder) this.#rival = null;
    else if (this.#rival?.user !== other[0]) this.#rival = { user: other[0], since: now };
    const silence = now - voice.heardAt;
    if (!other) return silence >= REMEMBERED;
    return silence >= PAUSE || (this.#rival !== null && now - this.#rival.since >= LEAD);
  }
}
