import { MediaRef } from './ids.js';
import { volumeOf } from './meter.js';
import { Speaker } from './speaker.js';
import { sleep } from './time.js';

/** @import { AudioLevel } from './types.js' */

/** How often the sounds are measured, in ms. */
const INTERVAL = 200;

/** How loud everybody is whom this user hears, himself included, and who speaks; measured only for who listens. */
export class Levels {
  #group;
  #publisher;
  #isRunning = false;
  #isOpen = true;

  /**
   * @param {import('./group.js').GroupContext} group whose peer may be another one later
   * @param {import('./publish.js').Publisher} publisher
   */
  constructor(group, publisher) {
    this.#group = group;
    this.#publisher = publisher;
    this.refresh();
  }

  /** Somebody may have begun to listen. */
  refresh() {
    if (this.#isHeard && !this.#isRunning) this.#run();
  }

  close() {
    this.#isOpen = false;
  }

  get #isHeard() {
    const { bus } = this.#group;
    return this.#isOpen && (bus.isHeard('onAudioLevels') || bus.isHeard('onActiveSpeaker'));
  }

  async #run() {
    this.#isRunning = true;
    const speaker = new Speaker();
    /** @type {{ levels: AudioLevel[], userId: string | null }} */
    let told = { levels: [], userId: null };
    while (this.#isHeard) {
      const levels = await this.#measure();
      const userId = speaker.handle(performance.now(), levels);
      // One empty list says that no sound is left.
      if (levels.length + told.levels.length > 0) this.#tell('onAudioLevels', levels);
      if (userId !== told.userId) this.#tell('onActiveSpeaker', { userId });
      told = { levels, userId };
      await sleep(INTERVAL);
    }
    this.#isRunning = false;
  }

  /** @returns {Promise<AudioLevel[]>} the loudest first */
  async #measure() {
    /** @type {Map<string, AudioLevel>} */
    const levels = new Map();
    for (const { media, level } of await this.#group.peer.levels()) {
      // What a screen plays is nobody's voice.
      if (media.isScreenSound) continue;
      // One's own that is altered too is one voice, of which the other half may be silent.
      const voice = media.isAlteredVoice ? MediaRef.microphone(media.user) : media;
      // One's own is measured before the server, which may silence it.
      const volume = this.#publisher.isMuted(voice.key) ? 0 : volumeOf(level);
      const known = levels.get(voice.key)?.volume ?? 0;
      levels.set(voice.key, { userId: voice.user, mediaId: voice.media, volume: Math.max(volume, known) });
    }
    return [...levels.values()].sort((a, b) => b.volume - a.volume);
  }

  /**
   * Nothing waits for its first subscriber: what was heard then is over.
   * @param {string} name
   * @param {unknown} payload
   */
  #tell(name, payload) {
    if (this.#isOpen && this.#group.bus.isHeard(name)) this.#group.emit(name, payload);
  }
}
