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

  /** The session is a new one, with a new peer: publishes everything again. */
  restore() {
    for (const publication of this.#publications.values()) {
      if (publication.sending) this.#group.peer.want(publication.sending);
      // One whose announcement is under way still is.
      if (publication.isAnnounced) this.#announceAgain(publication);
    }
  }

  /** The group is left: nothing is said any more. */
  close() {
    for (const publication of this.#publications.values()) publication.isEnded = true;
    this.#publications.clear();
  }

  /** @param {Publication} publication */
  async #run(publication) {
    const { media, device, picture } = publication;
    try {
      const track = await this.#group.captures.hold(media, device, picture, publication).track;
      if (publication.isEnded) throw new Interrupted('a call that stopped it');
      track.onended = () => this.#handleEnded(publication);
      publication.sending = {
        media,
        way: 'send',
        track,
        ...(media.type === MediaType.SCREEN_SHARE ? {} : { stream: this.#streamWith(track) }),
        ...(media.kind === 'video' ? { kbps: bitRateOf(picture), frameRate: picture.frameRate } : {}),
      };
      this.#group.peer.want(publication.sending);
      await this.#announce(publication);
      if (publication.isEnded) throw new Interrupted('a call that stopped it');
    } catch (error) {
      this.#fail(publication, /** @type {HstRtcError} */ (error));
      throw error;
    }
  }

  /** @param {Publication} publication */
  async #announce(publication) {
    const { type, media } = publication.media;
    publication.isAnnounced = false;
    await this.#group.signal.request({ publish: { type, media } }, { isRepeatable: true });
    publication.isAnnounced = true;
  }

  /** @param {Publication} publication */
  async #announceAgain(publication) {
    try {
      await this.#announce(publication);
    } catch (error) {
      const why = /** @type {HstRtcError} */ (error);
      if (!publication.isEnded) this.#group.report(why);
      this.#fail(publication, why);
    }
  }

  /**
   * @param {Publication} publication
   * @param {HstRtcError} why
   */
  #fail(publication, why) {
    if (publication.isEnded) return;
    // Without an answer nobody knows whether the group was told of it.
    if (why.serverCode === undefined) this.#end(publication);
    else this.#drop(publication);
    if (publication.media.type === MediaType.SCREEN_SHARE) this.#group.emit('onScreenShareStopped');
  }

  /** @param {Publication} publication */
  #end(publication) {
    const { type, media } = publication.media;
    if (publication.sending) {
      this.#group.signal.request({ unpublish: { type, media } }, { isRepeatable: true }).catch(() => {});
    }
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
  /** Whether the group knows of it. */
  isAnnounced = false;
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
