import { ErrorCode, HstRtcError, Interrupted } from './errors.js';
import { MediaRef, MediaType, isNothing } from './ids.js';
import { bitRateOf, parsePicture } from './picture.js';

/**
 * @typedef {import('./group.js').GroupContext} GroupContext
 * @typedef {import('./line.js').Sending} Sending
 * @typedef {import('./picture.js').Picture} Picture
 */

/** What this user publishes in the group. */
export class Publisher {
  /** @type {Map<string, Publication>} */
  #publications = new Map();
  /** Microphone and cameras are played in step; the screen is on its own. */
  #stream = new MediaStream();
  #group;

  /** @param {GroupContext} group */
  constructor(group) {
    this.#group = group;
  }

  /**
   * Publishes a device, or the screen. Opens it within this very call.
   * @param {unknown} type
   * @param {unknown} device
   * @param {unknown} options
   * @returns {Promise<void>} settles when the group knows of it
   */
  start(type, device, options) {
    const media = MediaRef.own(this.#group.self, type, device);
    const picture = parsePicture(media.type, options);
    const present = this.#publications.get(media.key);
    if (present?.isSame(device, picture)) return present.done;
    if (present) this.#end(present);
    const publication = new Publication(media, device, picture);
    this.#publications.set(media.key, publication);
    publication.done = this.#run(publication);
    return publication.done;
  }

  /**
   * Stops a media. Without a device all of that type stop; what is not published is no fault.
   * @param {unknown} type
   * @param {unknown} device
   */
  stop(type, device) {
    const media = MediaRef.own(this.#group.self, type, device);
    const isMeant = isNothing(device)
      ? (/** @type {Publication} */ p) => p.media.type === media.type
      : (/** @type {Publication} */ p) => p.media.key === media.key;
    for (const publication of [...this.#publications.values()].filter(isMeant)) this.#end(publication);
  }

  /** The group is left: nothing is said any more. */
  close() {
    for (const publication of this.#publications.values()) publication.isEnded = true;
    this.#publications.clear();
  }

  /** @param {Publication} publication */
  async #run(publication) {
    const { captures, signal, peer } = this.#group;
    const { media, device, picture } = publication;
    try {
      const track = await captures.hold(media, device, picture, publication).track;
      if (publication.isEnded) throw new Interrupted('a call that stopped it');
      track.onended = () => this.#handleEnded(publication);
      publication.sending = {
        media,
        way: 'send',
        track,
        ...(media.type === MediaType.SCREEN_SHARE ? {} : { stream: this.#streamWith(track) }),
        ...(media.kind === 'video' ? { kbps: bitRateOf(picture), frameRate: picture.frameRate } : {}),
      };
      peer.want(publication.sending);
      await signal.request({ publish: { type: media.type, media: media.media } });
      if (publication.isEnded) throw new Interrupted('a call that stopped it');
    } catch (error) {
      if (!publication.isEnded) {
        this.#drop(publication);
        if (media.type === MediaType.SCREEN_SHARE) this.#group.emit('onScreenShareStopped');
      }
      throw error;
    }
  }

  /** @param {Publication} publication */
  #end(publication) {
    const { type, media } = publication.media;
    if (publication.sending) this.#group.signal.request({ unpublish: { type, media } }).catch(() => {});
    this.#drop(publication);
  }

  /** @param {Publication} publication */
  #drop(publication) {
    publication.isEnded = true;
    this.#publications.delete(publication.media.key);
    if (publication.sending) {
      this.#group.peer.unwant(publication.sending);
      this.#stream.removeTrack(publication.sending.track);
    }
    this.#group.captures.release(publication);
  }

  /**
   * The user ended the share in the browser, or the device was pulled out.
   * @param {Publication} publication
   */
  #handleEnded(publication) {
    if (publication.isEnded) return;
    this.#end(publication);
    if (publication.media.type === MediaType.SCREEN_SHARE) {
      this.#group.emit('onScreenShareStopped');
    } else {
      const what = publication.media.type === MediaType.AUDIO ? 'microphone' : 'camera';
      this.#group.report(new HstRtcError(ErrorCode.DEVICE, `the ${what} was disconnected: publish again with another`));
    }
  }

  /** @param {MediaStreamTrack} track */
  #streamWith(track) {
    this.#stream.addTrack(track);
    return this.#stream;
  }
}

/** One own media, from the call that published it to the one that stops it. */
class Publication {
  isEnded = false;
  /** What its line carries, once its device is open. @type {Sending | null} */
  sending = null;
  /** @type {Promise<void>} */
  done = Promise.resolve();

  /**
   * @param {MediaRef} media
   * @param {unknown} device
   * @param {Picture} picture
   */
  constructor(media, device, picture) {
    this.media = media;
    this.device = device;
    this.picture = picture;
  }

  /**
   * Whether publishing so again would change nothing.
   * @param {unknown} device
   * @param {Picture} picture
   */
  isSame(device, picture) {
    if (this.media.type === MediaType.SCREEN_SHARE) return true;
    return this.device === device && JSON.stringify(this.picture) === JSON.stringify(picture);
  }
}
