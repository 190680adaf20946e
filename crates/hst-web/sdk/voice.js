import { ErrorCode, HstRtcError } from './errors.js';
import { isNothing } from './ids.js';
import { besideScript } from './origin.js';

/**
 * @typedef {object} Altered a voice and what is made of it
 * @property {MediaStreamTrack} input
 * @property {MediaStreamTrack} track
 * @property {MediaStreamTrack} silence what may be sent in the place of the input
 * @property {() => void} close
 */

/** The script that changes the pitch, and the name that it has in it. */
const WORKLET = 'hst-rtc-voice.js';
const PROCESSOR = 'hst-rtc-voice';
/** The most semitones up or down. */
const MAX_SHIFT = 12;
/** Which voice of somebody is heard: the one that he wants to be heard, the original only, the altered one only. */
export const RecvMode = Object.freeze({ FOLLOW: 0, ORIGINAL: 1, ALTERED: 2 });

/** What is to be done with voices: with one's own before it is sent, and which of others are heard. */
export class Voice {
  /** Called when one's own is to be sent in another way. */
  onSend = () => {};
  /** Called when others are to be heard in another way. */
  onHear = () => {};
  /** Which voices are heard, of `RecvMode`. @type {number} */
  mode = RecvMode.FOLLOW;
  #isOn = false;
  #isAlone = false;
  #semitones = 0;
  /** What alters the running microphone. @type {AudioWorkletNode | null} */
  #node = null;

  /**
   * @param {unknown} isOn
   * @param {unknown} isAlone whether the original is not sent then
   */
  setSwitch(isOn, isAlone) {
    this.#isOn = !!isOn;
    this.#isAlone = !!isAlone;
    this.#apply();
  }

  /** @param {unknown} semitones */
  setSemitones(semitones) {
    this.#semitones = checkWhole('the altered voice', isNothing(semitones) ? 0 : semitones, -MAX_SHIFT, MAX_SHIFT);
    this.#apply();
  }

  /** @param {unknown} mode as a number or a text */
  setMode(mode) {
    this.mode = checkWhole('the mode', isNothing(mode) ? RecvMode.FOLLOW : mode, RecvMode.FOLLOW, RecvMode.ALTERED);
    this.onHear();
  }

  /** Whether the altered voice is sent. */
  get isAltered() {
    return this.#shift !== 0;
  }

  /** Whether silence is sent in the place of the original. */
  get isHidden() {
    return this.isAltered && this.#isAlone;
  }

  /**
   * @param {MediaStreamTrack} input of the microphone, which stays as it is
   * @returns {Promise<Altered>}
   */
  async alter(input) {
    const context = new AudioContext({ sampleRate: 48_000 });
    try {
      await context.audioWorklet.addModule(besideScript(WORKLET));
    } catch (cause) {
      context.close();
      const advice = `is ${WORKLET} beside the script of the engine, and may the page load it?`;
      throw new HstRtcError(ErrorCode.OPERATION_FAILED, `the voice cannot be altered: ${advice}`, { cause });
    }
    const node = new AudioWorkletNode(context, PROCESSOR, { parameterData: { semitones: this.#shift } });
    const altered = new MediaStreamAudioDestinationNode(context, MONO);
    const silence = new MediaStreamAudioDestinationNode(context, MONO);
    const source = context.createMediaStreamSource(new MediaStream([input]));
    source.connect(node).connect(altered);
    // What nothing goes into sends nothing, and whoever receives it would wait for it.
    source.connect(new GainNode(context, { gain: 0 })).connect(silence);
    // A page that captures a microphone may make sound.
    context.resume();
    this.#node = node;
    const [track, nothing] = [altered, silence].map(({ stream }) => stream.getAudioTracks()[0]);
    return { input, track, silence: nothing, close: () => context.close() };
  }

  get #shift() {
    return this.#isOn ? this.#semitones : 0;
  }

  #apply() {
    const parameter = this.#node?.parameters.get('semitones');
    if (parameter && this.isAltered) parameter.value = this.#shift;
    this.onSend();
  }
}

const MONO = { channelCount: 1 };

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
