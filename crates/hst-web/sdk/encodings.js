import { isLayered } from './codecs.js';
import { MediaType } from './ids.js';

/** @typedef {import('./line.js').Sending} Sending */

/**
 * The encodings in which a picture is sent side by side (simulcast), the smallest first: their names, and by how much
 * they are scaled down. A picture that is not high enough does without the smallest ones.
 */
const RIDS = ['q', 'h', 'f'];
const SCALES = [4, 2, 1];
/** No encoding is lower than so many pixels, unless it is the only one. */
const MIN_HEIGHT = 120;
/** Of a picture with less than this area Chromium sends two encodings at most, and leaves out the largest of three. */
const AREA_OF_THREE = 960 * 540;
/** With how many bits Chromium begins, for pictures up to an area. */
const FIRST_KBPS = [
  { area: 320 * 180, kbps: 0 },
  { area: 480 * 270, kbps: 200 },
  { area: 640 * 360, kbps: 300 },
  { area: 960 * 540, kbps: 500 },
  { area: 1280 * 720, kbps: 900 },
  { area: 1920 * 1080, kbps: 2000 },
];
/** A picture that is so little lower than its element looks the same there. */
const NEARLY = 0.9;
/** How bits go with the scale: a picture of half the height takes more than a quarter of them. */
const BITS = 1.5;
/** Every other picture can be left out for receivers who have little, and then every other one of the rest. */
const SCALABILITY = 'L1T3';
/** In a codec whose layers are in one stream: three sizes, each of which needs the smaller one at a keyframe alone. */
const LAYERS = 'L3T3_KEY';

/**
 * The encodings of a new line for a picture.
 * @param {Sending} want
 * @returns {RTCRtpEncodingParameters[]}
 */
export function newEncodings(want) {
  // A screen that is scaled down cannot be read.
  if (want.media.type === MediaType.SCREEN_SHARE) return encodings(want, 1);
  const scalabilityMode = isLayered(want.codec ?? '') ? LAYERS : SCALABILITY;
  const { width = 0, height = 0 } = want.track.getSettings();
  const most = width * height < AREA_OF_THREE ? 2 : 3;
  const high = SCALES.filter((scale) => height / scale >= MIN_HEIGHT).length;
  const count = scalabilityMode !== LAYERS && canBeAlone(want, 1) ? Math.min(high, most) : 1;
  return encodings(want, Math.max(count, 1)).map((encoding) => ({ ...encoding, scalabilityMode }));
}

/**
 * What the encodings of a line are to send at present.
 * @param {Sending} want
 * @param {number} count of the line's encodings
 * @returns {RTCRtpEncodingParameters[]}
 */
export function encodings(want, count) {
  const { media, wanted } = want;
  if (media.type === MediaType.SCREEN_SHARE || count === 1) return [only(want)];
  const scales = SCALES.slice(-count);
  const rids = RIDS.slice(-count);
  const height = want.track.getSettings().height;
  const largest = scaleFor(wanted, height, scales);
  const isOfUse = scales.map((scale, at) => {
    const isSmall = scale > 1 && (height ?? Infinity) / scale < MIN_HEIGHT;
    return scale >= largest && !isSmall && (want.rids?.includes(rids[at]) ?? true);
  });
  // What the server wants of the encodings may not know yet how small the pictures are shown.
  if (!isOfUse.includes(true)) isOfUse[scales.indexOf(largest)] = true;
  const [alone, ...more] = scales.filter((_, at) => isOfUse[at]);
  if (more.length === 0 && !canBeAlone(want, alone)) isOfUse[0] = true;
  return scales.map((scale, at) => ({
    rid: rids[at],
    active: wanted > 0 && isOfUse[at],
    scaleResolutionDownBy: scale,
    ...limits(want, scale),
  }));
}

/**
 * How much all encodings together take, in kbit/s.
 * @param {Sending} want
 */
export function totalKbps(want) {
  return newEncodings(want).reduce((sum, { maxBitrate = 0 }) => sum + maxBitrate / 1000, 0);
}

/**
 * Chromium makes a picture smaller when it is the only encoding of several that is sent, and gets fewer bits than
 * Chromium would begin with at its size. Nor does it send such a one beside others unless there are bits to spare.
 * @param {Sending} want
 * @param {number} scale
 */
function canBeAlone(want, scale) {
  const { width = 0, height = 0 } = want.track.getSettings();
  const area = (width * height) / scale ** 2;
  const enough = FIRST_KBPS.find((row) => area <= row.area)?.kbps ?? Infinity;
  return (want.kbps ?? Infinity) / scale ** BITS >= enough;
}

/**
 * The one encoding of a line that has no others: it becomes smaller instead.
 * @param {Sending} want
 * @returns {RTCRtpEncodingParameters}
 */
function only(want) {
  // Whoever shows a layered picture small gets its small layers.
  const isWhole = want.media.type === MediaType.SCREEN_SHARE || isLayered(want.codec ?? '');
  const scale = isWhole ? 1 : scaleFor(want.wanted, want.track.getSettings().height);
  return { active: want.wanted > 0, scaleResolutionDownBy: scale, ...limits(want, scale) };
}

/**
 * @param {Sending} want
 * @param {number} scale
 */
function limits({ kbps, frameRate }, scale) {
  return {
    ...(kbps ? { maxBitrate: (kbps * 1000) / scale ** BITS } : {}),
    ...(frameRate ? { maxFramerate: frameRate } : {}),
  };
}

/**
 * By how much a picture may be scaled down and still be as high as it is wanted, or nearly so.
 * @param {number} wanted
 * @param {number} [height] the height that it has, where that is known
 * @param {number[]} [scales] those that there are, the largest first
 */
export function scaleFor(wanted, height = 0, scales = SCALES) {
  return scales.find((scale) => height / scale >= wanted * NEARLY) ?? 1;
}
