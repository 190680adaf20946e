/**
 * How good a media is, from its figures: the same as the crate `hst-quality` says of them, where each number has its source.
 * One table of examples holds both to it.
 *
 * @import { Limit, Quality } from './types.js'
 *
 * @typedef {object} Figures what a media was like over the last seconds; what is not known is zero, and costs nothing
 * @property {'sound' | 'camera' | 'screen'} kind
 * @property {number} bitRate in kbit/s
 * @property {number} [frameRate] of a camera it must be known
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [askedHeight] of the picture that is asked for
 * @property {number} [askedFrameRate]
 * @property {number} [lossRate] from 0 to 1
 * @property {number} [jitterMs]
 * @property {number} [roundTripMs]
 * @property {number} [frozen] for which share of the time the picture stood still, from 0 to 1
 * @property {Limit} [limitedBy]
 *
 * @typedef {[reason: Quality['reason'], cost: number][]} Costs
 */

/** What costs less than this, all together, is not worth a word. */
const SLIGHT = 0.3;

/** The rating of an unimpaired sound, its score, and how well lost packets are concealed (ITU-T G.107, G.113). */
const UNIMPAIRED = 93.2;
const BEST_SOUND = 4.4;
const ROBUSTNESS = 25.1;

/** The delay of recording and playing, what is held back for the jitter, and what nobody notices, in ms. */
const AT_LEAST = 20;
const HELD_BACK = 2;
const UNNOTICED = 177.3;

/** The most that a share of the time or of all packets costs a picture, and the share that costs half of that. */
const FREEZES = { most: 4.4, half: 0.12 };
const LOSS = { most: 4, half: 0.2 };
/** Points of the E-model's rating for one of the score. */
const POINTS = 25;
const BEST_PICTURE = 5;
const STILL = 2;
const NEARLY = 0.8;
const PACE = 15;
const HALVED = 0.7;
const SMALLEST = 2;
const BITS_A_PIXEL = 0.02;
const HALF_THE_BITS = 0.5;
const COARSEST = 1.5;

/**
 * @param {Figures} figures
 * @returns {Quality | null} null where nothing flows, or nothing should
 */
export function qualityOf(figures) {
  const { bitRate, kind, limitedBy } = figures;
  if (!(bitRate > 0) || limitedBy === 'paused' || limitedBy === 'muted') return null;
  return kind === 'sound' ? ofSound(figures) : ofPicture(figures);
}

/** @param {Figures} figures */
function ofSound(figures) {
  const lost = share(figures.lossRate) * 100;
  const loss = (95 * lost) / (lost + ROBUSTNESS);
  const { way, jitter } = delayCosts(figures);
  const rating = Math.min(Math.max(UNIMPAIRED - loss - way - jitter, 0), 100);
  const score = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6;
  return less(figures, BEST_SOUND, score, [
    ['loss', loss],
    ['delay', way],
    ['jitter', jitter],
  ]);
}

/** @param {Figures} figures */
function ofPicture(figures) {
  const { kind, limitedBy } = figures;
  const moves = kind === 'camera' ? 1 : 0;
  const isKnown = limitedBy === 'cpu' || limitedBy === 'bandwidth';
  const { way, jitter } = delayCosts(figures);
  /** @type {Costs} */
  const costs = [
    ['freezes', moves * saturating(figures.frozen, FREEZES)],
    [isKnown ? limitedBy : 'frame_rate', moves * slowness(figures)],
    [isKnown ? limitedBy : 'bandwidth', smallness(figures) + moves * coarseness(figures)],
    ['loss', saturating(figures.lossRate, LOSS)],
    ['delay', way / POINTS],
    ['jitter', jitter / POINTS],
  ];
  const lacking = costs.reduce((sum, [, cost]) => sum + cost, 0);
  return less(figures, BEST_PICTURE, BEST_PICTURE - lacking, costs);
}

/**
 * @param {Figures} figures
 * @param {number} best
 * @param {number} exact
 * @param {Costs} costs
 * @returns {Quality}
 */
function less({ limitedBy }, best, exact, costs) {
  const score = Math.round(Math.min(Math.max(exact, 1), 5) * 10) / 10;
  if (best - score < SLIGHT) return { score, reason: limitedBy === 'view' ? 'view' : 'none' };
  const [[reason]] = [...costs].sort(([, one], [, other]) => other - one);
  return { score, reason };
}

/** @param {Figures} figures */
function delayCosts({ roundTripMs = 0, jitterMs = 0 }) {
  const way = roundTripMs / 2 + AT_LEAST;
  return { way: impairment(way), jitter: impairment(way + jitterMs * HELD_BACK) - impairment(way) };
}

/** @param {number} ms */
function impairment(ms) {
  return 0.024 * ms + 0.11 * Math.max(ms - UNNOTICED, 0);
}

/**
 * @param {number | undefined} of
 * @param {{ most: number, half: number }} cost
 */
function saturating(of, { most, half }) {
  return (most * share(of)) / (share(of) + half);
}

/** @param {Figures} figures */
function slowness({ frameRate = 0, askedFrameRate = 0 }) {
  return STILL * (1 - share(frameRate / ((askedFrameRate || PACE) * NEARLY)));
}

/** @param {Figures} figures */
function smallness({ height = 0, askedHeight = 0, limitedBy }) {
  if (height === 0 || askedHeight <= height || limitedBy === 'view') return 0;
  return Math.min(HALVED * Math.log2(askedHeight / height), SMALLEST);
}

/** @param {Figures} figures */
function coarseness({ bitRate, width = 0, height = 0, frameRate = 0 }) {
  const enough = (width * height * frameRate * BITS_A_PIXEL) / 1000;
  return enough > bitRate ? Math.min(HALF_THE_BITS * Math.log2(enough / bitRate), COARSEST) : 0;
}

/** @param {number | undefined} of */
function share(of = 0) {
  return Number.isNaN(of) ? 0 : Math.min(Math.max(of, 0), 1);
}
