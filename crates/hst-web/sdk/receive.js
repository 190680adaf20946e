import { ErrorCode, HstRtcError } from './errors.js';
import { MediaRef, MediaType } from './ids.js';
import { Priorities } from './priorities.js';
import { RecvMode } from './voice.js';

/**
 * @typedef {import('./group.js').GroupContext} GroupContext
 * @typedef {import('./line.js').Receiving} Receiving
 *
 * @typedef {object} Reception
 * @property {MediaRef} media
 * @property {Receiving | null} receiving null while there is nothing to be heard of it
 * @property {(track: MediaStreamTrack) => void} onFlow
 * @property {boolean} hasFlowed
 * @property {boolean} goesOn whether what flows next takes the place of what has flowed
 * @property {Promise<void>} done
 * @property {boolean} isAgreed whether the server has said yes
 * @property {string} streamId
 */

/** What this user receives from others in the group. */
export class Receiver {
  /** @type {Map<string, Reception>} */
  #receptions = new Map();
  /** Media that go with another one and are received with it, or in its place. @type {Set<string>} */
  #companions = new Set();
  #group;
  #views;
  #priorities;

  /**
   * @param {GroupContext} group
   * @param {import('./views.js').Views} views
   */
  constructor(group, views) {
    this.#group = group;
    this.#views = views;
    this.#priorities = new Priorities(group);
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
    const done = this.#begin(media, streamId, (track, goesOn) => {
      // After a new start of the transport, elements that show it already just go on.
      const isKnown = goesOn || renderer.isShown(media);
      renderer.setTrack(media, track, streamId);
      this.#views.begin(media);
      if (!isKnown) this.#group.emit('onRemoteMediaAdd', { ...media.toEvent(), streamId });
    });
    this.#followScreen(media.user);
    return done;
  }

  /**
   * A user's screen has sound, or his voice is altered; or not any more.
   * @param {MediaRef} media
   * @param {boolean} isThere
   */
  handleCompanion(media, isThere) {
    if (isThere) this.#companions.add(media.key);
    else this.#companions.delete(media.key);
    if (media.isScreenSound) this.#followScreen(media.user);
    else this.#followVoice(MediaRef.microphone(media.user));
  }

  /** Others are to be heard in another way. */
  followVoices() {
    for (const { media } of [...this.#receptions.values()]) if (media.isMicrophone) this.#followVoice(media);
  }

  /**
   * What the server knows of this is lost, or may be: asks for everything again. What is not published any more is told
   * to end as always.
   */
  restore() {
    this.#views.clear();
    for (const reception of this.#receptions.values()) {
      const { media, receiving } = reception;
      if (!receiving) continue;
      this.#group.peer.want(receiving);
      // One that is asked for still is.
      if (reception.isAgreed) this.#ask(reception, receiving).catch(() => this.#drop(media, reception));
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
   * Holds until the group is left, also when the picture is received later or anew.
   * @param {unknown} user
   * @param {unknown} type
   * @param {unknown} id
   * @param {unknown} priority
   */
  async prioritize(user, type, id, priority) {
    const media = MediaRef.remote(user, type, id);
    this.#priorities.set(media, priority);
    if (this.#receptions.get(media.key)?.isAgreed) await this.#priorities.tell(media);
  }

  /**
   * Whose stream it is; undefined when nothing of it is received.
   * @param {unknown} streamId
   */
  userOf(streamId) {
    return [...this.#receptions.values()].find((reception) => reception.streamId === streamId)?.media.user;
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
    for (const { media } of this.#receptions.values()) this.#group.renderer.setTrack(media, null);
    this.#receptions.clear();
  }

  /**
   * @param {MediaRef} media
   * @param {string} streamId
   * @param {(track: MediaStreamTrack, goesOn: boolean) => void} onTrack
   */
  #begin(media, streamId, onTrack) {
    /** @type {Reception} */
    const reception = {
      media,
      receiving: null,
      onFlow: (track) => {
        onTrack(track, reception.goesOn);
        [reception.hasFlowed, reception.goesOn] = [true, false];
      },
      hasFlowed: false,
      goesOn: false,
      streamId,
      done: Promise.resolve(),
      isAgreed: false,
    };
    this.#receptions.set(media.key, reception);
    reception.done = this.#tune(reception);
    reception.done.catch(() => this.#drop(media, reception));
    return reception.done;
  }

  /**
   * Receives of a media what is to be heard or seen of it now.
   * @param {Reception} reception
   */
  async #tune(reception) {
    const { media, onFlow, receiving: before } = reception;
    const source = this.#sourceOf(media);
    if (before?.source.key === source?.key) return;
    reception.goesOn = reception.hasFlowed;
    if (before) {
      this.#group.peer.unwant(before);
      this.#tellStop(before.source);
      // Its line may carry something else next.
      this.#group.renderer.setTrack(media, null);
    }
    /** @type {Receiving | null} */
    const receiving = source && { media, source, way: 'receive', onFlow };
    reception.receiving = receiving;
    if (!receiving) return;
    const asked = this.#ask(reception, receiving);
    this.#group.peer.want(receiving);
    await asked;
  }

  /**
   * What is received for a media: itself, what takes its place, or nothing.
   * @param {MediaRef} media
   */
  #sourceOf(media) {
    const { mode } = this.#group.voice;
    if (!media.isMicrophone || mode === RecvMode.ORIGINAL) return media;
    const altered = MediaRef.alteredVoice(media.user);
    if (this.#companions.has(altered.key)) return altered;
    return mode === RecvMode.FOLLOW ? media : null;
  }

  /** @param {MediaRef} microphone */
  #followVoice(microphone) {
    const reception = this.#receptions.get(microphone.key);
    if (reception) this.#tune(reception).catch(() => this.#drop(microphone, reception));
  }

  /** @param {MediaRef} media */
  #end(media) {
    const reception = this.#receptions.get(media.key);
    if (!reception) return;
    const { receiving } = reception;
    this.#drop(media, reception);
    if (receiving) this.#tellStop(receiving.source);
  }

  /** @param {MediaRef} source */
  #tellStop(source) {
    this.#group.signal.request({ stop_receive: source.toWire() }, { isRepeatable: true }).catch(() => {});
  }

  /**
   * What a screen plays is received as long as the screen is, and plays where it is shown.
   * @param {string} user
   */
  #followScreen(user) {
    const sound = MediaRef.screenSound(user);
    const isScreenReceived = [...this.#receptions.values()].some(
      ({ media }) => media.user === user && media.type === MediaType.SCREEN_SHARE,
    );
    if (!isScreenReceived || !this.#companions.has(sound.key)) this.#end(sound);
    else if (!this.#receptions.has(sound.key)) {
      this.#begin(sound, '', (track) => this.#group.renderer.setTrack(sound, track));
    }
  }

  /**
   * @param {Reception} reception
   * @param {Receiving} receiving
   */
  async #ask(reception, receiving) {
    const { source } = receiving;
    const isLast = () => reception.receiving === receiving;
    reception.isAgreed = false;
    try {
      await this.#group.signal.request({ receive: source.toWire() }, { isRepeatable: true });
      if (!isLast()) return;
      reception.isAgreed = true;
      // A picture that has ended meanwhile is no fault.
      this.#priorities.tell(source).catch(() => {});
    } catch (error) {
      const isGone = /** @type {HstRtcError} */ (error).serverCode !== undefined && source.isAlteredVoice;
      if (!isLast()) return;
      if (!isGone) throw error;
      // It has just ended: the group will say so.
      this.handleCompanion(source, false);
    }
  }

  /**
   * @param {MediaRef} media
   * @param {Reception} reception
   */
  #drop(media, reception) {
    if (this.#receptions.get(media.key) !== reception) return;
    this.#receptions.delete(media.key);
    if (reception.receiving) this.#group.peer.unwant(reception.receiving);
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
        ({ media: m }) => m.user === media.user && m.type !== MediaType.SCREEN_SHARE && !m.isScreenSound,
      );
      const hasCamera = partners.some(({ media: m }) => m.type === MediaType.VIDEO);
      if (partners.length > 0 && !(media.type === MediaType.VIDEO && hasCamera)) return partners[0].streamId;
    }
    return new MediaStream().id;
  }
}
