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
  #group;

  /** @param {GroupContext} group */
  constructor(group) {
    this.#group = group;
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
    const { peer, renderer } = this.#group;
    const streamId = this.#streamIdFor(media);
    /** @type {Receiving} */
    const receiving = {
      media,
      way: 'receive',
      onFlow: (track) => {
        // After a new start of the transport, elements that show it already just go on.
        const isShown = renderer.isShown(media);
        renderer.setTrack(media, track, streamId);
        if (!isShown) this.#group.emit('onRemoteMediaAdd', { ...media.toEvent(), streamId });
      },
    };
    const reception = { receiving, streamId, done: Promise.resolve(), isAgreed: false };
    this.#receptions.set(media.key, reception);
    reception.done = this.#ask(reception);
    peer.want(receiving);
    reception.done.catch(() => this.#drop(media, reception));
    return reception.done;
  }

  /**
   * What the server knows of this is lost, or may be: asks for everything again. What is not published any more is told
   * to end as always.
   */
  restore() {
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
    const reception = this.#receptions.get(media.key);
    if (!reception) return;
    this.#drop(media, reception);
    this.#group.signal.request({ stop_receive: media.toWire() }, { isRepeatable: true }).catch(() => {});
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
  }

  /** The group is left. */
  close() {
    for (const { receiving } of this.#receptions.values()) this.#group.renderer.setTrack(receiving.media, null);
    this.#receptions.clear();
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
    this.#group.renderer.setTrack(media, null);
  }

  /**
   * A user's sound and first camera are one stream; further cameras and a screen are streams of their own.
   * @param {MediaRef} media
   */
  #streamIdFor(media) {
    if (media.type !== MediaType.SCREEN_SHARE) {
      const partners = [...this.#receptions.values()].filter(
        ({ receiving: { media: m } }) => m.user === media.user && m.type !== MediaType.SCREEN_SHARE,
      );
      const hasCamera = partners.some(({ receiving: { media: m } }) => m.type === MediaType.VIDEO);
      if (partners.length > 0 && !(media.type === MediaType.VIDEO && hasCamera)) return partners[0].streamId;
    }
    return new MediaStream().id;
  }
}
