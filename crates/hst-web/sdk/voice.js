import { ErrorCode, HstRtcError } from './errors.js';
import { isNothing } from './ids.js';
import { besideScript } from './origin.js';

/** @typedef {import('./open.js').Source} Source */

/** The script that changes the pitch, and the name that it has in it. */
const WORKLET = 'hst-rtc-voice.js';
const PROCESSOR = 'hst-rtc-voice';
/** The most semitones up or down. */
const MAX_SHIFT = 12;
/** What a receiver may want to hear: what is sent, the original only, the altered voice only. */
const MODES = Object.freeze({ FOLLOW: 0, ORIGINAL: 1, ALTERED: 2 });

/**
 * One's own voice on its way from the microphone to the group. It is altered here, before it is sent, and nothing else
 * is sent: so everybody hears the same, and nobody can listen behind it.
 */
export class Voice {
  /** Called when the microphone runs without what alters it, which is needed now. */
  onNeed = () => {};
  #isOn = false;
  #semitones = 0;
  /** What alters the running microphone. @type {AudioWorkletNode | null} */
  #node = null;

  /** @param {unknown} isOn */
  setSwitch(isOn) {
    this.#isOn = !!isOn;
    this.#apply();
  }

  /** @param {unknown} semitones */
  setSemitones(semitones) {
    this.#semitones = checkWhole('the altered voice', semitones, -MAX_SHIFT, MAX_SHIFT);
    this.#apply();
  }

  /**
   * @param {Source} source an open microphone
   * @returns {Promise<Source>} the same, or what is made of it
   */
  async shape(source) {
    this.#node = null;
    return this.#shift === 0 ? source : this.#alter(source);
  }

  get #shift() {
    return this.#isOn ? this.#semitones : 0;
  }

  #apply() {
    const parameter = this.#node?.parameters.get('semitones');
    if (parameter) parameter.value = this.#shift;
    else if (this.#shift !== 0) this.onNeed();
  }

  /** @param {Source} source */
  async #alter(source) {
    const context = new AudioContext({ sampleRate: 48_000 });
    try {
      await context.audioWorklet.addModule(besideScript(WORKLET));
    } catch (cause) {
      source.stop();
      context.close();
      const advice = `is ${WORKLET} beside the script of the engine, and may the page load it?`;
      throw new HstRtcError(ErrorCode.OPERATION_FAILED, `the voice cannot be altered: ${advice}`, { cause });
    }
    const node = new AudioWorkletNode(context, PROCESSOR, { parameterData: { semitones: this.#shift } });
    const output = context.createMediaStreamDestination();
    output.channelCount = 1;
    context
      .createMediaStreamSource(new MediaStream([source.track]))
      .connect(node)
      .connect(output);
    // A page that captures a microphone may make sound.
    context.resume();
    this.#node = node;
    return source.through(output.stream.getAudioTracks()[0], () => context.close());
  }
}

/**
 * Throws for what a receiver may not want, or cannot get.
 * @param {unknown} mode as a number or a text
 */
export function checkRecvMode(mode) {
  if (checkWhole('the mode', mode, MODES.FOLLOW, MODES.ALTERED) !== MODES.ORIGINAL) return;
  const why = 'who alters his voice sends nothing else';
  throw new HstRtcError(ErrorCode.OPERATION_FAILED, `to hear the original only is not available: ${why}`);
}

/**
 * @param {string} what
 * @param {unknown} value
 * @param {number} least
 * @param {number} most
 */
function checkWhole(what, value, least, most) {
  const number = isNothing(value) ? NaN : Number(value);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, `${what} is a whole number from ${least} to ${most}`);
}
