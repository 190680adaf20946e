/** @type {WakeLockSentinel | null} */
let lock = null;
let isWanted = false;

/** Whether the screen stays on: nobody touches a phone while he listens. @param {boolean} wanted */
export async function keepAwake(wanted) {
  isWanted = wanted;
  lock?.release();
  lock = null;
  if (!wanted || document.hidden) return;
  try {
    lock = await navigator.wakeLock.request('screen');
    if (!isWanted) lock.release();
  } catch {
    // Not every browser can, and none has to.
  }
}

// The browser takes it away from a page that is not seen.
document.addEventListener('visibilitychange', () => isWanted && !document.hidden && keepAwake(true));
