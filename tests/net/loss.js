// A member of a group: publishes a camera and a microphone, or shows and plays what others publish.
const [userId, publishes] = args;
const engine = (window.engine = new HstRtcEngine());
const { AUDIO, VIDEO } = engine.MediaType;
const video = document.createElement('video');
Object.assign(video, { autoplay: true, playsInline: true });
Object.assign(video.style, { width: '640px', height: '480px' });
document.body.append(video);

engine.on('onPublishMedia', (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId));
engine.on('onRemoteMediaAdd', (media) => engine.setMediaRender(media.userId, media.mediaType, media.mediaId, video));

// For how long the picture has stood still at the most since the mark, in ms, as it is shown.
let [last, longest] = [performance.now(), 0];
video.requestVideoFrameCallback(function shown(now) {
  longest = Math.max(longest, now - last);
  last = now;
  video.requestVideoFrameCallback(shown);
});
window.mark = () => (longest = 0);

// What has come so far: of the sound how much there was and how much of that was made up, in samples; of the picture the
// frames, how often it froze and for how long in all and at once, in s.
window.figures = async () => {
  const lines = [...(await peers.at(-1).getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
  const of = (kind) => lines.find((line) => line.kind === kind) ?? {};
  const [sound, picture] = [of('audio'), of('video')];
  return {
    samples: sound.totalSamplesReceived ?? 0,
    concealed: sound.concealedSamples ?? 0,
    packets: (sound.packetsReceived ?? 0) + (picture.packetsReceived ?? 0),
    frames: picture.framesDecoded ?? 0,
    freezes: picture.freezeCount ?? 0,
    frozen: picture.totalFreezesDuration ?? 0,
    longest: Math.max(longest, performance.now() - last) / 1000,
    height: picture.frameHeight ?? 0,
  };
};
setInterval(async () => peers.length > 0 && (window.now = await figures()), 100);

await engine.init();
await engine.login({ ...credentials, userId });
await engine.joinGroup('loss');
if (publishes) await Promise.all([AUDIO, VIDEO].map((type) => engine.startPublishMedia(type, null)));
