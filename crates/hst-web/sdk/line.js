import { describeLayers, preferCodecs, sendable } from './codecs.js';
import { encodings, newEncodings } from './encodings.js';
import { sleep } from './time.js';

/**
 * @typedef {import('./ids.js').MediaRef} MediaRef
 * @typedef {import('./seals.js').Seals} Seals
 *
 * @typedef {object} Sending what a line is to send
 * @property {MediaRef} media
 * @property {'send'} way
 * @property {MediaStreamTrack} track
 * @property {number} wanted the most that anybody wants of a picture, in pixels of height; `Infinity` is all of it
 * @property {string[] | null} [rids] the encodings that are of use, of those that are sent side by side; null is all
 * @property {MediaStream} [stream] tracks of one stream are played in step by those who receive them
 * @property {number} [kbps] the most to send; for pictures only
 * @property {number} [frameRate]
 * @property {string} [codec] of its pictures
 *
 * @typedef {object} Receiving what a line is to receive
 * @property {MediaRef} media
 * @property {MediaRef} source what of it is received: itself, or what takes its place
 * @property {'receive'} way
 * @property {(track: MediaStreamTrack) => void} onFlow its packets arrive
 *
 * @typedef {Sending | Receiving} Want
 */

/** A line that waits for its first packet is looked at again after this many ms, and then ever more rarely. */
const FIRST_CHECK = 20;
const LAST_CHECK = 1_000;

/** A sound whose last packet is older than this is silent, in ms. */
const STALE = 500;

/** One m-line of the peer connection: it sends or it receives, one media at a time, and is used again and again. */
export class Line {
  /** What it carries; null while it is free. @type {Want | null} */
  want = null;
  /** Freed in the negotiation under way: it carries nothing new before the next one. */
  isResting = false;
  /** The last change of its limits. @type {Promise<void>} */
  #limited = Promise.resolve();
  /** Packets that it had received before its present media. */
  #packetsBefore = 0;
  /** The codec of what it sends, which is fixed with the line. @type {string | undefined} */
  #codec;
  #transceiver;
  /** @type {import('./seals.js').Seal | null} */
  #seal = null;

  /**
   * @param {'audio' | 'video'} kind
   * @param {RTCRtpTransceiver} transceiver
   * @param {Want | null} want
   * @param {Seals | null} seals of a group that is encrypted
   */
  constructor(kind, transceiver, want, seals) {
    this.kind = kind;
    this.way = want?.way ?? 'receive';
    this.want = want;
    this.#transceiver = transceiver;
    if (want?.way === 'send') this.#codec = want.codec;
    preferCodecs(transceiver, kind, seals, this.#codec);
    if (kind === 'video') describeLayers(transceiver);
    if (seals) this.#seal = seals.put(transceiver, this.way, kind);
    if (want) this.#seal?.carry(want.media);
  }

  /**
   * A new line for a media.
   * @param {RTCPeerConnection} pc
   * @param {Want} want
   * @param {Seals | null} seals
   */
  static for(pc, want, seals) {
    const { kind } = want.media;
    if (want.way === 'send' && want.codec) want.codec = sendable(want.codec, seals);
    const transceiver =
      want.way === 'send'
        ? pc.addTransceiver(want.track, {
            direction: 'sendonly',
            streams: want.stream ? [want.stream] : [],
            ...(kind === 'video' ? { sendEncodings: newEncodings(want) } : {}),
          })
        : pc.addTransceiver(kind, { direction: 'recvonly' });
    return new Line(kind, transceiver, want, seals);
  }

  /**
   * A new line that can receive a media later.
   * @param {RTCPeerConnection} pc
   * @param {'audio' | 'video'} kind
   * @param {Seals | null} seals
   */
  static spare(pc, kind, seals) {
    return new Line(kind, pc.addTransceiver(kind, { direction: 'inactive' }), null, seals);
  }

  /** @param {Want} want */
  canCarry(want) {
    const isFree = !this.want && !this.isResting && this.#transceiver.currentDirection !== 'stopped';
    return isFree && this.kind === want.media.kind && this.way === want.way && this.#hasEncodingsFor(want);
  }

  /**
   * Their number is fixed with the line, as the codec is.
   * @param {Want} want
   */
  #hasEncodingsFor(want) {
    if (want.way === 'receive' || this.kind === 'audio') return true;
    const { length } = this.#transceiver.sender.getParameters().encodings;
    return this.#codec === want.codec && length === newEncodings(want).length;
  }

  /** @param {Want} want */
  async carry(want) {
    this.want = want;
    if (want.way === 'send') {
      this.#transceiver.direction = 'sendonly';
      await this.#transceiver.sender.replaceTrack(want.track);
    } else {
      this.#seal?.carry(want.media);
      this.#transceiver.direction = 'recvonly';
      this.#packetsBefore = await this.#packets();
    }
  }

  /** @param {MediaStreamTrack} track in the place of the one that it sends */
  async replaceTrack(track) {
    await this.#transceiver.sender.replaceTrack(track);
  }

  rest() {
    this.want = null;
    this.isResting = true;
    this.#transceiver.direction = 'inactive';
    // It sends nothing from here on; the outcome only matters to the next track, whose own call waits for this one.
    if (this.way === 'send') this.#transceiver.sender.replaceTrack(null).catch(() => {});
  }

  /** What the server is told of it. */
  toWire() {
    if (!this.want) return null;
    const isSent = this.want.way === 'send';
    const { user, ...own } = (this.want.way === 'receive' ? this.want.source : this.want.media).toWire();
    return { mid: this.#transceiver.mid, ...(isSent ? { send: own } : { receive: { user, ...own } }) };
  }

  /** @returns {Promise<RTCStatsReport>} */
  stats() {
    const { sender, receiver } = this.#transceiver;
    return (this.way === 'send' ? sender : receiver).getStats();
  }

  /** How loud its sound is now, from 0 to 1. */
  async level() {
    const { sender, receiver } = this.#transceiver;
    if (this.way === 'send') return levelOf(await sender.getStats().catch(() => new Map()), 'media-source');
    const [source] = receiver.getSynchronizationSources?.() ?? [];
    // A sender who says nothing, or is silenced, may send nothing.
    if (source && performance.timeOrigin + performance.now() - source.timestamp > STALE) return 0;
    // Not every sender says with its packets how loud they are, and not every browser passes it on.
    return source?.audioLevel ?? levelOf(await receiver.getStats().catch(() => new Map()), 'inbound-rtp');
  }

  /**
   * Tells the want's owner once packets arrive, as long as it is wanted.
   * @param {() => boolean} isOpen
   * @param {Promise<void>} connected none arrive before
   */
  async watch(isOpen, connected) {
    const want = this.want;
    if (want?.way !== 'receive') return;
    await connected;
    const { track } = this.#transceiver.receiver;
    let pause = FIRST_CHECK;
    while (isOpen() && this.want === want) {
      const packets = await this.#packets();
      if (packets > this.#packetsBefore) {
        if (isOpen() && this.want === want) want.onFlow(track);
        return;
      }
      // The figures of what it carried before may go meanwhile.
      this.#packetsBefore = Math.min(this.#packetsBefore, packets);
      await sleep(pause);
      pause = Math.min(pause * 1.2, LAST_CHECK);
    }
  }

  async #packets() {
    // A connection that is being closed may have no figures any more.
    const report = await this.#transceiver.receiver.getStats().catch(() => new Map());
    let packets = 0;
    for (const entry of report.values()) {
      if (entry.type === 'inbound-rtp') packets += entry.packetsReceived ?? 0;
    }
    return packets;
  }

  /** Sets what its encoder may use: a line that is used again would keep the limits of what it sent before. */
  limit() {
    // One change after the other: what was read before another one came is refused.
    return (this.#limited = this.#limited.then(() => this.#limitNow()));
  }

  async #limitNow() {
    if (this.want?.way !== 'send' || this.kind !== 'video') return;
    const { sender } = this.#transceiver;
    const parameters = sender.getParameters();
    if (!parameters.encodings?.length) return;
    const wanted = encodings(this.want, parameters.encodings.length);
    parameters.encodings.forEach((encoding, at) => {
      const { rid: _, ...rest } = wanted[at];
      Object.assign(encoding, rest);
    });
    // When there is too little for both: people keep moving, and text stays sharp.
    const isText = this.want.track.contentHint === 'detail';
    parameters.degradationPreference = isText ? 'maintain-resolution' : 'maintain-framerate';
    // Advice to the encoder: a browser that takes none of it still sends.
    await sender.setParameters(parameters).catch(() => {});
  }
}

/**
 * @param {RTCStatsReport | Map<string, any>} report
 * @param {string} type of the figures that tell how loud the sound is
 * @returns {number}
 */
function levelOf(report, type) {
  return [...report.values()].find((entry) => entry.type === type)?.audioLevel ?? 0;
}
