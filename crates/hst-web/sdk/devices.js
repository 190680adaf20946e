/** @import { Devices } from './types.js' */

/**
 * Microphones, speakers and cameras. Browsers give names and ids only to pages that may use the devices, so this asks
 * the user when he has not been asked yet. Where a page may use none at all, the lists are empty.
 * @returns {Promise<Devices>}
 */
export async function listDevices() {
  if (!navigator.mediaDevices?.enumerateDevices) return { micDevs: [], spkDevs: [], camDevs: [] };
  let devices = await navigator.mediaDevices.enumerateDevices();
  if (await askFor(devices)) devices = await navigator.mediaDevices.enumerateDevices();
  return sort(devices);
}

/**
 * Tells what there is whenever a device is plugged in or pulled out, without asking the user for anything.
 * @param {(devices: Devices) => void} onChange
 * @returns {() => void} ends it
 */
export function watchDevices(onChange) {
  const { mediaDevices } = navigator;
  const tell = async () => onChange(sort(await mediaDevices.enumerateDevices()));
  mediaDevices?.addEventListener?.('devicechange', tell);
  return () => mediaDevices?.removeEventListener?.('devicechange', tell);
}

/**
 * @param {MediaDeviceInfo[]} devices
 * @returns {Devices}
 */
function sort(devices) {
  /** @param {MediaDeviceKind} kind */
  const list = (kind) =>
    devices
      .filter((device) => device.kind === kind && device.deviceId !== '')
      .map(({ label, deviceId }) => ({ devName: label, devId: deviceId }));
  return { micDevs: list('audioinput'), spkDevs: list('audiooutput'), camDevs: list('videoinput') };
}

/**
 * Asks for what is there and still has no name; whether the user said yes to any.
 * @param {MediaDeviceInfo[]} devices
 */
async function askFor(devices) {
  /** @param {MediaDeviceKind} kind */
  const isUnnamed = (kind) => devices.some((device) => device.kind === kind && device.label === '');
  const audio = isUnnamed('audioinput');
  const video = isUnnamed('videoinput');
  if (!audio && !video) return false;
  if (await isGranted({ audio, video })) return true;
  if (!audio || !video) return false;
  // One of them is busy or forbidden: the other may still be had.
  const answers = [await isGranted({ audio }), await isGranted({ video })];
  return answers.includes(true);
}

/** @param {MediaStreamConstraints} constraints */
async function isGranted(constraints) {
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    for (const track of stream.getTracks()) track.stop();
    return true;
  } catch {
    return false;
  }
}
