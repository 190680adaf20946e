// A member who publishes a screen, a camera that flashes and a microphone that beeps at the same time, or one who notes when he sees and
// hears that.
const [userId, publishes] = args;
const engine = (window.engine = new HstRtcEngine());
const { AUDIO, VIDEO, SCREEN_SHARE } = engine.MediaType;
const [PERIOD, LENGTH] = [2000, 200];
const context = new AudioContext({ sampleRate: 48_000 });
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
const [WIDTH, HEIGHT] = [320, 180];
const paper = (width, height) => {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  return canvas.getContext('2d', { willReadFrequently: true });
};

const openDevices = () => {
  const output = context.createMediaStreamDestination();
  const gain = new GainNode(context, { gain: 0 });
  const oscillator = new OscillatorNode(context, { frequency: 880 });
  oscillator.connect(gain).connect(output);
  oscillator.start();
  const picture = paper(WIDTH, HEIGHT);
  let count = 0;
  setInterval(() => {
    const isOn = performance.now() % PERIOD < LENGTH;
    gain.gain.value = isOn ? 0.8 : 0;
    picture.fillStyle = isOn ? 'white' : 'black';
    picture.fillRect(0, 0, WIDTH, HEIGHT);
    // No two pictures are the same, or none would be sent.
    picture.fillStyle = `hsl(${(count += 7) % 360} 100% 50%)`;
    picture.fillRect(0, 0, 8, 8);
  }, 10);
  const camera = () => new MediaStream(picture.canvas.captureStream(30).getVideoTracks());
  navigator.mediaDevices.getUserMedia = async ({ audio }) => (audio ? output.stream.clone() : camera());
  navigator.mediaDevices.getDisplayMedia = async () => camera();
};

// What has pictures leave later than they were taken, by so many ms as it was told last.
const delay = `
  let delay = 0;
  onmessage = ({ data }) => (delay = data);
  onrtctransform = ({ transformer: { readable, writable } }) => {
    const transform = (frame, controller) => void setTimeout(() => controller.enqueue(frame), delay);
    readable.pipeThrough(new TransformStream({ transform })).pipeTo(writable);
  };`;
const delayer = publishes && new Worker(URL.createObjectURL(new Blob([delay], { type: 'text/javascript' })));
window.delayPictures = (ms) => delayer.postMessage(ms);

// When it flashed and when it beeped, in the page's time.
const [flashes, beeps] = [(window.flashes = []), (window.beeps = [])];
const note = (moments, at) => {
  if (!(at < moments.at(-1) + PERIOD / 2)) moments.push(at);
};

const look = (video) => {
  const pixel = paper(1, 1);
  const seen = (_, { expectedDisplayTime }) => {
    pixel.drawImage(video, WIDTH / 2, HEIGHT / 2, 8, 8, 0, 0, 1, 1);
    if (pixel.getImageData(0, 0, 1, 1).data[1] > 128) note(flashes, expectedDisplayTime);
    video.requestVideoFrameCallback(seen);
  };
  video.requestVideoFrameCallback(seen);
};

const listen = async (track) => {
  const script = `registerProcessor('ear', class extends AudioWorkletProcessor {
    process([[samples = []]]) {
      if (samples.some((it) => Math.abs(it) > 0.1)) this.port.postMessage(currentTime * 1000);
      return true;
    }
  });`;
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
  const ear = new AudioWorkletNode(context, 'ear');
  // The clock of sounds goes forward in steps: it is never ahead.
  let behind = Infinity;
  setInterval(() => (behind = Math.min(behind, performance.now() - context.currentTime * 1000)), 5);
  ear.port.onmessage = ({ data }) => note(beeps, data + behind);
  context.createMediaStreamSource(new MediaStream([track])).connect(ear);
};

// How much later than what was heard at the same time a picture was seen, in ms, the last ones.
window.apart = () => {
  const nearest = (at) => beeps.reduce((best, it) => (Math.abs(it - at) < Math.abs(best - at) ? it : best), Infinity);
  const all = flashes.map((at) => Math.round(at - nearest(at))).filter((it) => Math.abs(it) < PERIOD / 2);
  return all.slice(-3);
};

// How long after it was taken the last picture that flashed was seen, in ms; the publisher's page began at this time.
window.behind = (origin) => (performance.timeOrigin + flashes.at(-1) - origin) % PERIOD;

// What Chromium itself takes the distance of what it shows and what it plays to be, in ms.
window.estimated = async () => {
  const all = [...(await peers.at(-1).getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
  const of = (track) => all.find(({ trackIdentifier }) => trackIdentifier === track.id)?.estimatedPlayoutTimestamp;
  return of(got[VIDEO].track) - of(got[AUDIO].track);
};

// What has come, by its kind: a track, and the streams that it is of by the event and by the description.
window.got = {};
const mediaOf = (track) => {
  const { mid } = peers.at(-1).getTransceivers().find(({ receiver }) => receiver.track === track);
  const sections = peers.at(-1).remoteDescription.sdp.split('\r\nm=');
  return sections.find((it) => it.includes(`\r\na=mid:${mid}\r\n`))?.match(/\r\na=msid:(\S+)/)?.[1];
};
const streams = new Map();
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...values) {
    super(...values);
    this.addEventListener('track', ({ track, streams: of }) => streams.set(track, of.map(({ id }) => id)));
  }
  // Chromium takes one that is there before the first picture.
  addTransceiver(...values) {
    const transceiver = super.addTransceiver(...values);
    const isPicture = values[0] === 'video' || values[0].kind === 'video';
    if (publishes && isPicture) transceiver.sender.transform = new RTCRtpScriptTransform(delayer);
    return transceiver;
  }
};

engine.on('onPublishMedia', (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId));
engine.on('onRemoteMediaAdd', async ({ userId: from, mediaType, mediaId }) => {
  const element = document.createElement('video');
  Object.assign(element, { autoplay: true, playsInline: true });
  Object.assign(element.style, { width: `${WIDTH}px`, height: `${HEIGHT}px` });
  document.body.append(element);
  engine.setMediaRender(from, mediaType, mediaId, element);
  while (!element.srcObject?.getTracks().length) await pause();
  const [track] = element.srcObject.getTracks();
  got[mediaType] = { track, told: streams.get(track), described: mediaOf(track) };
  if (mediaType === VIDEO) look(element);
  if (mediaType === AUDIO) listen(track);
});

if (publishes) openDevices();
await engine.init();
await engine.login({ ...credentials, userId });
await engine.joinGroup('step');
if (publishes) {
  const kinds = [AUDIO, VIDEO, SCREEN_SHARE];
  await Promise.all(kinds.map((type) => engine.startPublishMedia(type, null)));
}
