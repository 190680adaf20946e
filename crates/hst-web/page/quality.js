/** @import { PictureStats } from '../sdk/hst-rtc-engine.js' */

/**
 * How good a picture looks, from 0 for none to 4. The pace tells: its size follows the tile that it is in, and looks sharp
 * there.
 * @param {PictureStats} stats
 */
export function levelOf({ height, frameRate, bitRate }) {
  if (height === 0 || bitRate === 0) return 0;
  return frameRate >= 18 ? 4 : frameRate >= 12 ? 3 : frameRate >= 6 ? 2 : 1;
}
