import { totalKbps } from './encodings.js';
import { ErrorCode, HstRtcError } from './errors.js';
import { Line } from './line.js';
import { beginWith } from './sdp.js';
import { nextTask, sleep } from './time.js';

/** @typedef {import('./line.js').Want} Want */

/** A connection that was interrupted may come back by itself for so long, in ms. */
const PATIENCE = 5_000;
/** An ICE restart may take so long to bring it back, in ms. */
const RESTART_TIME = 10_000;
/** A connection to a node that the session has left carries on for so long at most, in ms: as long as the server keeps its end. */
const OVERLAP = 15_000;
/** It carries on for so long beside the one that takes its place, in ms: until pictures have begun there. */
const SETTLE = 1_000;
/** The longest wait between two attempts to connect, in ms; the first is a sixteenth of it. */
const MAX_BACKOFF = 8_000;
/** Pictures begin with room for sound beside them, but with no more than so many kbit/s. */
const BEGIN = 1.2;
const MAX_BEGIN = 2_000;

/**
 * @typedef {object} PeerOptions
 * @property {RTCIceServer[]} iceServers
 * @property {(offer: { generation: number, sdp: string, lines: object[] }) => Promise<string>} ask sends an offer,
 *   resolves with the answer's SDP
 * @property {import('./seals.js').Seals | null} seals of a group that is encrypted
 * @property {(error: HstRtcError) => void} onTrouble media do not flow; the peer goes on trying
 */

/**
 * The one peer connection of a group. It is told what is wanted and brings the m-lines in accord with that: what is
 * asked for within one task goes into one offer, and there is never more than one offer under way.
 */
export class Peer {
  /** Counts the peer connections of all groups: the server takes a higher number for a fresh start. */
  static #lastGeneration = 0;

  /** @type {Map<string, Want>} */
  #wants = new Map();
  /** @type {Line[]} */
  #lines = [];
  /** @type {RTCPeerConnection | null} */
  #pc = null;
  /** Settles when it is connected for the first time. @type {Promise<void>} */
  #connected = Promise.resolve();
  #tellConnected = () => {};
  #generation = 0;
  #failures = 0;
  /** How fast pictures begin on this connection, in kbit/s; 0 before the first of them. */
  #firstKbps = 0;
  #isBusy = false;
  #isDirty = false;
  #isClosed = false;
  /** Whether to connect although nothing is wanted. */
  #mustPrepare = false;
  /** Whether the next offer restarts ICE. */
  #mustRestartIce = false;
  /** The ICE restart that has not helped yet. @type {object | null} */
  #rescue = null;
  /** The connection before this one, at the node that the session has left. @type {RTCPeerConnection | null} */
  #former = null;
  #options;

  /** @param {PeerOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Connects although nothing is wanted yet: what will be does not have to wait for it. */
  prepare() {
    if (this.#pc) return;
    this.#mustPrepare = true;
    this.#negotiateSoon();
  }

  /**
   * The group that it was prepared for is about to be joined.
   * @param {PeerOptions} options of the group
   */
  enter(options) {
    this.#options = options;
    // Lines are sealed as they are made, or never: those that are there carry nothing of an encrypted group.
    if (options.seals) this.#lines = [];
  }

  /**
   * Wants a media on a line. A want takes the place of an earlier one for the same media.
   * @param {Want} want
   */
  want(want) {
    this.#free(this.#wants.get(want.media.key));
    this.#wants.set(want.media.key, want);
    this.#negotiateSoon();
  }

  /**
   * Takes a want back, unless another has taken its place.
   * @param {Want} want
   */
  unwant(want) {
    if (this.#wants.get(want.media.key) !== want) return;
    this.#wants.delete(want.media.key);
    this.#free(want);
    this.#negotiateSoon();
  }

  /**
   * Sends another track in the place of the one that is sent.
   * @param {import('./line.js').Sending} want
   * @param {MediaStreamTrack} track
   */
  async replaceTrack(want, track) {
    want.track = track;
    const line = this.#lines.find((line) => line.want === want);
    await line?.replaceTrack(track);
    // It may be of another size.
    await line?.limit();
  }

  /**
   * What is wanted of a picture has changed.
   * @param {import('./line.js').Sending} want
   */
  limit(want) {
    this.#lines.find((line) => line.want === want)?.limit();
  }

  /** @param {string} key */
  isWanted(key) {
    return this.#wants.has(key);
  }

  /** @param {string} key */
  wantOf(key) {
    return this.#wants.get(key);
  }

  /**
   * Figures of one media, if it has a line.
   * @param {string} key
   */
  async stats(key) {
    return (await this.#lines.find((line) => line.want?.media.key === key)?.stats()) ?? null;
  }

  /** How loud each sound is that has a line, from 0 to 1. */
  async levels() {
    return Promise.all(
      this.#lines.flatMap((line) => {
        if (!line.want || line.kind !== 'audio') return [];
        const { media } = line.want;
        return [line.level().then((level) => ({ media, level }))];
      }),
    );
  }

  /**
   * The server's end is gone: starts anew with a fresh connection.
   * @param {number} generation the one that was lost
   */
  handleLost(generation) {
    if (generation === this.#generation) this.#restart(null);
  }

  /**
   * The session is at another node: all media get a connection there, and flow over the one of before until it carries them.
   * @param {number} generation the one of before
   */
  handleMoved(generation) {
    if (generation !== this.#generation || !this.#pc) return;
    this.#endFormer(this.#former);
    const former = (this.#former = this.#pc);
    former.onconnectionstatechange = null;
    this.#pc = null;
    this.#drop();
    if (this.#wants.size === 0) {
      this.#endFormer(former);
      return;
    }
    sleep(OVERLAP).then(() => this.#endFormer(former));
    this.#negotiateSoon();
  }

  /** The network may be another one than before, as when signalling had to connect anew. */
  handleNetworkChange() {
    if (this.#pc && this.#pc.connectionState !== 'connected') this.#restartIce(this.#pc);
  }

  close() {
    this.#isClosed = true;
    this.#drop();
    this.#endFormer(this.#former);
  }

  /** @param {RTCPeerConnection | null} former */
  #endFormer(former) {
    former?.close();
    if (this.#former === former) this.#former = null;
  }

  /** @param {Want | undefined} want */
  #free(want) {
    if (want) this.#lines.find((line) => line.want === want)?.rest();
  }

  #open() {
    this.#firstKbps = 0;
    this.#generation = ++Peer.#lastGeneration;
    const pc = new RTCPeerConnection({ iceServers: this.#options.iceServers, bundlePolicy: 'max-bundle' });
    pc.onconnectionstatechange = () => this.#handleState(pc);
    this.#connected = new Promise((resolve) => (this.#tellConnected = resolve));
    return pc;
  }

  #drop() {
    this.#pc?.close();
    this.#pc = null;
    this.#lines = [];
    this.#mustRestartIce = false;
    this.#rescue = null;
  }

  /** @param {RTCPeerConnection} pc */
  async #handleState(pc) {
    if (pc !== this.#pc) return;
    if (pc.connectionState === 'connected') {
      this.#failures = 0;
      this.#rescue = null;
      this.#tellConnected();
      const former = this.#former;
      if (former) sleep(SETTLE).then(() => this.#endFormer(former));
    }
    if (pc.connectionState === 'disconnected') await sleep(PATIENCE);
    if (pc !== this.#pc || this.#rescue) return;
    if (pc.connectionState === 'failed' || pc.connectionState === 'disconnected') this.#restartIce(pc);
  }

  /**
   * Looks for another way to the server, over which everything goes on; starts anew when none is found in time.
   * @param {RTCPeerConnection} pc
   */
  async #restartIce(pc) {
    const rescue = (this.#rescue = {});
    this.#mustRestartIce = true;
    this.#negotiateSoon();
    await sleep(RESTART_TIME);
    if (pc !== this.#pc || rescue !== this.#rescue) return;
    const advice = 'check that UDP to the server is open; trying again';
    this.#restart(new HstRtcError(ErrorCode.CONNECT, `no media connection to the server: ${advice}`));
  }

  /** @param {HstRtcError | null} why null when the server said so */
  async #restart(why) {
    this.#drop();
    // What nobody waits for may fail quietly, and is tried again when something is wanted.
    if (this.#wants.size === 0) return;
    if (why && this.#failures === 0) this.#options.onTrouble(why);
    if (this.#failures > 0) await sleep(Math.min((MAX_BACKOFF / 16) * 2 ** this.#failures, MAX_BACKOFF));
    this.#failures += 1;
    this.#negotiateSoon();
  }

  async #negotiateSoon() {
    this.#isDirty = true;
    if (this.#isBusy) return;
    this.#isBusy = true;
    await nextTask();
    while (this.#isDirty && !this.#isClosed) {
      this.#isDirty = false;
      await this.#negotiate();
    }
    this.#isBusy = false;
  }

  async #negotiate() {
    if (!this.#pc && this.#wants.size === 0 && !this.#mustPrepare) return;
    const pc = (this.#pc ??= this.#open());
    // An offer needs lines; these can receive what will be wanted.
    const { seals } = this.#options;
    const spare = this.#mustPrepare ? [Line.spare(pc, 'audio', seals), Line.spare(pc, 'video', seals)] : [];
    this.#lines.push(...spare);
    this.#mustPrepare = false;
    const isCurrent = () => pc === this.#pc;
    const resting = this.#lines.filter((line) => line.isResting);
    /** @type {Line[]} */
    let placed = [];
    try {
      placed = await this.#place(pc);
      const changes = spare.length + resting.length + placed.length;
      if (!isCurrent() || (changes === 0 && !this.#mustRestartIce)) return;
      if (this.#mustRestartIce) pc.restartIce();
      this.#mustRestartIce = false;
      const { sdp = '' } = await pc.createOffer();
      if (!isCurrent()) return;
      await pc.setLocalDescription({ type: 'offer', sdp });
      if (!isCurrent()) return;
      const lines = this.#lines.map((line) => line.toWire()).filter((line) => line !== null);
      const answer = await this.#options.ask({ generation: this.#generation, sdp, lines });
      if (!isCurrent()) return;
      await pc.setRemoteDescription({ type: 'answer', sdp: this.#paced(answer) });
      if (!isCurrent()) return;
    } catch (cause) {
      if (!isCurrent()) return;
      const { message } = /** @type {Error} */ (cause);
      this.#restart(
        new HstRtcError(ErrorCode.OPERATION_FAILED, `media could not be negotiated (${message}); trying again`, {
          cause,
        }),
      );
      return;
    }
    for (const line of resting) line.isResting = false;
    for (const line of placed) line.limit();
  }

  /**
   * The answer by which the first pictures begin at their full rate. What is known of the network later holds for all
   * others: another beginning would forget it.
   * @param {string} answer
   */
  #paced(answer) {
    if (this.#firstKbps === 0) {
      const wants = [...this.#wants.values()];
      const kbps = wants.map((want) => (want.way === 'send' && want.media.kind === 'video' ? totalKbps(want) : 0));
      const total = kbps.reduce((sum, each) => sum + each, 0);
      this.#firstKbps = Math.min(total * BEGIN, MAX_BEGIN);
    }
    return this.#firstKbps > 0 ? beginWith(answer, this.#firstKbps) : answer;
  }

  /**
   * Gives every want a line; those that got a media.
   * @param {RTCPeerConnection} pc
   */
  async #place(pc) {
    /** @type {Line[]} */
    const placed = [];
    for (const want of [...this.#wants.values()]) {
      if (this.#lines.some((line) => line.want === want)) continue;
      let line = this.#lines.find((line) => line.canCarry(want));
      if (line) {
        await line.carry(want);
        if (pc !== this.#pc) break;
      } else {
        line = Line.for(pc, want, this.#options.seals);
        this.#lines.push(line);
      }
      line.watch(() => pc === this.#pc, this.#connected);
      placed.push(line);
    }
    return placed;
  }
}
