import { MediaType } from './ids.js';
import { qualityOf } from './quality.js';

/**
 * @import { Bound } from './bounds.js'
 * @import { MediaRef } from './ids.js'
 * @import { Limit, Quality } from './types.js'
 *
 * @typedef {object} Reading what the browser has counted of a media so far, and how it is at this moment
 * @property {number} at in ms
 * @property {number} bytes
 * @property {number} packets
 * @property {number} packetsLost
 * @property {number} jitterMs
 * @property {number | null} roundTripMs
 * @property {number} volume
 * @property {number} width
 * @property {number} height
 * @property {number} frameRate
 * @property {number} freezeCount
 * @property {number} freezeMs
 * @property {string | null} layer
 * @property {Limit} limitedBy
 *
 * @typedef {object} Rates what it was like between two readings
 * @property {number} bitRate in kbit/s
 * @property {number} lossRate
 * @property {Quality | null} quality
 *
 * @typedef {Reading & Rates} Sample
 */

/** Over how long rates are measured at least, in ms: a little less than the second at which most applications ask. */
const WINDOW = 900;
/** After how long without a report of further losses there are none, in ms: of sounds, servers report every 5 s. */
const QUIET = 10_000;

/** Measures one media, again and again. */
export class Meter {
  #media;
  /** Since when rates are measured, and since when they will be. @type {{ from: Reading, next: Reading } | null} */
  #since = null;
  /** @type {Reports | null} */
  #reports = null;

  /** @param {MediaRef} media */
  constructor(media) {
    this.#media = media;
  }

  /**
   * @param {import('./peer.js').Peer} peer
   * @param {Bound} bound
   * @returns {Promise<Sample | null>} null when the media does not flow
   */
  async read(peer, bound) {
    const report = await peer.stats(this.#media.key).catch(() => null);
    if (!report) return null;
    const reading = readingOf(report, this.#media.kind);
    // The browser knows best why it sends less.
    if (reading.limitedBy === 'none' || bound.limitedBy === 'muted') reading.limitedBy = bound.limitedBy;
    const from = this.#from(reading);
    const seconds = (reading.at - from.at) / 1000;
    const per = (/** @type {number} */ count, /** @type {number} */ of) => (of > 0 ? count / of : 0);
    const lost = Math.max(reading.packetsLost - from.packetsLost, 0);
    const sent = reading.packets - from.packets + lost;
    this.#reports ??= new Reports(reading);
    const lossRate = bound.isOwn ? this.#reports.lossRate(reading) : per(lost, sent);
    const bitRate = Math.round(per((reading.bytes - from.bytes) * 8, seconds) / 1000);
    const quality = qualityOf({
      ...reading,
      kind: KINDS[this.#media.type] ?? 'camera',
      bitRate,
      lossRate,
      roundTripMs: reading.roundTripMs ?? 0,
      frozen: per(reading.freezeMs - from.freezeMs, seconds * 1000),
      askedHeight: bound.height,
      askedFrameRate: bound.frameRate,
    });
    return { ...reading, bitRate, lossRate, quality };
  }

  /** @param {Reading} reading */
  #from(reading) {
    // A media that got another line counts from zero again.
    if (!this.#since || reading.bytes < this.#since.next.bytes) {
      this.#since = { from: reading, next: reading };
      this.#reports = null;
    }
    const { from, next } = this.#since;
    if (reading.at - next.at < WINDOW) return from;
    this.#since = { from: next, next: reading };
    return next;
  }
}

/**
 * The losses of what is sent, of which only the other end's reports tell: each at once of all since the one before, so they
 * are shared out over what was sent meanwhile.
 */
class Reports {
  #at;
  #packets = 0;
  #packetsLost = 0;
  /** As told the last time. */
  #told;
  #rate = 0;

  /** @param {Reading} reading the first of its line; reports count from the line's beginning */
  constructor({ at, packetsLost }) {
    this.#at = at;
    this.#told = packetsLost;
  }

  /** @param {Reading} reading */
  lossRate({ at, packets, packetsLost }) {
    const isNew = packetsLost !== this.#told;
    if (isNew || at - this.#at >= QUIET) {
      const [lost, sent] = [Math.max(packetsLost - this.#packetsLost, 0), packets - this.#packets];
      this.#rate = isNew && sent > 0 ? Math.min(lost / sent, 1) : 0;
      [this.#at, this.#packets, this.#packetsLost] = [at, packets, packetsLost];
    }
    this.#told = packetsLost;
    return this.#rate;
  }
}

/** @type {Record<number, 'sound' | 'camera' | 'screen'>} */
const KINDS = { [MediaType.AUDIO]: 'sound', [MediaType.VIDEO]: 'camera', [MediaType.SCREEN_SHARE]: 'screen' };

/**
 * A level of 0 to 1 on the scale of 0 to 100 that applications see. Speech is about a tenth of the largest amplitude: the
 * root spreads it over the scale.
 * @param {number} level
 */
export function volumeOf(level) {
  return Math.round(Math.sqrt(level) * 100);
}

/**
 * @param {RTCStatsReport | Map<string, any>} report
 * @param {'audio' | 'video'} kind
 * @returns {Reading}
 */
export function readingOf(report, kind) {
  const entries = [...report.values()];
  const of = (/** @type {string[]} */ ...types) =>
    entries.filter((entry) => entry.kind === kind && types.includes(entry.type));
  const sum = (/** @type {any[]} */ all, /** @type {string} */ name) =>
    all.reduce((total, entry) => total + (entry[name] ?? 0), 0);
  const most = (/** @type {any[]} */ all, /** @type {string} */ name) =>
    all.reduce((largest, entry) => Math.max(largest, entry[name] ?? 0), 0);
  const lines = of('outbound-rtp', 'inbound-rtp');
  // What arrives is counted here, and what is sent where it arrives.
  const arrivals = of('remote-inbound-rtp', 'inbound-rtp');
  const pair = entries.find((entry) => entry.type === 'candidate-pair' && entry.nominated);
  const way = of('remote-inbound-rtp').find((entry) => entry.roundTripTime !== undefined)?.roundTripTime;
  const roundTrip = way ?? pair?.currentRoundTripTime;
  const picture = largest(lines);
  return {
    at: performance.now(),
    bytes: sum(lines, 'bytesSent') + sum(lines, 'bytesReceived'),
    packets: sum(lines, 'packetsSent') + sum(lines, 'packetsReceived'),
    packetsLost: Math.max(sum(arrivals, 'packetsLost'), 0),
    jitterMs: Math.round(most(arrivals, 'jitter') * 1000),
    roundTripMs: roundTrip === undefined ? null : Math.round(roundTrip * 1000),
    volume: volumeOf(most(of('media-source', 'inbound-rtp'), 'audioLevel')),
    width: picture?.frameWidth ?? 0,
    height: picture?.frameHeight ?? 0,
    frameRate: Math.round(picture?.framesPerSecond ?? 0),
    freezeCount: sum(lines, 'freezeCount'),
    freezeMs: Math.round(sum(lines, 'totalFreezesDuration') * 1000),
    layer: picture?.rid ?? null,
    limitedBy: LIMITS[picture?.qualityLimitationReason] ?? 'none',
  };
}

/** What browsers name as the reason, of which `other` tells nobody anything. @type {Record<string, Limit>} */
const LIMITS = { cpu: 'cpu', bandwidth: 'bandwidth' };

/**
 * Of encodings that are sent side by side, the largest one that is sent at present.
 * @param {any[]} lines
 */
function largest(lines) {
  return lines
    .filter(({ active }) => active !== false)
    .reduce((best, line) => ((line.frameHeight ?? 0) >= (best?.frameHeight ?? 0) ? line : best), undefined);
}
