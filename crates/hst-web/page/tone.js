/** Soft tones, made on the spot: the page brings no sound files. */

/** Each note in Hz, when it begins, and how long it sounds, in s. @typedef {[number, number, number]} Note */

/** @type {Note[]} */
const RING = [
  [659, 0, 0.5],
  [880, 0.22, 0.7],
  [659, 1.1, 0.5],
  [880, 1.32, 0.7],
];
const RING_EVERY = 3_600;
/** @type {Note[]} */
const CHIME = [
  [523, 0, 0.35],
  [784, 0.18, 0.5],
];
const LOUDNESS = 0.12;

/**
 * Rings until it is told to stop. A browser that lets no sound out before the page was touched rings in silence.
 * @param {string | null} speaker
 * @returns {() => void} ends it
 */
export function ring(speaker) {
  const context = open(speaker);
  const sound = () => play(context, RING);
  sound();
  const timer = setInterval(sound, RING_EVERY);
  return () => {
    clearInterval(timer);
    context.close();
  };
}

/** Lets a speaker be heard once. @param {string | null} speaker */
export function chime(speaker) {
  const context = open(speaker);
  play(context, CHIME);
  setTimeout(() => context.close(), 1_500);
}

/** @param {string | null} speaker */
function open(speaker) {
  const context = new AudioContext();
  // Not every browser lets a page choose.
  if (speaker) /** @type {any} */ (context).setSinkId?.(speaker).catch(() => {});
  return context;
}

/**
 * @param {AudioContext} context
 * @param {Note[]} notes
 */
function play(context, notes) {
  for (const [pitch, after, length] of notes) {
    const from = context.currentTime + after;
    const oscillator = new OscillatorNode(context, { frequency: pitch });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(LOUDNESS, from + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.0001, from + length);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(from);
    oscillator.stop(from + length);
  }
}
