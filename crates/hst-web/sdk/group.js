import { Boards } from './boards.js';
import { Bounds } from './bounds.js';
import { ErrorCode, OutcomeUnknown } from './errors.js';
import { MediaRef, MediaType } from './ids.js';
import { toGroupMessage } from './messages.js';
import { letterIn } from './key_exchange.js';
import { Levels } from './levels.js';
import { Peer } from './peer.js';
import { Publisher } from './publish.js';
import { Receiver } from './receive.js';
import { Roster } from './roster.js';
import { Polls } from './stats.js';
import { nextTask } from './time.js';
import { Views } from './views.js';

/** The events of a group; none of them comes after `leaveGroup` was called. */
const GROUP_EVENTS = [
  'onGroupUserList',
  'onGroupUserCount',
  'onUserJoinGroup',
  'onUserLeaveGroup',
  'onPublishMedia',
  'onUnPublishMedia',
  'onMediaMuted',
  'onMediaPaused',
  'onAudioLevels',
  'onActiveSpeaker',
  'onRemoteMediaAdd',
  'onMediaDecryption',
  'onSafetyNumber',
  'onRecvGroupMsg',
  'onGroupLocked',
  'onScreenShareStopped',
  'onWhiteBoardCurPageChanged',
];

/**
 * @typedef {import('./errors.js').HstRtcError} HstRtcError
 * @typedef {import('./roster.js').Snapshot} Snapshot
 *
 * @typedef {object} Services what a group leans on
 * @property {string} self the own User ID
 * @property {import('./signal.js').Signal} signal
 * @property {RTCIceServer[]} iceServers that everybody may use
 * @property {import('./bus.js').Bus} bus
 * @property {import('./render.js').Renderer} renderer
 * @property {import('./capture.js').Captures} captures
 * @property {import('./voice.js').Voice} voice
 * @property {import('./boards.js').Fits} fits
 * @property {import('./seals.js').Seals | null} seals where the group is encrypted
 * @property {import('./dial.js').Timers} clock
 * @property {(error: HstRtcError) => void} report
 *
 * @typedef {Services & { peer: Peer, emit: (name: string, payload?: unknown) => void }} GroupContext the peer is
 *   another one after a new login
 */

/** The group that the engine is in, from the answer to `join` until it is left; also across a new login. */
export class Group {
  /** Called when it is over without having been left. @type {(why: HstRtcError) => void} */
  onRemoved = () => {};

  #context;
  #roster = new Roster();
  #bounds;
  #isOpen = true;
  /** Events that happen before the snapshot is told. @type {[string, unknown[]][] | null} */
  #early = [];

  /**
   * @param {string} id
   * @param {Services} services
   */
  constructor(id, services) {
    this.id = id;
    /** @type {GroupContext} */
    this.#context = {
      ...services,
      peer: new Peer(this.#peerOptions(services)),
      emit: (/** @type {string} */ name, /** @type {unknown[]} */ ...payload) => this.#emit(name, payload),
    };
    this.publisher = new Publisher(this.#context);
    this.views = new Views(this.#context);
    this.receiver = new Receiver(this.#context, this.views);
    this.boards = new Boards(this.#context);
    const { publisher, views } = this;
    this.#bounds = new Bounds(this.#context, { publisher, views, roster: this.#roster });
    this.polls = new Polls(this.#context, this.#bounds);
    this.levels = new Levels(this.#context, this.publisher);
  }

  /**
   * Asks to be a member, with the peer that was prepared for it or a fresh one. Where the application listens for media, an
   * offer leaves in the same flight: the connection comes about while it hears what there is.
   * @param {Peer | null} [prepared]
   * @returns {Promise<Snapshot>}
   */
  join(prepared) {
    const { bus, peer, signal } = this.#context;
    peer.close();
    const options = this.#peerOptions(this.#context);
    prepared?.enter(options);
    this.#context.peer = prepared ?? new Peer(options);
    const joined = signal.request({ join: { group: this.id } });
    if (bus.isHeard('onRemoteMediaAdd')) this.#context.peer.prepare();
    return joined;
  }

  /**
   * Tells who is here and what they publish, after the promise of `joinGroup` has resolved; what happens later follows.
   * @param {Snapshot} snapshot
   */
  async tell(snapshot) {
    const told = this.#roster.begin(snapshot);
    this.#context.seals?.exchange?.begin(snapshot.members);
    await nextTask();
    const early = this.#early ?? [];
    this.#early = null;
    this.#tellAll(told);
    for (const [name, payload] of early) this.#emit(name, payload);
  }

  /**
   * @param {string} name
   * @param {any} fields
   */
  handleEvent(name, fields) {
    const letter = name === 'message' ? letterIn(fields.body) : null;
    switch (name) {
      case 'message':
        if (letter) return this.#context.seals?.exchange?.handleLetter(fields.from, letter);
        return this.#emit('onRecvGroupMsg', [toGroupMessage(this.id, fields)]);
      case 'snapshot':
        this.#tellAll(this.#roster.renew(fields));
        this.#context.seals?.exchange?.begin(fields.members);
        this.publisher.handleMissed();
        this.boards.restore();
        return this.receiver.restore();
      case 'drawn':
      case 'sketched':
        return this.boards.handleEvent(name, fields);
      case 'wanted':
        return this.publisher.handleWanted(fields);
      case 'encodings':
        return this.publisher.handleEncodings(fields);
      case 'starved':
        return this.#handleStarved(fields);
      case 'transport_moved':
        return this.#context.peer.handleMoved(fields.generation);
      case 'transport_lost':
        return this.#context.peer.handleLost(fields.generation);
      default:
        return this.#tellAll(this.#roster.handle(name, fields));
    }
  }

  /**
   * The session is a new one: asks again for the group and for everything that was published and received there, and
   * tells what has changed meanwhile.
   * @param {() => void} onAnswered called before anything is told, unless this session is lost before the group has answered
   */
  async restore(onAnswered) {
    const joined = this.join();
    this.#bounds.clear();
    this.publisher.restore();
    this.receiver.restore();
    this.boards.restore();
    try {
      const snapshot = await joined;
      onAnswered();
      if (!this.#isOpen) return;
      this.#context.seals?.exchange?.beginAnew();
      this.#tellAll(this.#roster.renew(snapshot));
      this.#context.seals?.exchange?.begin(snapshot.members);
    } catch (error) {
      // When this session was lost too, the next one asks for the group again.
      if (error instanceof OutcomeUnknown) return;
      onAnswered();
      this.#end(/** @type {HstRtcError} */ (error));
    }
  }

  /** Events were lost. A snapshot is on its way, unless the end of the group was among them. */
  async verify() {
    this.#context.seals?.exchange?.loseSight();
    try {
      await this.#context.signal.request({ roster: { limit: 1 } });
    } catch (error) {
      const why = /** @type {HstRtcError} */ (error);
      if (why.serverCode === ErrorCode.NOT_IN_GROUP) this.#end(why);
    }
  }

  /**
   * What arrives of a media can be decrypted, or cannot.
   * @param {import('./types.js').MediaDecryption} told
   */
  handleDecryption(told) {
    const media = new MediaRef(told.userId, told.mediaType, told.mediaId);
    if (!media.isHidden) this.#emit('onMediaDecryption', [told]);
  }

  /**
   * Members see the same number, if nobody stands between them.
   * @param {string} safetyNumber
   */
  handleSafety(safetyNumber) {
    this.#emit('onSafetyNumber', [{ safetyNumber }]);
  }

  /** The network has changed: media look for another way. */
  networkChanged() {
    this.#context.peer.handleNetworkChange();
  }

  /** Ends everything published and received here, at once. */
  close() {
    this.#isOpen = false;
    this.polls.close();
    this.levels.close();
    this.publisher.close();
    this.receiver.close();
    this.views.close();
    this.boards.close();
    this.#context.seals?.exchange?.close();
    this.#context.peer.close();
    this.#context.bus.forget(GROUP_EVENTS);
  }

  /**
   * @param {Services} services
   * @returns {import('./peer.js').PeerOptions}
   */
  #peerOptions({ iceServers, signal, seals, report }) {
    return {
      // Asked for with each connection: a session that has moved has others.
      get iceServers() {
        return [...iceServers, ...signal.iceServers];
      },
      seals,
      ask: async (offer) => (await signal.request({ offer })).sdp,
      onTrouble: (error) => this.#isOpen && report(error),
    };
  }

  /** @param {HstRtcError} why */
  #end(why) {
    if (this.#isOpen) this.onRemoved(why);
  }

  /** @param {import('./roster.js').Told[]} all */
  #tellAll(all) {
    for (const [name, payload] of all) {
      const { userId, mediaType, mediaId } = payload;
      const media = new MediaRef(userId, mediaType, mediaId);
      if (name === 'onUnPublishMedia') this.#handleUnpublished(media);
      if (name === 'onUserJoinGroup') this.#context.seals?.exchange?.handleJoined(payload);
      if (name === 'onUserLeaveGroup') this.#context.seals?.exchange?.handleLeft(payload);
      if (name === 'onMediaMuted') this.publisher.handleMuted(media, payload.muted);
      if (!media.isHidden) this.#emit(name, [payload]);
      else if (name !== 'onMediaMuted') this.receiver.handleCompanion(media, name === 'onPublishMedia');
    }
  }

  /** @param {{ user: string, type: number, media: string, starved: boolean }} fields */
  #handleStarved({ user, type, media, starved }) {
    const ref = new MediaRef(user, type, media);
    this.#bounds.handleStarved(ref, starved);
    this.#emit('onMediaPaused', [{ ...ref.toEvent(), paused: starved }]);
  }

  /** @param {MediaRef} media */
  #handleUnpublished(media) {
    this.#bounds.handleStarved(media, false);
    if (media.type === MediaType.WHITE_BOARD) this.boards.handleUnpublished(media.media);
    else this.receiver.handleUnpublished(media);
  }

  /**
   * @param {string} name
   * @param {unknown[]} payload
   */
  #emit(name, payload) {
    if (!this.#isOpen) return;
    if (this.#early) this.#early.push([name, payload]);
    else this.#context.bus.emit(name, payload, () => this.#isOpen);
  }
}
