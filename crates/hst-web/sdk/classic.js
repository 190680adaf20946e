import { Extras } from './extras.js';
import { MediaRef, MediaType, isNothing } from './ids.js';
import { Life } from './life.js';

/** @import { MediaTypeValue, PictureOptions, StreamStats } from './types.js' */

const { SCREEN_SHARE, AUDIO, VIDEO } = MediaType;

/**
 * The engine as applications get it: beside the one set of calls for all media, the older set with calls for each kind
 * of them. The older ones return nothing where the platform says so; what fails then comes as `onError`.
 */
export class HstRtcEngine extends Extras {
  #life;
  /** @type {string | null} */
  #microphone = null;

  constructor() {
    const life = new Life();
    super(life);
    this.#life = life;
  }

  /** @param {string | null} deviceId what `startPublishAudio` publishes without a device */
  chooseMicDevice(deviceId) {
    this.#microphone = deviceId;
  }

  /** @param {string | null} [deviceId] */
  startPublishAudio(deviceId) {
    this.startPublishMedia(AUDIO, isNothing(deviceId) ? this.#microphone : deviceId);
  }

  stopPublishAudio() {
    this.stopPublishMedia(AUDIO);
  }

  /**
   * @param {string | null} [deviceId]
   * @param {PictureOptions | null} [options]
   */
  startPublishVideo(deviceId, options) {
    this.startPublishMedia(VIDEO, deviceId, options);
  }

  /** @param {string | null} [deviceId] without it, all cameras */
  stopPublishVideo(deviceId) {
    this.stopPublishMedia(VIDEO, deviceId);
  }

  /** @param {PictureOptions | null} [options] */
  startScreenShare(options) {
    this.startPublishMedia(SCREEN_SHARE, null, options);
  }

  stopScreenShare() {
    this.stopPublishMedia(SCREEN_SHARE);
  }

  /**
   * @param {string} userId
   * @param {string} mediaId
   */
  startReceiveRemoteAudio(userId, mediaId) {
    return this.startReceiveMedia(userId, AUDIO, mediaId);
  }

  /**
   * @param {string} userId
   * @param {string} mediaId
   */
  stopReceiveRemoteAudio(userId, mediaId) {
    return this.stopReceiveMedia(userId, AUDIO, mediaId);
  }

  /**
   * @param {string} userId
   * @param {string} mediaId
   */
  startReceiveRemoteVideo(userId, mediaId) {
    return this.startReceiveMedia(userId, VIDEO, mediaId);
  }

  /**
   * @param {string} userId
   * @param {string} mediaId
   */
  stopReceiveRemoteVideo(userId, mediaId) {
    return this.stopReceiveMedia(userId, VIDEO, mediaId);
  }

  /**
   * @param {string} userId
   * @param {string} mediaId
   */
  startReceiveScreenShare(userId, mediaId) {
    return this.startReceiveMedia(userId, SCREEN_SHARE, mediaId);
  }

  /**
   * @param {string} userId
   * @param {string} mediaId
   */
  stopReceiveScreenShare(userId, mediaId) {
    return this.stopReceiveMedia(userId, SCREEN_SHARE, mediaId);
  }

  /**
   * Shows one's own camera.
   * @param {HTMLMediaElement} element
   * @param {string | null} [deviceId]
   */
  setLocalVideoRender(element, deviceId = null) {
    this.setMediaRender(this.#life.self, VIDEO, deviceId, element);
  }

  /** @param {HTMLMediaElement} element */
  unsetLocalVideoRender(element) {
    this.unsetMediaRender(null, VIDEO, element);
  }

  /** @param {HTMLMediaElement} element */
  setLocalScreenShareRender(element) {
    this.setMediaRender(this.#life.self, SCREEN_SHARE, null, element);
  }

  /**
   * @param {HTMLMediaElement} element
   * @param {string} userId
   * @param {string} mediaId
   */
  setRemoteScreenShareRender(element, userId, mediaId) {
    this.setMediaRender(userId, SCREEN_SHARE, mediaId, element);
  }

  /** @param {HTMLMediaElement} element of one's own screen or another's */
  unsetScreenShareRender(element) {
    this.unsetMediaRender(null, SCREEN_SHARE, element);
  }

  /**
   * The same under an earlier name.
   * @param {HTMLMediaElement} element of another's screen
   */
  unsetRemoteScreenShareRender(element) {
    this.unsetScreenShareRender(element);
  }

  /**
   * Shows a stream as `onRemoteMediaAdd` names it; sound and picture of a user need it once, whichever comes first.
   * @param {HTMLMediaElement} element
   * @param {string} streamId
   */
  setStreamRender(element, streamId) {
    this.#try(() => {
      const user = this.#life.group?.receiver.userOf(streamId);
      // A stream that has ended meanwhile has nothing to show.
      if (user) this.#life.renderer.bindStream(user, streamId, element);
    });
  }

  /**
   * @param {HTMLMediaElement} element
   * @param {string} [_streamId]
   */
  unsetStreamRender(element, _streamId) {
    this.unsetMediaRender(null, VIDEO, element);
  }

  /**
   * Figures of a media as they were measured at most a second ago; null while there are none.
   * The first question begins the measuring.
   * @param {{ userId: string, mediaType: MediaTypeValue, mediaId: string | null }} media
   * @returns {StreamStats | null}
   */
  getStats(media) {
    const { userId, mediaType, mediaId } = media ?? {};
    const isOwn = userId === this.#life.self;
    return this.#try(() => {
      const ref = (isOwn ? MediaRef.own : MediaRef.remote)(userId, mediaType, mediaId);
      const sample = this.#life.group?.polls.latest(ref) ?? null;
      return sample && toStats(ref.kind, sample);
    });
  }

  /**
   * Runs a call that returns no promise: what fails is told as `onError`.
   * @template T
   * @param {() => T} work
   * @returns {T | null}
   */
  #try(work) {
    try {
      return work();
    } catch (error) {
      this.#life.report(/** @type {import('./errors.js').HstRtcError} */ (error));
      return null;
    }
  }
}

/**
 * The older form of figures: bit rates in kbit/s, and zeros for the kind that the media is not.
 * @param {'audio' | 'video'} kind
 * @param {import('./meter.js').Sample} sample
 */
function toStats(kind, { bitRate, bytes, frameRate, width, height }) {
  const [audio, video] = kind === 'audio' ? [{ bitRate, bytes }, NO_FLOW] : [NO_FLOW, { bitRate, bytes }];
  return {
    audio: { bitRate: audio.bitRate, totalBytes: audio.bytes },
    video: { bitRate: video.bitRate, totalBytes: video.bytes, frameRate, width, height },
  };
}

const NO_FLOW = Object.freeze({ bitRate: 0, bytes: 0 });
