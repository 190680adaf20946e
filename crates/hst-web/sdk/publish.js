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
    const isAny = media.type === MediaType.VIDEO && isNothing(device);
    for (const publication of [...this.#publications.values()]) {
      const other = publication.media;
      if (isAny ? other.type === media.type : other.key === media.key) this.#end(publication);
    }
  }

  /**
   * Puts another device behind a published id: the others notice nothing but another picture or voice.
   * @param {unknown} type
   * @param {unknown} id
   * @param {unknown} device
   */
  async switchDevice(type, id, device) {
    const media = MediaRef.own(this.#group.self, type, id);
    if (media.type === MediaType.SCREEN_SHARE) {
      throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'a screen is no device: stop sharing it and share another');
    }
    const publication = this.#publications.get(media.key);
    if (!publication) {
      throw new HstRtcError(ErrorCode.OPERATION_FAILED, 'it is not published: publish it with the other device');
    }
    await publication.done;
    await this.#swap(publication, device);
  }

  /** The voice is to be altered from now on, or the other way round. */
  async reopenMicrophone() {
    const { key } = MediaRef.own(this.#group.self, MediaType.AUDIO, null);
    const publication = this.#publications.get(key);
    if (publication?.sending) await this.#swap(publication, publication.device);
  }

  /**
   * The server silences a media, or lets it be heard again.
   * @param {MediaRef} media
   * @param {boolean} isMuted
   */
  handleMuted(media, isMuted) {
    const publication = this.#publications.get(media.key);
    if (publication) publication.isMuted = isMuted;
  }

  /**
   * The most that any receiver wants of a picture has changed.
   * @param {{ type: number, media: string, height?: number }} wanted without a height it is all that there is
   */
  handleWanted({ type, media, height = Infinity }) {
    const { sending } = this.#publications.get(new MediaRef(this.#group.self, type, media).key) ?? {};
    if (!sending) return;
    sending.wanted = height;
    this.#group.peer.limit(sending);
  }

  /** Events may be missing: everything is wanted of which the server does not say otherwise now. */
  handleMissed() {
    for (const { sending } of this.#publications.values()) {
      if (!sending) continue;
      sending.wanted = Infinity;
      this.#group.peer.limit(sending);
    }
  }

  /** @param {string} key */
  isMuted(key) {
    return this.#publications.get(key)?.isMuted ?? false;
  }

  /** The session is a new one, with a new peer: publishes everything again. */
  restore() {
    for (const publication of this.#publications.values()) {
      if (publication.sending) {
        publication.sending.wanted = Infinity;
        this.#group.peer.want(publication.sending);
      }
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
      const capture = this.#group.captures.hold(media, device, picture, publication);
      publication.capture = capture;
      const track = await capture.track;
      if (publication.isEnded) throw new Interrupted('a call that stopped it');
      capture.onEnded = () => this.#handleEnded(publication);
      if (capture.sound) this.#publishSound(publication, capture.sound);
      await this.#send(publication, track);
    } catch (error) {
      this.#fail(publication, /** @type {HstRtcError} */ (error));
      throw error;
    }
  }

  /**
   * @param {Publication} publication
   * @param {MediaStreamTrack} track
   */
  async #send(publication, track) {
    const { media, picture } = publication;
    const isOfScreen = media.type === MediaType.SCREEN_SHARE || media.isScreenSound;
    publication.sending = {
      media,
      way: 'send',
      track,
      wanted: Infinity,
      ...(isOfScreen ? {} : { stream: this.#streamWith(track) }),
      ...(media.kind === 'video' ? { kbps: bitRateOf(picture), frameRate: picture.frameRate } : {}),
    };
    this.#group.peer.want(publication.sending);
    await this.#announce(publication);
    if (publication.isEnded) throw new Interrupted('a call that stopped it');
  }

  /**
   * Publishes what a screen plays; it ends with the screen, which goes on without it.
   * @param {Publication} screen
   * @param {MediaStreamTrack} track
   */
  async #publishSound(screen, track) {
    const publication = new Publication(MediaRef.screenSound(this.#group.self), null, screen.picture);
    this.#publications.set(publication.media.key, publication);
    screen.sound = publication;
    try {
      await this.#send(publication, track);
    } catch (error) {
      const why = /** @type {HstRtcError} */ (error);
      if (!publication.isEnded) this.#group.report(why);
      this.#fail(publication, why);
    }
  }

  /**
   * @param {Publication} publication
   * @param {unknown} device
   */
  async #swap(publication, device) {
    const { capture, sending, picture } = publication;
    if (publication.isEnded || !capture || !sending) throw new Interrupted('a call that stopped it');
    const before = sending.track;
    const track = await this.#group.captures.swap(capture, device, picture);
    if (publication.isEnded) throw new Interrupted('a call that stopped it');
    publication.device = device;
    this.#stream.removeTrack(before);
    this.#stream.addTrack(track);
    await this.#group.peer.replaceTrack(sending, track);
  }

  /** @param {Publication} publication */
  async #announce(publication) {
    const { type, media } = publication.media;
    publication.isAnnounced = false;
    publication.isMuted = false;
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
    if (publication.sound && !publication.sound.isEnded) this.#end(publication.sound);
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
  /** Whether the server silences it. */
  isMuted = false;
  /** Its device. @type {import('./capture.js').Capture | null} */
  capture = null;
  /** What a screen plays, where it has sound. @type {Publication | null} */
  sound = null;
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
