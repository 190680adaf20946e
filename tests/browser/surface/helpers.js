// What the applications of these tests look and listen with.
window.pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Waits for something, and names it when it never comes.
window.until = async (what, condition) => {
  for (let end = performance.now() + 20_000; performance.now() < end; await pause(50)) {
    const found = await condition();
    if (found) return found;
  }
  throw new Error(`never came: ${what}`);
};

window.check = (what, isSo) => {
  if (!isSo) throw new Error(`not so: ${what}`);
};

window.newVideo = () => {
  const video = document.createElement('video');
  Object.assign(video, { autoplay: true, playsInline: true });
  document.body.append(video);
  return video;
};

window.isMoving = (video) => video.getVideoPlaybackQuality().totalVideoFrames > 3;

const audio = new AudioContext({ sampleRate: 48_000 });
const FFT = 16_384;

// Listens to what a stream carries.
const listen = (stream) => {
  const analyser = new AnalyserNode(audio, { fftSize: FFT, smoothingTimeConstant: 0 });
  const source = audio.createMediaStreamSource(stream);
  source.connect(analyser);
  return { analyser, end: () => source.disconnect() };
};

// Which of some elements are heard: those that play, are not muted, and whose stream is not silent for a second. The
// microphone of the browser beeps more often than that.
window.heard = async (elements) => {
  const plays = (element) => !element.muted && !element.paused && element.srcObject?.getAudioTracks().length > 0;
  const meters = elements.map((element) => plays(element) && listen(element.srcObject));
  const samples = new Float32Array(FFT);
  const isHeard = elements.map(() => false);
  for (let round = 0; round < 4; round += 1) {
    await pause(300);
    for (const [index, meter] of meters.entries()) {
      if (!meter) continue;
      meter.analyser.getFloatTimeDomainData(samples);
      isHeard[index] ||= samples.some((sample) => Math.abs(sample) > 0.01);
    }
  }
  for (const meter of meters) meter && meter.end();
  return isHeard;
};

// The loudest frequency of a stream, in Hz.
window.loudest = async (stream) => {
  const { analyser, end } = listen(stream);
  await pause(700);
  const powers = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(powers);
  end();
  return (powers.indexOf(Math.max(...powers)) * 48_000) / FFT;
};

// An engine that keeps what it tells, and is in a group when asked to be.
window.member = async (userId, groupId) => {
  const engine = new HstRtcEngine();
  const told = [];
  for (const name of EVENTS) engine.on(name, (what) => told.push([name, what]));
  await engine.init();
  await engine.login({ ...credentials, userId, extendInfo: userId });
  if (groupId) await engine.joinGroup(groupId);
  const last = (name) => told.filter(([other]) => other === name).at(-1)?.[1];
  return { engine, told, last, userId };
};

const EVENTS = [
  'onPublishMedia',
  'onUnPublishMedia',
  'onRemoteMediaAdd',
  'onScreenShareStopped',
  'onDeviceChange',
  'onError',
  'onIncommingCall',
  'onCancelCall',
  'onFinishCall',
  'onCallFinished',
  'onCallRelease',
  'onCallResult',
  'onCommingInvite',
  'onInviteReply',
  'onRecvUserMsg',
  'onWebSocketClosed',
];
