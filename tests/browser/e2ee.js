// A member of a group that is encrypted, under a key or by an exchange of keys, or, without one, of a group that he takes
// for an open one. He publishes a camera, of 640×480 unless the test says otherwise, and a microphone, or shows and plays
// what others publish.
const [userId, key, publishes, picture] = args;
const [AUDIO, VIDEO] = [1, 2];
const engine = (window.engine = new HstRtcEngine());
const video = (window.video = document.createElement('video'));
Object.assign(video, { autoplay: true, playsInline: true });
Object.assign(video.style, { width: '640px', height: '480px' });
document.body.append(video);

engine.on('onPublishMedia', (media) => engine.startReceiveMedia(media.userId, media.mediaType, media.mediaId));
engine.on('onRemoteMediaAdd', (media) => engine.setMediaRender(media.userId, media.mediaType, media.mediaId, video));
window.messages = [];
engine.on('onRecvGroupMsg', (message) => messages.push(message));
// Whether the sound and the picture can be decrypted, by their types.
window.decrypted = {};
engine.on('onSafetyNumber', ({ safetyNumber }) => (window.safety = safetyNumber));
engine.on('onMediaDecryption', ({ mediaType, decrypted }) => (window.decrypted[mediaType] = decrypted));
window.can = (sound, picture) => decrypted[AUDIO] === sound && decrypted[VIDEO] === picture;

// What has come and what was made of it so far.
window.figures = async () => {
  const all = [...(await peers.at(-1).getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
  const sum = (kind, figure) => all.reduce((sum, entry) => sum + (entry.kind === kind ? (entry[figure] ?? 0) : 0), 0);
  return {
    packets: Math.min(sum('audio', 'packetsReceived'), sum('video', 'packetsReceived')),
    pictures: sum('video', 'framesDecoded'),
    energy: sum('audio', 'totalAudioEnergy'),
  };
};
setInterval(async () => (window.now = await figures()), 100);
// So much more has come, was seen, was heard since the mark was set.
window.mark = async () => (window.before = await figures());
window.more = (what, least) => now[what] - before[what] > least;

await engine.init();
await engine.login({ ...credentials, userId });
if (key) await engine.setEncryptionKey(key);
await engine.joinGroup('secret');
if (publishes) await Promise.all([AUDIO, VIDEO].map((type) => engine.startPublishMedia(type, null, picture)));
