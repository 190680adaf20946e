/** @import { HstRtcEngine } from '../sdk/hst-rtc-engine.js' */

/** How often the volume of a voice is asked for where the engine does not tell it, in ms. */
const POLL = 200;
/** From this volume on a person is taken to speak, and for so long afterwards, in ms. */
const SPEAKS = 12;
const PAUSE = 1_200;

/** Who speaks, and how loud everybody is. */
export class Voices {
  #engine;
  #onLevel;
  #onSpeaker;
  #isTold = false;
  /** @type {string | null} */
  #speaker = null;
  #heardAt = 0;

  /**
   * @param {HstRtcEngine} engine
   * @param {(user: string, volume: number) => void} onLevel from 0 to 100
   * @param {(user: string | null) => void} onSpeaker
   */
  constructor(engine, onLevel, onSpeaker) {
    this.#engine = engine;
    this.#onLevel = onLevel;
    this.#onSpeaker = onSpeaker;
    engine.on('onAudioLevels', (levels) => {
      this.#isTold = true;
      for (const { userId, volume } of levels) onLevel(userId, volume);
    });
    engine.on('onActiveSpeaker', ({ userId }) => onSpeaker(userId));
  }

  /**
   * @param {string} userId
   * @param {string | null} mediaId
   */
  follow(userId, mediaId) {
    const media = { userId, mediaType: this.#engine.MediaType.AUDIO, mediaId };
    this.#engine.getStreamStats(media, ({ volume }) => !this.#isTold && this.#judge(userId, volume), POLL);
  }

  /**
   * @param {string} user
   * @param {number} volume
   */
  #judge(user, volume) {
    this.#onLevel(user, volume);
    const now = performance.now();
    const isPause = now - this.#heardAt > PAUSE;
    if (volume >= SPEAKS && (user === this.#speaker || isPause || this.#speaker === null)) {
      this.#heardAt = now;
      this.#tell(user);
    } else if (isPause) {
      this.#tell(null);
    }
  }

  /** @param {string | null} user */
  #tell(user) {
    if (user === this.#speaker) return;
    this.#speaker = user;
    this.#onSpeaker(user);
  }
}
