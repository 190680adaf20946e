import { ErrorCode, HstRtcError } from './errors.js';
import { MediaRef, MediaType } from './ids.js';

/**
 * @typedef {import('./group.js').GroupContext} GroupContext
 * @typedef {import('./line.js').Receiving} Receiving
 *
 * @typedef {object} Reception
 * @property {Receiving} receiving
 * @property {Promise<void>} done
 * @property {boolean} isAgreed whether the server has said yes
 * @property {string} streamId
 */

/** What this user receives from others in the group. */
export class Receiver {
  /** @type {Map<string, Reception>} */
  #receptions = new Map();
  /** Users whose screens have sound. @type {Set<string>} */
  #soundingScreens = new Set();
  #group;
  #views;

  /**
   * @param {GroupContext} group
   * @param {import('./views.js').Views} views
   */
  constructor(group, views) {
    this.#group = group;
    this.#views = views;
  }

  /**
   * @param {unknown} user
   * @param {unknown} type
   * @param {unknown} id
   * @returns {Promise<void>} settles when the server has agreed; the media flow later
   */
  start(user, type, id) {
    const media = MediaRef.remote(user, type, id);
    if (media.user === this.#group.self) {
      throw new HstRtcError(
        ErrorCode.INVALID_ARGUMENT,
        'show your own media with setMediaRender: they are not received',
      );
    }
    const present = this.#receptions.get(media.key);
    if (present) return present.done;
    const { renderer } = this.#group;
    const streamId = this.#streamIdFor(media);
    const done = this.#begin(media, streamId, (track) => {
      // After a new start of the transport, elements that show it already just go on.
      const isShown = renderer.isShown(media);
      renderer.setTrack(media, track, streamId);
      this.#views.begin(media);
      if (!isShown) this.#group.emit('onRemoteMediaAdd', { ...media.toEvent(), streamId });
    });
    this.#followScreen(media.user);
    return done;
  }

  /**
   * A user's screen has sound, or has none any more.
   * @param {string} user
   * @param {boolean} hasSound
   */
  handleScreenSound(user, hasSound) {
    if (hasSound) this.#soundingScreens.add(user);
    else this.#soundingScreens.delete(user);
    this.#followScreen(user);
  }

  /**
   * What the server knows of this is lost, or may be: asks for everything again. What is not published any more is told
   * to end as always.
   */
  restore() {
    this.#views.clear();
    for (const reception of this.#receptions.values()) {
      const { receiving } = reception;
      this.#group.peer.want(receiving);
      // One that is asked for still is.
      if (reception.isAgreed) this.#ask(reception).catch(() => this.#drop(receiving.media, reception));
    }
  }

  /**
   * What is not received is no fault.
   * @param {unknown} user
   * @param {unknown} type
   * @param {unknown} id
   */
  stop(user, type, id) {
    const media = MediaRef.named(user, type, id);
    this.#end(media);
    this.#followScreen(media.user);
  }

  /**
   * Whose stream it is; undefined when nothing of it is received.
   * @param {unknown} streamId
   */
  userOf(streamId) {
    return [...this.#receptions.values()].find((reception) => reception.streamId === streamId)?.receiving.media.user;
  }

  /**
   * Its publisher has stopped it.
   * @param {MediaRef} media
   */
  handleUnpublished(media) {
    const reception = this.#receptions.get(media.key);
    if (reception) this.#drop(media, reception);
    this.#followScreen(media.user);
  }

  /** The group is left. */
  close() {
    for (const { receiving } of this.#receptions.values()) this.#group.renderer.setTrack(receiving.media, null);
    this.#receptions.clear();
  }

  /**
   * @param {MediaRef} media
   * @param {string} streamId
   * @param {(track: MediaStreamTrack) => void} onFlow
   */
  #begin(media, streamId, onFlow) {
    /** @type {Reception} */
    const reception = {
      receiving: { media, way: 'receive', onFlow },
      streamId,
      done: Promise.resolve(),
      isAgreed: false,
    };
    this.#receptions.set(media.key, reception);
    reception.done = this.#ask(reception);
    this.#group.peer.want(reception.receiving);
    reception.done.catch(() => this.#drop(media, reception));
    return reception.done;
  }

  /** @param {MediaRef} media */
  #end(media) {
    const reception = this.#receptions.get(media.key);
    if (!reception) return;
    this.#drop(media, reception);
    this.#group.signal.request({ stop_receive: media.toWire() }, { isRepeatable: true }).catch(() => {});
  }

  /**
   * What a screen plays is received as long as the screen is, and plays where it is shown.
   * @param {string} user
   */
  #followScreen(user) {
    const sound = MediaRef.screenSound(user);
    const isScreenReceived = [...this.#receptions.values()].some(
      ({ receiving: { media } }) => media.user === user && media.type === MediaType.SCREEN_SHARE,
    );
    if (!isScreenReceived || !this.#soundingScreens.has(user)) this.#end(sound);
    else if (!this.#receptions.has(sound.key)) {
      this.#begin(sound, '', (track) => this.#group.renderer.setTrack(sound, track));
    }
  }

  /** @param {Reception} reception */
  async #ask(reception) {
    reception.isAgreed = false;
    await this.#group.signal.request({ receive: reception.receiving.media.toWire() }, { isRepeatable: true });
    reception.isAgreed = true;
  }

  /**
   * @param {MediaRef} media
   * @param {Reception} reception
   */
  #drop(media, reception) {
    if (this.#receptions.get(media.key) !== reception) return;
    this.#receptions.delete(media.key);
    this.#group.peer.unwant(reception.receiving);
    this.#views.end(media);
    this.#group.renderer.setTrack(media, null);
  }

  /**
   * A user's sound and first camera are one stream; further cameras and a screen are streams of their own.
   * @param {MediaRef} media
   */
  #streamIdFor(media) {
    if (media.type !== MediaType.SCREEN_SHARE) {
      const partners = [...this.#receptions.values()].filter(
        ({ receiving: { media: m } }) => m.user === media.user && m.type !== MediaType.SCREEN_SHARE && !m.isScreenSound,
      );
      const hasCamera = partners.some(({ receiving: { media: m } }) => m.type === MediaType.VIDEO);
      if (partners.length > 0 && !(media.type === MediaType.VIDEO && hasCamera)) return partners[0].streamId;
    }
    return new MediaStream().id;
  }
}
