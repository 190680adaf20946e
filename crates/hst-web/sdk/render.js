import { ErrorCode, HstRtcError } from './errors.js';
import { MediaType } from './ids.js';
import { Looks } from './look.js';

/**
 * @typedef {import('./ids.js').MediaRef} MediaRef
 *
 * @typedef {object} Binding what an element is there for; it stays until it is unset, whatever comes and goes
 * @property {string} user
 * @property {MediaRef | null} picture
 * @property {MediaRef | null} sound
 * @property {string} streamId whose sound and picture it plays where it was set for a stream; empty otherwise
 * @property {MediaStream} stream what the element plays
 *
 * @typedef {object} Shown
 * @property {MediaRef} media
 * @property {MediaStreamTrack} track
 * @property {string} streamId
 */

/**
 * Brings tracks and elements together, in whatever order they come.
 *
 * The sound of a user plays in exactly one element: the one that was set for it, or else one that shows the user. So
 * nobody is silent because an application set an element for the picture only, and nobody is heard twice.
 */
export class Renderer {
  /** Called when a picture may be shown in another size, or not at all. */
  onLook = () => {};

  /** @type {Map<string, Shown>} */
  #tracks = new Map();
  /** @type {Map<HTMLMediaElement, Binding>} */
  #bindings = new Map();
  /** Elements that the browser lets play only after a gesture of the user. @type {Set<HTMLMediaElement>} */
  #blocked = new Set();
  /** The device that everything plays on; empty for the browser's own choice. */
  #speaker = '';
  #looks = new Looks();

  constructor() {
    this.#looks.onChange = () => this.onLook();
  }

  /**
   * @param {MediaRef} media
   * @param {unknown} element
   */
  bind(media, element) {
    const binding = this.#bindingOf(element, media.user);
    if (media.type === MediaType.AUDIO) binding.sound = media;
    else binding.picture = media;
    this.#refresh(media.user);
  }

  /**
   * Shows a stream: the sound and picture that have its id, whichever of them is there now or comes later.
   * @param {string} user whose it is
   * @param {string} streamId
   * @param {unknown} element
   */
  bindStream(user, streamId, element) {
    Object.assign(this.#bindingOf(element, user), { streamId, picture: null, sound: null });
    this.#refresh(user);
  }

  /** @param {unknown} element an element, or anything else that an application may pass by mistake */
  unbind(element) {
    const binding = this.#bindings.get(/** @type {HTMLMediaElement} */ (element));
    if (!binding) return;
    this.#bindings.delete(/** @type {HTMLMediaElement} */ (element));
    this.#looks.unwatch(/** @type {HTMLMediaElement} */ (element));
    this.#play(/** @type {HTMLMediaElement} */ (element), binding.stream, []);
    this.#refresh(binding.user);
  }

  /**
   * A media has a track, a new one, or none any more.
   * @param {MediaRef} media
   * @param {MediaStreamTrack | null} track
   * @param {string} [streamId] which stream it is of
   */
  setTrack(media, track, streamId = '') {
    if (track) this.#tracks.set(media.key, { media, track, streamId });
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

  /**
   * How high a picture is shown, in pixels, by the element that shows it largest: 0 when nobody sees it, `Infinity` for
   * all that there is, null when the elements do not tell. A page that has set no element for it may show it by itself.
   * @param {MediaRef} media
   * @returns {number | null}
   */
  shownHeight(media) {
    const heights = [...this.#bindings]
      .filter(([, binding]) => this.#pictureOf(binding)?.media.key === media.key)
      .map(([element]) => this.#looks.heightOf(element));
    if (heights.length === 0) return Infinity;
    const told = heights.filter((height) => height !== null);
    return told.length > 0 ? Math.max(...told) : null;
  }

  /**
   * Plays everything on a device, now and later.
   * @param {string} speaker a device id; empty for the browser's own choice
   * @returns {Promise<void>} fails when an element cannot play there
   */
  async setSpeaker(speaker) {
    this.#speaker = speaker;
    const sounding = [...this.#bindings].filter(([, { stream }]) => stream.getAudioTracks().length > 0);
    try {
      await Promise.all(sounding.map(([element]) => this.#sendToSpeaker(element)));
    } catch (cause) {
      throw new HstRtcError(ErrorCode.DEVICE, 'this speaker cannot be used: choose another', { cause });
    }
  }

  /**
   * Where the chosen speaker was pulled out, everything plays as if none had been chosen.
   * @param {string[]} speakers those that there are
   */
  handleSpeakers(speakers) {
    if (this.#speaker && !speakers.includes(this.#speaker)) this.setSpeaker('').catch(() => {});
  }

  /** Empties all elements and forgets them. */
  clear() {
    this.#tracks.clear();
    for (const element of [...this.#bindings.keys()]) this.unbind(element);
  }

  /**
   * @param {unknown} element
   * @param {string} user
   */
  #bindingOf(element, user) {
    if (!(element instanceof HTMLMediaElement)) {
      throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'media are shown by a <video> or <audio> element');
    }
    const present = this.#bindings.get(element);
    if (present?.user === user) return present;
    this.unbind(element);
    const binding = { user, picture: null, sound: null, streamId: '', stream: new MediaStream() };
    this.#bindings.set(element, binding);
    this.#looks.watch(element);
    return binding;
  }

  /**
   * Browsers send an element to a speaker only while it has a sound.
   * @param {HTMLMediaElement} element
   */
  async #sendToSpeaker(element) {
    const { sinkId } = /** @type {any} */ (element);
    // Not every browser lets a page choose.
    if (sinkId !== undefined && sinkId !== this.#speaker) await /** @type {any} */ (element).setSinkId(this.#speaker);
  }

  /** @param {string} user */
  #refresh(user) {
    const mine = [...this.#bindings].filter(([, binding]) => binding.user === user);
    const sounds = [...this.#tracks.values()].filter(
      ({ media }) => media.user === user && media.type === MediaType.AUDIO,
    );
    for (const [element, binding] of mine) {
      const picture = this.#pictureOf(binding);
      const heard = sounds.filter((sound) => homeOf(sound, mine) === binding);
      this.#play(
        element,
        binding.stream,
        [...(picture ? [picture] : []), ...heard].map(({ track }) => track),
      );
    }
    this.onLook();
  }

  /** @param {Binding} binding */
  #pictureOf({ picture, streamId }) {
    if (picture) return this.#tracks.get(picture.key);
    if (!streamId) return undefined;
    return [...this.#tracks.values()].find(({ media, streamId: id }) => id === streamId && media.kind === 'video');
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
    // Where the chosen speaker cannot be used, the browser's own is better than silence.
    if (stream.getAudioTracks().length > 0) this.#sendToSpeaker(element).catch(() => {});
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
    if (this.#blocked.has(element)) return;
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
 * @param {Shown} sound
 * @param {[HTMLMediaElement, Binding][]} bindings those of its user
 */
function homeOf({ media, streamId }, bindings) {
  const all = bindings.map(([, binding]) => binding);
  if (media.isScreenSound) return all.find((b) => b.picture?.type === MediaType.SCREEN_SHARE);
  return (
    all.find((b) => b.sound?.key === media.key) ??
    all.find((b) => streamId && b.streamId === streamId) ??
    all.find((b) => b.picture?.type === MediaType.VIDEO || b.streamId) ??
    all.find((b) => b.sound || b.picture)
  );
}
