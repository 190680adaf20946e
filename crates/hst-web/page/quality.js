/** @import { PictureStats } from '../sdk/hst-rtc-engine.js' */

/**
 * How good a picture looks, from 0 for none to 4. The pace counts most: a small picture in a small tile is sharp, but one
 * that stutters is seen to.
 * @param {PictureStats} stats
 */
export function levelOf({ height, frameRate, bitRate }) {
  if (height === 0 || bitRate === 0) return 0;
  const pace = frameRate >= 18 ? 4 : frameRate >= 12 ? 3 : frameRate >= 6 ? 2 : 1;
  return height >= 240 ? pace : Math.min(pace, 3);
}
