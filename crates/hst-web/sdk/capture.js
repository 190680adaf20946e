import { ErrorCode, HstRtcError } from './errors.js';
import { MediaRef, MediaType, isNothing } from './ids.js';

/** @typedef {import('./picture.js').Picture} Picture */

/** The running microphone, cameras and shared screen; publishing and preview share one capture of a device. */
export class Captures {
  /** @type {Map<string, Capture>} */
  #captures = new Map();
  #onTrack;

  /** @param {(media: MediaRef, track: MediaStreamTrack | null) => void} onTrack a capture is ready, or has ended */
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
      capture = new Capture(media, openTrack(media.type, device, picture));
      this.#captures.set(media.key, capture);
      this.#announce(capture);
    }
    capture.holders.add(holder);
    return capture;
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
class Capture {
  /** Who needs it: a publication, or the element of a preview. @type {Set<unknown>} */
  holders = new Set();
  isClosed = false;
  /** @type {MediaStreamTrack | null} */
  #opened = null;

  /**
   * @param {MediaRef} media
   * @param {Promise<MediaStreamTrack>} track
   */
  constructor(media, track) {
    this.media = media;
    this.track = track.then((opened) => {
      this.#opened = opened;
      // It was closed while the browser still asked the user.
      if (this.isClosed) opened.stop();
      return opened;
    });
  }

  close() {
    this.isClosed = true;
    this.#opened?.stop();
  }
}

/**
 * @param {number} type
 * @param {unknown} device
 * @param {Picture} picture
 * @returns {Promise<MediaStreamTrack>}
 */
async function openTrack(type, device, picture) {
  const devices = navigator.mediaDevices;
  if (!devices?.getUserMedia) {
    const advice = 'open it over https or on localhost';
    throw new HstRtcError(ErrorCode.DEVICE, `the browser gives this page no camera, microphone or screen: ${advice}`);
  }
  if (type === MediaType.SCREEN_SHARE && !devices.getDisplayMedia) {
    throw new HstRtcError(ErrorCode.DEVICE, 'this browser cannot share its screen: use one of a desktop computer');
  }
  try {
    const stream = await (type === MediaType.SCREEN_SHARE
      ? devices.getDisplayMedia({ video: pictureConstraints(picture), audio: false })
      : devices.getUserMedia(type === MediaType.AUDIO ? { audio: sound(device) } : { video: camera(device, picture) }));
    const [track] = stream.getTracks();
    if (type === MediaType.SCREEN_SHARE) track.contentHint = 'detail';
    return track;
  } catch (cause) {
    throw deviceError(type, /** @type {DOMException} */ (cause));
  }
}

/**
 * @param {Picture} picture
 * @returns {MediaTrackConstraints}
 */
function pictureConstraints({ width, height, frameRate }) {
  return { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: frameRate, max: frameRate } };
}

/**
 * @param {unknown} device
 * @param {Picture} picture
 * @returns {MediaTrackConstraints}
 */
function camera(device, picture) {
  return { ...pictureConstraints(picture), ...chosen(device) };
}

/**
 * @param {unknown} device
 * @returns {MediaTrackConstraints}
 */
function sound(device) {
  return { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...chosen(device) };
}

/**
 * A wish and not a demand: applications also pass free names, which mean the default device.
 * @param {unknown} device
 * @returns {MediaTrackConstraints}
 */
function chosen(device) {
  return isNothing(device) ? {} : { deviceId: { ideal: String(device) } };
}

/**
 * @param {number} type
 * @param {DOMException} cause
 */
function deviceError(type, cause) {
  const what = ['screen', 'microphone', 'camera'][type];
  /** @type {Record<string, string>} */
  const reasons = {
    NotAllowedError: `the ${what} was not allowed: allow it in the browser's address bar and try again`,
    NotFoundError: `there is no ${what}: connect one and try again`,
    NotReadableError: `the ${what} cannot be opened: close other programs that use it`,
  };
  const message = reasons[cause.name] ?? `the ${what} cannot be opened: ${cause.message || cause.name}`;
  return new HstRtcError(ErrorCode.DEVICE, message, { cause });
}
