/** @import { Choice } from './choice.js' */

/** How often the level is looked at, in ms. */
const LEVEL_INTERVAL = 80;

/**
 * One's own camera and microphone before the group: a picture in an element, and how loud one is.
 *
 * Each device is opened by itself, so that one that is missing or refused does not take the other one with it.
 */
export class Preview {
  /** Whether each is wanted, and why it cannot be had: a word of the page. */
  mic = { isOn: true, trouble: '' };
  cam = { isOn: true, trouble: '' };
  #video;
  #choice;
  #onChange;
  #onLevel;
  /** @type {Record<'mic' | 'cam', MediaStream | null>} */
  #streams = { mic: null, cam: null };
  #isOpen = false;
  /** Counts what was asked for: only the last answer counts. */
  #turns = { mic: 0, cam: 0 };
  #meter = new Meter();
  #timer = 0;

  /**
   * @param {HTMLVideoElement} video
   * @param {Choice} choice
   * @param {() => void} onChange
   * @param {(level: number) => void} onLevel from 0 to 1
   */
  constructor(video, choice, onChange, onLevel) {
    this.#video = video;
    this.#choice = choice;
    this.#onChange = onChange;
    this.#onLevel = onLevel;
    choice.addEventListener('choice', (event) => {
      const kind = /** @type {CustomEvent} */ (event).detail;
      if (kind === 'mic' || kind === 'cam') this.#reopen(kind);
    });
  }

  get hasPicture() {
    return this.#streams.cam !== null;
  }

  open() {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#timer = window.setInterval(() => this.#onLevel(this.#meter.level), LEVEL_INTERVAL);
    this.#reopen('cam');
    this.#reopen('mic');
  }

  /** Lets go of the devices: the group opens them itself, and some systems open a device once only. */
  close() {
    this.#isOpen = false;
    clearInterval(this.#timer);
    for (const kind of /** @type {const} */ (['mic', 'cam'])) this.#release(kind);
  }

  /** @param {'mic' | 'cam'} kind */
  toggle(kind) {
    this[kind].isOn = !this[kind].isOn;
    this.#reopen(kind);
  }

  /** @param {'mic' | 'cam'} kind */
  async #reopen(kind) {
    const turn = this.#release(kind);
    const state = this[kind];
    state.trouble = '';
    this.#onChange();
    if (!this.#isOpen || !state.isOn || !navigator.mediaDevices?.getUserMedia) return;
    try {
      const stream = await navigator.mediaDevices.getUserMedia(this.#constraints(kind));
      if (turn !== this.#turns[kind]) return stop(stream);
      this.#streams[kind] = stream;
      if (kind === 'cam') this.#video.srcObject = stream;
      else this.#meter.listen(stream);
    } catch (error) {
      if (turn !== this.#turns[kind]) return;
      state.isOn = false;
      state.trouble = troubleOf(kind, /** @type {DOMException} */ (error));
    }
    this.#choice.refresh();
    this.#onChange();
  }

  /** @param {'mic' | 'cam'} kind */
  #release(kind) {
    const stream = this.#streams[kind];
    if (stream) stop(stream);
    this.#streams[kind] = null;
    if (kind === 'cam') this.#video.srcObject = null;
    else this.#meter.listen(null);
    return (this.#turns[kind] += 1);
  }

  /** @param {'mic' | 'cam'} kind @returns {MediaStreamConstraints} */
  #constraints(kind) {
    const device = this.#choice.of(kind);
    const chosen = device ? { deviceId: { ideal: device } } : {};
    if (kind === 'mic') return { audio: chosen };
    return { video: { ...chosen, width: { ideal: 1280 }, height: { ideal: 720 } } };
  }
}

/** How loud a stream is. */
class Meter {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AnalyserNode | null} */
  #analyser = null;
  #samples = new Float32Array(512);

  /** @param {MediaStream | null} stream */
  listen(stream) {
    this.#context?.close();
    this.#context = this.#analyser = null;
    if (!stream) return;
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = this.#samples.length;
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
  }

  /** From 0 to 1, as ears judge it. */
  get level() {
    if (!this.#analyser) return 0;
    // A browser may hold sound back until the page was touched.
    if (this.#context?.state === 'suspended') this.#context.resume();
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length;
    return Math.min(Math.sqrt(Math.sqrt(power)) * 1.4, 1);
  }
}

/** @param {MediaStream} stream */
function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * @param {'mic' | 'cam'} kind
 * @param {DOMException} error
 */
function troubleOf(kind, { name }) {
  const suffix = kind === 'mic' ? 'Mic' : 'Cam';
  if (name === 'NotAllowedError' || name === 'SecurityError') return `refused${suffix}`;
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return `no${suffix}`;
  return `busy${suffix}`;
}
