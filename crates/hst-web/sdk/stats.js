import { ErrorCode, HstRtcError } from './errors.js';
import { show } from './guard.js';

/**
 * @import { MediaRef } from './ids.js'
 * @import { PictureStats, SoundStats } from './types.js'
 *
 * @typedef {(stats: any, userData?: any) => void} StatsCallback
 *
 * @typedef {object} Sample what was measured of a media, at a moment in ms
 * @property {number} at
 * @property {number} bytes
 * @property {number} volume
 * @property {number} width
 * @property {number} height
 * @property {number} frameRate
 * @property {number} bitRate
 */

/** The shortest interval of a poll, in ms. */
const MIN_INTERVAL = 50;
/** How often media are measured whose figures are asked for without a callback, in ms. */
const WATCH_INTERVAL = 1_000;
/** After so many measurements that nobody has asked for, such a media is let alone. */
const MAX_UNASKED = 10;

/** Figures of media, told at an interval until their media ends, or at once as they were measured last. */
export class Polls {
  /** The last one asked for a media is the one that runs. @type {Map<string, object>} */
  #polls = new Map();
  /** @type {Map<string, { sample: Sample | null, unasked: number }>} */
  #watches = new Map();
  #group;

  /** @param {{ peer: import('./peer.js').Peer }} group whose peer may be another one later */
  constructor(group) {
    this.#group = group;
  }

  /**
   * Waits for the media when it does not flow yet.
   * @param {MediaRef} media
   * @param {StatsCallback} callback
   * @param {unknown} interval in ms
   * @param {unknown} userData handed to the callback
   */
  start(media, callback, interval, userData) {
    if (typeof callback !== 'function') {
      throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'getStreamStats takes a callback');
    }
    const period = Math.max(Number(interval) || 1000, MIN_INTERVAL);
    const poll = {};
    this.#polls.set(media.key, poll);
    const meter = new Meter(media);
    let wasThere = false;
    const timer = setInterval(async () => {
      const isThere = this.#group.peer.isWanted(media.key);
      if (this.#polls.get(media.key) !== poll || (wasThere && !isThere)) {
        clearInterval(timer);
        return;
      }
      wasThere = isThere;
      const sample = await meter.read(this.#group.peer);
      if (!sample || this.#polls.get(media.key) !== poll) return;
      const { volume, width, height, frameRate, bitRate } = sample;
      const stats = media.kind === 'audio' ? { volume } : { width, height, frameRate, bitRate };
      show('getStreamStats', callback, stats, userData);
    }, period);
  }

  /**
   * The figures of at most a second ago; null while there are none. The first question begins the measuring.
   * @param {MediaRef} media
   */
  latest(media) {
    const watch = this.#watches.get(media.key) ?? this.#watch(media);
    watch.unasked = 0;
    return watch.sample;
  }

  close() {
    this.#polls.clear();
    this.#watches.clear();
  }

  /** @param {MediaRef} media */
  #watch(media) {
    /** @type {{ sample: Sample | null, unasked: number }} */
    const watch = { sample: null, unasked: 0 };
    this.#watches.set(media.key, watch);
    const meter = new Meter(media);
    const measure = async () => {
      if (this.#watches.get(media.key) !== watch || watch.unasked > MAX_UNASKED) {
        clearInterval(timer);
        if (this.#watches.get(media.key) === watch) this.#watches.delete(media.key);
        return;
      }
      watch.unasked += 1;
      watch.sample = await meter.read(this.#group.peer);
    };
    const timer = setInterval(measure, WATCH_INTERVAL);
    measure();
    return watch;
  }
}

/** Measures one media, again and again. */
class Meter {
  #media;
  /** @type {{ at: number, bytes: number } | null} */
  #last = null;

  /** @param {MediaRef} media */
  constructor(media) {
    this.#media = media;
  }

  /**
   * @param {import('./peer.js').Peer} peer
   * @returns {Promise<Sample | null>} null when the media does not flow
   */
  async read(peer) {
    const report = await peer.stats(this.#media.key).catch(() => null);
    if (!report) return null;
    const sample = sampleOf(report, this.#media.kind);
    const last = this.#last;
    const seconds = last ? (sample.at - last.at) / 1000 : 0;
    // A media that got another line counts from zero again.
    const bytes = last ? Math.max(sample.bytes - last.bytes, 0) : 0;
    this.#last = sample;
    return { ...sample, bitRate: seconds > 0 ? Math.round((bytes * 8) / seconds / 1000) : 0 };
  }
}

/**
 * A level of 0 to 1 on the scale of 0 to 100 that applications see. Speech is about a tenth of the largest amplitude: the
 * root spreads it over the scale.
 * @param {number} level
 */
export function volumeOf(level) {
  return Math.round(Math.sqrt(level) * 100);
}

/**
 * @param {RTCStatsReport} report
 * @param {'audio' | 'video'} kind
 */
function sampleOf(report, kind) {
  let level = 0;
  const sample = { at: performance.now(), bytes: 0, volume: 0, width: 0, height: 0, frameRate: 0 };
  for (const entry of report.values()) {
    if (entry.kind !== kind) continue;
    if (entry.type === 'media-source' || entry.type === 'inbound-rtp') level = Math.max(level, entry.audioLevel ?? 0);
    if (entry.type === 'outbound-rtp' || entry.type === 'inbound-rtp') {
      sample.bytes += entry.bytesSent ?? entry.bytesReceived ?? 0;
      // Of encodings that are sent side by side, the largest one that is sent at present.
      if ((entry.frameHeight ?? 0) < sample.height || entry.active === false) continue;
      sample.width = entry.frameWidth ?? sample.width;
      sample.height = entry.frameHeight ?? sample.height;
      sample.frameRate = Math.round(entry.framesPerSecond ?? sample.frameRate);
    }
  }
  sample.volume = volumeOf(level);
  return sample;
}
