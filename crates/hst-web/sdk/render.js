import { ErrorCode, HstRtcError } from './errors.js';
import { MediaType } from './ids.js';

/**
 * @typedef {import('./ids.js').MediaRef} MediaRef
 *
 * @typedef {object} Binding what an element is there for; it stays until it is unset, whatever comes and goes
 * @property {string} user
 * @property {MediaRef | null} picture
 * @property {MediaRef | null} sound
 * @property {MediaStream} stream what the element plays
 */

/**
 * Brings tracks and elements together, in whatever order they come.
 *
 * The sound of a user plays in exactly one element: the one that was set for it, or else one that shows the user. So
 * nobody is silent because an application set an element for the picture only, and nobody is heard twice.
 */
export class Renderer {
  /** @type {Map<string, { media: MediaRef, track: MediaStreamTrack }>} */
  #tracks = new Map();
  /** @type {Map<HTMLMediaElement, Binding>} */
  #bindings = new Map();
  /** Elements that the browser lets play only after a gesture of the user. @type {Set<HTMLMediaElement>} */
  #blocked = new Set();

  /**
   * @param {MediaRef} media
   * @param {unknown} element
   */
  bind(media, element) {
    if (!(element instanceof HTMLMediaElement)) {
      throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'media are shown by a <video> or <audio> element');
    }
    const present = this.#bindings.get(element);
    if (present && present.user !== media.user) this.unbind(element);
    const binding = this.#bindings.get(element) ?? {
      user: media.user,
      picture: null,
      sound: null,
      stream: new MediaStream(),
    };
    if (media.type === MediaType.AUDIO) binding.sound = media;
    else binding.picture = media;
    this.#bindings.set(element, binding);
    this.#refresh(media.user);
  }

  /** @param {unknown} element an element, or anything else that an application may pass by mistake */
  unbind(element) {
    const binding = this.#bindings.get(/** @type {HTMLMediaElement} */ (element));
    if (!binding) return;
    this.#bindings.delete(/** @type {HTMLMediaElement} */ (element));
    this.#play(/** @type {HTMLMediaElement} */ (element), binding.stream, []);
    this.#refresh(binding.user);
  }

  /**
   * A media has a track, a new one, or none any more.
   * @param {MediaRef} media
   * @param {MediaStreamTrack | null} track
   */
  setTrack(media, track) {
    if (track) this.#tracks.set(media.key, { media, track });
    else this.#tracks.delete(media.key);
    this.#refresh(media.user);
  }

  /**
   * Whether an element plays it now.
   * @param {MediaRef} media
   */
  isShown(media) {
    const track = this.#tracks.get(media.key)?.track;
    return !!track && [...this.#bindings.values()].some(({ stream }) => stream.getTracks().includes(track));
  }

  /** Empties all elements and forgets them. */
  clear() {
    this.#tracks.clear();
    for (const element of [...this.#bindings.keys()]) this.unbind(element);
  }

  /** @param {string} user */
  #refresh(user) {
    const mine = [...this.#bindings].filter(([, binding]) => binding.user === user);
    const sounds = [...this.#tracks.values()].filter(
      ({ media }) => media.user === user && media.type === MediaType.AUDIO,
    );
    for (const [element, binding] of mine) {
      const picture = binding.picture ? this.#tracks.get(binding.picture.key) : undefined;
      const heard = sounds.filter(({ media }) => homeOf(media, mine) === binding);
      this.#play(
        element,
        binding.stream,
        [...(picture ? [picture] : []), ...heard].map(({ track }) => track),
      );
    }
  }

  /**
   * @param {HTMLMediaElement} element
   * @param {MediaStream} stream
   * @param {MediaStreamTrack[]} tracks
   */
  #play(element, stream, tracks) {
    for (const track of stream.getTracks()) if (!tracks.includes(track)) stream.removeTrack(track);
    for (const track of tracks) stream.addTrack(track);
    const source = tracks.length > 0 ? stream : null;
    if (element.srcObject !== source) element.srcObject = source;
    if (source) this.#start(element);
  }

  /** @param {HTMLMediaElement} element */
  async #start(element) {
    try {
      await element.play();
    } catch (error) {
      // Any other fault is that of a later change of the source, which starts it again.
      if (/** @type {DOMException} */ (error).name === 'NotAllowedError') this.#startOnGesture(element);
    }
  }

  /** @param {HTMLMediaElement} element */
  #startOnGesture(element) {
    this.#blocked.add(element);
    const start = () => {
      for (const type of GESTURES) removeEventListener(type, start, true);
      if (this.#blocked.delete(element) && this.#bindings.has(element)) this.#start(element);
    };
    for (const type of GESTURES) addEventListener(type, start, true);
  }
}

const GESTURES = ['pointerup', 'keydown', 'touchend'];

/**
 * Which element a sound plays in.
 * @param {MediaRef} sound
 * @param {[HTMLMediaElement, Binding][]} bindings those of its user
 */
function homeOf(sound, bindings) {
  const all = bindings.map(([, binding]) => binding);
  return (
    all.find((b) => b.sound?.key === sound.key) ??
    all.find((b) => b.picture?.type === MediaType.VIDEO) ??
    all.find((b) => b.sound || b.picture)
  );
}
