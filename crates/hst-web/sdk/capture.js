import { MediaType } from './ids.js';
import { openDevice } from './open.js';

/**
 * @typedef {import('./ids.js').MediaRef} MediaRef
 * @typedef {import('./open.js').Source} Source
 * @typedef {import('./picture.js').Picture} Picture
 */

/** The running microphone, cameras and shared screen; publishing and preview share one capture of a device. */
export class Captures {
  /** @type {Map<string, Capture>} */
  #captures = new Map();
  #onTrack;

  /**
   * @param {(media: MediaRef, track: MediaStreamTrack | null) => void} onTrack a capture is ready, is another one, or
   *   has ended
   */
  constructor(onTrack) {
    this.#onTrack = onTrack;
  }

  /** @param {MediaRef} media */
  has(media) {
    return this.#captures.has(media.key);
  }

  /**
   * The capture of a media, opened when it is not running yet. It runs until its last holder lets go. Opens within this
   * very call, since browsers show the screen picker only inside a click.
   * @param {MediaRef} media
   * @param {unknown} device
   * @param {Picture} picture
   * @param {unknown} holder
   */
  hold(media, device, picture, holder) {
    let capture = this.#captures.get(media.key);
    if (!capture) {
      const opened = new Capture(media, openDevice(media.type, device, picture), () => this.#close(opened));
      this.#captures.set(media.key, opened);
      this.#announce(opened);
      capture = opened;
    }
    capture.holders.add(holder);
    return capture;
  }

  /**
   * Puts another device in the place of the one that a capture runs.
   * @param {Capture} capture
   * @param {unknown} device
   * @param {Picture} picture
   * @returns {Promise<MediaStreamTrack>} the track of the other one
   */
  async swap(capture, device, picture) {
    const track = await capture.swap(openDevice(capture.media.type, device, picture));
    this.#announce(capture);
    return track;
  }

  /**
   * Lets go of everything that this holder holds.
   * @param {unknown} holder
   */
  release(holder) {
    for (const capture of [...this.#captures.values()]) {
      if (capture.holders.delete(holder) && capture.holders.size === 0) this.#close(capture);
    }
  }

  /** Ends all: the lights of camera and microphone go out. */
  closeAll() {
    for (const capture of [...this.#captures.values()]) this.#close(capture);
  }

  /** @param {Capture} capture */
  async #announce(capture) {
    try {
      const track = await capture.track;
      // One's own voice is sent and never played.
      if (!capture.isClosed && capture.media.type !== MediaType.AUDIO) this.#onTrack(capture.media, track);
    } catch {
      this.#close(capture);
    }
  }

  /** @param {Capture} capture */
  #close(capture) {
    if (this.#captures.get(capture.media.key) !== capture) return;
    this.#captures.delete(capture.media.key);
    capture.close();
    this.#onTrack(capture.media, null);
  }
}

/** One running device, or one that is being opened. */
export class Capture {
  /** Who needs it: a publication, or the element of a preview. @type {Set<unknown>} */
  holders = new Set();
  isClosed = false;
  /** Called when the device ended by itself. */
  onEnded = () => {};
  /** @type {Source | null} */
  #source = null;
  #lose;

  /**
   * @param {MediaRef} media
   * @param {Promise<Source>} opening
   * @param {() => void} lose called first when the device ended by itself
   */
  constructor(media, opening, lose) {
    this.media = media;
    this.#lose = lose;
    this.track = this.#take(opening);
  }

  /** What a shared screen plays, once it is open. */
  get sound() {
    return this.#source?.sound ?? null;
  }

  /**
   * The present device goes when the other one is there.
   * @param {Promise<Source>} opening
   */
  async swap(opening) {
    const track = await this.#take(opening);
    this.track = Promise.resolve(track);
    return track;
  }

  close() {
    this.isClosed = true;
    this.#source?.stop();
  }

  /** @param {Promise<Source>} opening */
  async #take(opening) {
    const source = await opening;
    if (this.isClosed) {
      // While the browser still asked the user.
      source.stop();
      return source.track;
    }
    this.#source?.stop();
    this.#source = source;
    source.onEnded = () => {
      this.#lose();
      this.onEnded();
    };
    return source.track;
  }
}
