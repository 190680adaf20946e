import { ErrorCode, HstRtcError, Interrupted } from './errors.js';
import { MediaRef, MediaType, isNothing } from './ids.js';
import { bitRateOf, parsePicture } from './picture.js';

/**
 * @typedef {import('./group.js').GroupContext} GroupContext
 * @typedef {import('./line.js').Sending} Sending
 * @typedef {import('./picture.js').Picture} Picture
 */

/** Until the server says otherwise, everything is wanted. */
const ALL = Object.freeze({ wanted: Infinity, rids: null });

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

  /** One's own voice is to be sent in another way. */
  async followVoice() {
    const microphone = this.#publications.get(MediaRef.microphone(this.#group.self).key);
    if (microphone?.input) await this.#tune(microphone);
  }

  /**
   * The server silences a media, or lets it be heard again.
   * @param {MediaRef} media
   * @param {boolean} isMuted
   */
  handleMuted(media, isMuted) {
    const publication = this.#publications.get(media.key);
    if (!publication) return;
    publication.isMuted = isMuted;
    if (media.isMicrophone) this.followVoice().catch(this.#group.report);
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

  /**
   * Of the encodings that are sent side by side, other ones than before are of use to anybody.
   * @param {{ type: number, media: string, rids: string[] }} used
   */
  handleEncodings({ type, media, rids }) {
    const { sending } = this.#publications.get(new MediaRef(this.#group.self, type, media).key) ?? {};
    if (!sending) return;
    sending.rids = rids;
    this.#group.peer.limit(sending);
  }

  /** Events may be missing: everything is wanted of which the server does not say otherwise now. */
  handleMissed() {
    for (const { sending } of this.#publications.values()) {
      if (!sending) continue;
      Object.assign(sending, ALL);
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
        Object.assign(publication.sending, ALL);
        this.#group.peer.want(publication.sending);
      }
      // One whose announcement is under way still is.
      if (publication.isAnnounced) this.#announceAgain(publication);
    }
    // Nothing is muted any more.
    this.followVoice().catch(this.#group.report);
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
      if (capture.sound) this.#accompany(publication, MediaRef.screenSound(media.user), capture.sound);
      publication.input = track;
      await this.#send(publication, media.isMicrophone ? await this.#tune(publication) : track);
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
    if (publication.isEnded) throw new Interrupted('a call that stopped it');
    const isOfScreen = media.type === MediaType.SCREEN_SHARE || media.isScreenSound;
    publication.sending = {
      media,
      way: 'send',
      track,
      ...ALL,
      ...(isOfScreen ? {} : { stream: this.#streamWith(track) }),
      ...(media.kind === 'video' ? { kbps: bitRateOf(picture), frameRate: picture.frameRate, codec: picture.codec } : {}),
    };
    this.#group.peer.want(publication.sending);
    await this.#announce(publication);
    if (publication.isEnded) throw new Interrupted('a call that stopped it');
  }

  /**
   * Publishes what goes with another media; it ends with that, which goes on without it.
   * @param {Publication} main
   * @param {MediaRef} media
   * @param {MediaStreamTrack} track
   */
  async #accompany(main, media, track) {
    const publication = new Publication(media, null, main.picture);
    this.#publications.set(media.key, publication);
    main.companion = publication;
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
    const { capture, media, picture } = publication;
    if (publication.isEnded || !capture) throw new Interrupted('a call that stopped it');
    const track = await this.#group.captures.swap(capture, device, picture);
    if (publication.isEnded) throw new Interrupted('a call that stopped it');
    publication.device = device;
    publication.input = track;
    if (media.isMicrophone) await this.#tune(publication);
    else await this.#replace(publication, track);
  }

  /**
   * Brings what a microphone sends, and the altered voice beside it, in accord with what the voice is to be: one change
   * after the other.
   * @param {Publication} microphone
   * @returns {Promise<MediaStreamTrack>} what it sends, or is to
   */
  #tune(microphone) {
    const tuned = microphone.tuned.then(() => this.#tuneNow(microphone));
    microphone.tuned = tuned.catch(() => {});
    return tuned;
  }

  /** @param {Publication} microphone */
  async #tuneNow(microphone) {
    const { voice } = this.#group;
    const input = /** @type {MediaStreamTrack} */ (microphone.input);
    if (voice.isAltered && microphone.altered?.input !== input) {
      const altered = await voice.alter(input);
      microphone.altered?.close();
      microphone.altered = altered;
      if (microphone.isEnded) altered.close();
    }
    const { altered } = microphone;
    const track = voice.isHidden && altered ? altered.silence : input;
    await this.#replace(microphone, track);
    const companion = microphone.companion?.isEnded ? null : microphone.companion;
    // Who is silenced is not heard behind it.
    if (!voice.isAltered || !altered || microphone.isMuted) {
      if (companion) this.#end(companion);
    } else if (companion) {
      await this.#replace(companion, altered.track);
    } else if (!microphone.isEnded) {
      // Before the microphone where both are new: nobody hears the other voice first.
      await this.#accompany(microphone, MediaRef.alteredVoice(this.#group.self), altered.track);
    }
    if (!voice.isAltered) {
      altered?.close();
      microphone.altered = null;
    }
    return track;
  }

  /**
   * @param {Publication} publication
   * @param {MediaStreamTrack} track in the place of the one that it sends, if it does
   */
  async #replace({ sending }, track) {
    if (!sending || sending.track === track) return;
    this.#stream.removeTrack(sending.track);
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
    publication.altered?.close();
    if (publication.companion && !publication.companion.isEnded) this.#end(publication.companion);
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
  /** What its device gives, once it is open. @type {MediaStreamTrack | null} */
  input = null;
  /** What is made of a voice, while it is altered. @type {import('./voice.js').Altered | null} */
  altered = null;
  /** The last change of how a voice is sent. @type {Promise<unknown>} */
  tuned = Promise.resolve();
  /** What goes with it: what a screen plays, or the altered voice. @type {Publication | null} */
  companion = null;
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
