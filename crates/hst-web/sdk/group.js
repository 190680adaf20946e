import { MediaRef } from './ids.js';
import { Peer } from './peer.js';
import { Publisher } from './publish.js';
import { Receiver } from './receive.js';
import { Polls } from './stats.js';
import { nextTask } from './time.js';

/** The events of a group; none of them comes after `leaveGroup` was called. */
const GROUP_EVENTS = [
  'onGroupUserList',
  'onUserJoinGroup',
  'onUserLeaveGroup',
  'onPublishMedia',
  'onUnPublishMedia',
  'onRemoteMediaAdd',
  'onRecvGroupMsg',
  'onScreenShareStopped',
];

/**
 * @typedef {object} Services what a group leans on
 * @property {string} self the own User ID
 * @property {import('./signal.js').Signal} signal
 * @property {RTCIceServer[]} iceServers
 * @property {import('./bus.js').Bus} bus
 * @property {import('./render.js').Renderer} renderer
 * @property {import('./capture.js').Captures} captures
 * @property {(error: import('./errors.js').HstRtcError) => void} report
 *
 * @typedef {Services & { peer: Peer, emit: (name: string, payload?: unknown) => void }} GroupContext
 *
 * @typedef {{ user: string, type: number, media: string, name?: string }} WireMedia
 * @typedef {{ members: string[], media: WireMedia[] }} Snapshot
 */

/** The group that the engine is in, from the answer to `join` until it is left. */
export class Group {
  #services;
  #isOpen = true;
  /** Events that happen before the snapshot is told. @type {[string, unknown[]][] | null} */
  #early = [];

  /**
   * @param {string} id
   * @param {Services} services
   */
  constructor(id, services) {
    this.id = id;
    this.#services = services;
    const { iceServers, signal } = services;
    this.peer = new Peer({
      iceServers,
      ask: async (offer) => (await signal.request({ offer })).sdp,
      onTrouble: (error) => this.#isOpen && services.report(error),
    });
    /** @type {GroupContext} */
    const context = { ...services, peer: this.peer, emit: (name, ...payload) => this.#emit(name, payload) };
    this.publisher = new Publisher(context);
    this.receiver = new Receiver(context);
    this.polls = new Polls(this.peer);
  }

  /**
   * Tells who is here and what they publish, after the promise of `joinGroup` has resolved; what happens later follows.
   * @param {Snapshot} snapshot
   */
  async tell({ members, media }) {
    await nextTask();
    const early = this.#early ?? [];
    this.#early = null;
    this.#emit('onGroupUserList', [members]);
    for (const one of media) this.#emit('onPublishMedia', [toEvent(one)]);
    for (const [name, payload] of early) this.#emit(name, payload);
  }

  /**
   * @param {string} name
   * @param {any} fields
   */
  handleEvent(name, fields) {
    switch (name) {
      case 'member_joined':
        return this.#emit('onUserJoinGroup', [fields.user]);
      case 'member_left':
        return this.#emit('onUserLeaveGroup', [fields.user]);
      case 'published':
        return this.#emit('onPublishMedia', [toEvent(fields)]);
      case 'unpublished':
        this.receiver.handleUnpublished(new MediaRef(fields.user, fields.type, fields.media));
        return this.#emit('onUnPublishMedia', [toEvent(fields)]);
      case 'message': {
        const message = { srcUserId: fields.from, groupId: this.id, msg: fields.body, msgId: fields.seq };
        return this.#emit('onRecvGroupMsg', [message]);
      }
      case 'transport_lost':
        return this.peer.handleLost(fields.generation);
      default:
      // An event of a later version of the protocol.
    }
  }

  /** Ends everything published and received here, at once. */
  close() {
    this.#isOpen = false;
    this.polls.close();
    this.publisher.close();
    this.receiver.close();
    this.peer.close();
    this.#services.bus.forget(GROUP_EVENTS);
  }

  /**
   * @param {string} name
   * @param {unknown[]} payload
   */
  #emit(name, payload) {
    if (!this.#isOpen) return;
    if (this.#early) this.#early.push([name, payload]);
    else this.#services.bus.emit(name, payload, () => this.#isOpen);
  }
}

/** @param {WireMedia} media */
function toEvent({ user, type, media, name = '' }) {
  return { ...new MediaRef(user, type, media).toEvent(), mediaName: name };
}
