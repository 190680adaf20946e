import { ErrorCode, HstRtcError } from './errors.js';
import { show } from './guard.js';
import { Meter } from './meter.js';

/**
 * @import { MediaRef } from './ids.js'
 * @import { Sample } from './meter.js'
 * @import { PictureStats, SoundStats } from './types.js'
 *
 * @typedef {(stats: any, userData?: any) => void} StatsCallback
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
  #bounds;

  /**
   * @param {{ peer: import('./peer.js').Peer }} group whose peer may be another one later
   * @param {import('./bounds.js').Bounds} bounds
   */
  constructor(group, bounds) {
    this.#group = group;
    this.#bounds = bounds;
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
      const sample = await meter.read(this.#group.peer, this.#bounds.of(media));
      if (!sample || this.#polls.get(media.key) !== poll) return;
      show('getStreamStats', callback, media.kind === 'audio' ? soundOf(sample) : pictureOf(sample), userData);
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
      watch.sample = await meter.read(this.#group.peer, this.#bounds.of(media));
    };
    const timer = setInterval(measure, WATCH_INTERVAL);
    measure();
    return watch;
  }
}

/**
 * @param {Sample} sample
 * @returns {SoundStats}
 */
function soundOf({ volume, ...sample }) {
  return { volume, ...bothOf(sample) };
}

/**
 * @param {Sample} sample
 * @returns {PictureStats}
 */
function pictureOf({ width, height, frameRate, freezeCount, freezeMs, layer, ...sample }) {
  return { width, height, frameRate, ...bothOf(sample), freezeCount, freezeMs, layer };
}

/** @param {Pick<Sample, 'bitRate' | 'packets' | 'packetsLost' | 'lossRate' | 'jitterMs' | 'roundTripMs' | 'limitedBy' | 'quality'>} sample */
function bothOf({ bitRate, packets, packetsLost, lossRate, jitterMs, roundTripMs, limitedBy, quality }) {
  return { bitRate, packets, packetsLost, lossRate, jitterMs, roundTripMs, limitedBy, quality };
}
