import { ErrorCode, HstRtcError } from './errors.js';

/**
 * @import { PictureStats, SoundStats } from './types.js'
 * @typedef {(stats: any, userData?: any) => void} StatsCallback
 */

/** The shortest interval of a poll, in ms. */
const MIN_INTERVAL = 50;

/** Figures of media, told at an interval until their media ends. */
export class Polls {
  /** The last one asked for a media is the one that runs. @type {Map<string, object>} */
  #polls = new Map();
  #group;

  /** @param {{ peer: import('./peer.js').Peer }} group whose peer may be another one later */
  constructor(group) {
    this.#group = group;
  }

  /**
   * Waits for the media when it does not flow yet.
   * @param {import('./ids.js').MediaRef} media
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
    let wasThere = false;
    /** @type {{ at: number, bytes: number } | null} */
    let last = null;
    const timer = setInterval(async () => {
      const isThere = this.#group.peer.isWanted(media.key);
      if (this.#polls.get(media.key) !== poll || (wasThere && !isThere)) {
        clearInterval(timer);
        return;
      }
      wasThere = isThere;
      const report = await this.#group.peer.stats(media.key).catch(() => null);
      if (!report || this.#polls.get(media.key) !== poll) return;
      const sample = read(report, media.kind);
      const seconds = last ? (sample.at - last.at) / 1000 : 0;
      const bitRate = last && seconds > 0 ? Math.round(((sample.bytes - last.bytes) * 8) / seconds / 1000) : 0;
      last = sample;
      tell(callback, media.kind === 'audio' ? sample.sound : { ...sample.picture, bitRate }, userData);
    }, period);
  }

  close() {
    this.#polls.clear();
  }
}

/**
 * @param {StatsCallback} callback
 * @param {SoundStats | PictureStats} stats
 * @param {unknown} userData
 */
function tell(callback, stats, userData) {
  try {
    callback(stats, userData);
  } catch (error) {
    console.error('[HstRtcEngine] the callback of getStreamStats threw', error);
  }
}

/**
 * @param {RTCStatsReport} report
 * @param {'audio' | 'video'} kind
 */
function read(report, kind) {
  let level = 0;
  const sample = {
    at: performance.now(),
    bytes: 0,
    sound: { volume: 0 },
    picture: { width: 0, height: 0, frameRate: 0 },
  };
  for (const entry of report.values()) {
    if (entry.kind !== kind) continue;
    if (entry.type === 'media-source' || entry.type === 'inbound-rtp') level = Math.max(level, entry.audioLevel ?? 0);
    if (entry.type === 'outbound-rtp' || entry.type === 'inbound-rtp') {
      sample.bytes += entry.bytesSent ?? entry.bytesReceived ?? 0;
      sample.picture.width = entry.frameWidth ?? sample.picture.width;
      sample.picture.height = entry.frameHeight ?? sample.picture.height;
      sample.picture.frameRate = Math.round(entry.framesPerSecond ?? sample.picture.frameRate);
    }
  }
  // Speech is about a tenth of the largest amplitude: the root spreads it over the scale.
  sample.sound.volume = Math.round(Math.sqrt(level) * 100);
  return sample;
}
