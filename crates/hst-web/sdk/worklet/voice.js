// Runs in the audio thread of a page whose voice is altered; the engine loads it when it is needed.

/** How long one grain is, in seconds: long enough for the deepest voice, and short enough for clear consonants. */
const GRAIN = 0.05;

/**
 * Changes the pitch of a sound and not its pace: two grains, half a grain apart, are read out of the recent past
 * faster or slower than it was recorded, and faded into each other before either runs out of it.
 */
export class PitchShifter {
  #past;
  #grain;
  #at = 0;
  /** How far the first grain has gone, from 0 to 1. */
  #phase = 0;

  /** @param {number} sampleRate */
  constructor(sampleRate) {
    this.#grain = Math.round(sampleRate * GRAIN);
    this.#past = new Float32Array(this.#grain + 2);
  }

  /**
   * @param {Float32Array} input
   * @param {Float32Array} output of the same length
   * @param {number} semitones up, or down below 0
   */
  process(input, output, semitones) {
    const drift = (2 ** (semitones / 12) - 1) / this.#grain;
    for (let index = 0; index < input.length; index += 1) {
      this.#past[this.#at] = input[index];
      output[index] = semitones === 0 ? input[index] : this.#grainAt(this.#phase) + this.#grainAt(this.#phase + 0.5);
      this.#at = (this.#at + 1) % this.#past.length;
      this.#phase = (this.#phase + drift + 1) % 1;
    }
  }

  /** A sample of the grain that has gone so far: the further, the nearer to the present. */
  #grainAt(phase) {
    const gone = phase % 1;
    const delay = (1 - gone) * this.#grain;
    const whole = Math.floor(delay);
    const before = this.#past[this.#index(whole + 1)];
    const after = this.#past[this.#index(whole)];
    const sample = after + (before - after) * (delay - whole);
    return sample * Math.sin(Math.PI * gone) ** 2;
  }

  #index(delay) {
    return (this.#at - delay + 2 * this.#past.length) % this.#past.length;
  }
}

registerProcessor(
  'hst-rtc-voice',
  class extends AudioWorkletProcessor {
    static get parameterDescriptors() {
      return [{ name: 'semitones', defaultValue: 0, minValue: -12, maxValue: 12, automationRate: 'k-rate' }];
    }

    #shifter = new PitchShifter(sampleRate);

    process([[input]], [outputs], { semitones: [semitones] }) {
      if (!input) return true;
      this.#shifter.process(input, outputs[0], semitones);
      for (const other of outputs.slice(1)) other.set(outputs[0]);
      return true;
    }
  },
);
