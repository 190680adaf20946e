import { ErrorCode, HstRtcError } from './errors.js';
import { MediaType, isNothing } from './ids.js';

/** @typedef {import('./picture.js').Picture} Picture */

/** What a device gives, from when it is open until it is stopped. */
export class Source {
  /** Called when it ended by itself: it was pulled out, or the user ended it in the browser. */
  onEnded = () => {};

  /**
   * @param {MediaStreamTrack} track
   * @param {MediaStreamTrack | null} [sound] what a shared screen plays
   */
  constructor(track, sound = null) {
    this.track = track;
    this.sound = sound;
    track.onended = () => this.onEnded();
  }

  stop() {
    this.track.stop();
    this.sound?.stop();
  }
}

/**
 * Opens a device, or lets the user choose a screen. Asks the browser within this very call, since it shows the screen
 * picker only inside a click.
 * @param {number} type
 * @param {unknown} device
 * @param {Picture} picture
 * @returns {Promise<Source>}
 */
export async function openDevice(type, device, picture) {
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
      ? devices.getDisplayMedia(screen(picture))
      : devices.getUserMedia(type === MediaType.AUDIO ? { audio: sound(device) } : { video: camera(device, picture) }));
    if (type !== MediaType.SCREEN_SHARE) return new Source(stream.getTracks()[0]);
    const [track] = stream.getVideoTracks();
    track.contentHint = 'detail';
    return new Source(track, stream.getAudioTracks()[0]);
  } catch (cause) {
    throw deviceError(type, /** @type {DOMException} */ (cause));
  }
}

/**
 * Its sound too, as it is, where browser and user give it.
 * @param {Picture} picture
 * @returns {DisplayMediaStreamOptions}
 */
function screen(picture) {
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  // Wishes that not every browser knows: all that the machine plays, but for what the others say on this page.
  const [own, all] = [{ restrictOwnAudio: true }, { systemAudio: 'include' }];
  return { video: pictureConstraints(picture), audio: { ...audio, ...own }, ...all };
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
