// Devices by hand: cameras of one colour each, microphones of one tone each, and a screen with a sound of its own.
// The browser lets a page choose speakers that may use a microphone.
const real = await navigator.mediaDevices.getUserMedia({ audio: true });
for (const track of real.getTracks()) track.stop();

const context = new AudioContext({ sampleRate: 48_000 });

const camera = (colour) => {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: 320, height: 180 });
  const paper = canvas.getContext('2d');
  let count = 0;
  const paint = () => {
    paper.fillStyle = colour;
    paper.fillRect(0, 0, 320, 180);
    // No two pictures are the same, or none would be sent.
    paper.fillStyle = `hsl(${(count += 7) % 360} 100% 50%)`;
    paper.fillRect(0, 0, 8, 8);
  };
  paint();
  setInterval(paint, 50);
  return canvas.captureStream(20).getVideoTracks()[0];
};

const tone = (frequency) => {
  const output = context.createMediaStreamDestination();
  const oscillator = new OscillatorNode(context, { frequency });
  oscillator.connect(new GainNode(context, { gain: 0.5 })).connect(output);
  oscillator.start();
  return output.stream.getAudioTracks()[0];
};

const CAMERAS = { red: 'rgb(255, 0, 0)', green: 'rgb(0, 255, 0)', blue: 'rgb(0, 0, 255)' };
const TONES = { low: 440, high: 1200 };
window.opened = [];
const keep = (name, track) => {
  opened.push({ name, track });
  return track;
};

navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
  const name = (audio || video).deviceId?.ideal ?? (audio ? 'low' : 'red');
  if (name === 'broken') throw new DOMException('it is broken', 'NotReadableError');
  return new MediaStream([keep(name, audio ? tone(TONES[name]) : camera(CAMERAS[name]))]);
};
navigator.mediaDevices.getDisplayMedia = async () =>
  new MediaStream([keep('screen', camera(CAMERAS.blue)), keep('sound', tone(800))]);

// What an element shows in its middle: `red`, `green` or `blue`.
window.colourOf = (video) => {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: 1, height: 1 });
  const paper = canvas.getContext('2d');
  if (!video.videoWidth) return null;
  paper.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 8, 8, 0, 0, 1, 1);
  const [red, green, blue] = paper.getImageData(0, 0, 1, 1).data;
  return red > 128 ? 'red' : green > 128 ? 'green' : blue > 128 ? 'blue' : 'none';
};

window.isAbout = (frequency, wanted) => Math.abs(frequency / wanted - 1) < 0.03;
