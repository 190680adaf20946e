import assert from 'node:assert/strict';
import { test } from 'node:test';

const RATE = 48_000;
const TONE = 440;
/** A block of the audio thread. */
const BLOCK = 128;

const processors = {};
Object.assign(globalThis, {
  sampleRate: RATE,
  AudioWorkletProcessor: class {},
  registerProcessor: (name, processor) => (processors[name] = processor),
});
const { PitchShifter } = await import('../../sdk/worklet/voice.js');

/** A second of a tone that was shifted, without its beginning. */
function shifted(semitones) {
  const shifter = new PitchShifter(RATE);
  const output = new Float32Array(2 * RATE);
  for (let at = 0; at < output.length; at += BLOCK) {
    const input = Float32Array.from({ length: BLOCK }, (_, index) =>
      Math.sin((2 * Math.PI * TONE * (at + index)) / RATE),
    );
    shifter.process(input, output.subarray(at, at + BLOCK), semitones);
  }
  return output.subarray(RATE);
}

/** How strong a frequency is in a second of sound (Goertzel). */
function power(sound, frequency) {
  const factor = 2 * Math.cos((2 * Math.PI * frequency) / RATE);
  let [before, last] = [0, 0];
  for (const sample of sound) [before, last] = [last, sample + factor * last - before];
  return last * last + before * before - factor * last * before;
}

function loudest(sound) {
  let best = { frequency: 0, power: 0 };
  for (let frequency = 100; frequency < 1200; frequency += 1) {
    const found = power(sound, frequency);
    if (found > best.power) best = { frequency, power: found };
  }
  return best.frequency;
}

test('a tone comes out as many semitones higher or lower as is asked for', () => {
  for (const semitones of [-12, -7, -3, 0, 4, 7, 12]) {
    const wanted = TONE * 2 ** (semitones / 12);
    const error = 12 * Math.log2(loudest(shifted(semitones)) / wanted);
    assert.ok(Math.abs(error) < 0.5, `${semitones} semitones are off by ${error.toFixed(2)}`);
  }
});

test('the loudness stays, and 0 changes nothing', () => {
  const energy = (sound) => sound.reduce((sum, sample) => sum + sample * sample, 0) / sound.length;
  for (const semitones of [-12, -5, 5, 12]) {
    const found = energy(shifted(semitones));
    assert.ok(found > 0.1 && found < 0.6, `${semitones} semitones have ${found}, and the tone 0.5`);
  }
  const plain = shifted(0);
  assert.ok(plain.every((sample, at) => Math.abs(sample - Math.sin((2 * Math.PI * TONE * (at + RATE)) / RATE)) < 1e-4));
});

test('a microphone without a sound, or with several channels, is no fault', () => {
  const processor = new processors['hst-rtc-voice']();
  const block = () => new Float32Array(BLOCK);
  assert.equal(processor.process([[]], [[block()]], { semitones: [3] }), true);
  const [left, right] = [block(), block()];
  processor.process([[block().fill(0.5), block()]], [[left, right]], { semitones: [0] });
  assert.deepEqual([left[5], right[5]], [0.5, 0.5]);
});
