// A member of a call: publishes microphone and camera, and shows and plays what the others publish.
const [userId, group] = args;
const engine = (window.engine = new HstRtcEngine());
const { AUDIO, VIDEO } = engine.MediaType;
const played = [];

engine.on('onPublishMedia', (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId));
engine.on('onRemoteMediaAdd', (media) => {
  const element = document.createElement(media.mediaType === AUDIO ? 'audio' : 'video');
  element.autoplay = true;
  document.body.append(element);
  engine.setMediaRender(media.userId, media.mediaType, media.mediaId, element);
  played.push({ ...media, element });
});

// What each media has brought so far, by its user and kind: video frames, or the energy of the sound and its seconds.
window.figures = async () => {
  const stats = [...(await peers.at(-1).getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
  const figureOf = ({ userId, mediaType, element }) => {
    const kind = mediaType === AUDIO ? 'audio' : 'video';
    const track = element.srcObject?.getTracks().find((track) => track.kind === kind);
    const line = stats.find(({ trackIdentifier }) => trackIdentifier === track?.id);
    const isHeard = !element.muted && !element.paused;
    return [
      `${userId} ${kind}`,
      {
        frames: line?.framesDecoded ?? 0,
        energy: isHeard ? (line?.totalAudioEnergy ?? 0) : 0,
        seconds: line?.totalSamplesDuration ?? 0,
      },
    ];
  };
  return Object.fromEntries(played.map(figureOf));
};

await engine.init();
await engine.login({ ...credentials, userId });
await engine.joinGroup(group);
await Promise.all([
  engine.startPublishMedia(AUDIO, null),
  engine.startPublishMedia(VIDEO, null, { width: 320, height: 180, frameRate: 15 }),
]);
