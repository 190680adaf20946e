// Cameras and microphones that are switched, lost, plugged in and pulled out, and speakers that are chosen.
const [AUDIO, VIDEO] = [1, 2];
let plugged = await navigator.mediaDevices.enumerateDevices();
const ann = await member('ann', 'devices');
const ben = await member('ben', 'devices');
const shown = {};
ben.engine.on('onPublishMedia', ({ userId, mediaType, mediaId }) =>
  ben.engine.startReceiveMedia(userId, mediaType, mediaId),
);
ben.engine.on('onRemoteMediaAdd', ({ userId, mediaType, mediaId }) => {
  shown[mediaId] ??= newVideo();
  ben.engine.setMediaRender(userId, mediaType, mediaId, shown[mediaId]);
});
const offers = () => peers.reduce((sum, { offers }) => sum + (offers ?? 0), 0);
const setLocal = RTCPeerConnection.prototype.setLocalDescription;
Object.getPrototypeOf(RTCPeerConnection.prototype).setLocalDescription = function (description) {
  this.offers = (this.offers ?? 0) + 1;
  return setLocal.call(this, description);
};

// Several cameras at once, each under its own id.
ann.engine.startPublishMedia(VIDEO, 'red');
ann.engine.startPublishMedia(VIDEO, 'green');
const preview = newVideo();
ann.engine.setMediaRender('ann', VIDEO, 'red', preview);
await until('two cameras', () => shown.red && colourOf(shown.red) === 'red' && colourOf(shown.green) === 'green');

// Another device behind an id, and nobody is told.
await ann.engine.startPublishMedia(AUDIO, 'low');
await until('a voice', () => shown.appdef_mic?.srcObject);
const mediaEvents = () => ben.told.filter(([name]) => name.endsWith('Media') || name === 'onRemoteMediaAdd').length;
const before = [offers(), mediaEvents()];
await ann.engine.switchDevice(VIDEO, 'red', 'blue');
await ann.engine.switchDevice(AUDIO, null, 'high');
await until('the other camera', () => colourOf(shown.red) === 'blue' && colourOf(preview) === 'blue');
await until('the other microphone', async () => isAbout(await loudest(shown.appdef_mic.srcObject), 1200));
check('nothing was negotiated', offers() === before[0]);
check('nobody was told', mediaEvents() === before[1]);
const stateOf = (name) => opened.filter((device) => device.name === name).at(-1).track.readyState;
check('the first ones are off', stateOf('red') === 'ended' && stateOf('low') === 'ended' && stateOf('blue') === 'live');
const codes = [];
for (const switching of [
  [VIDEO, 'red', 'broken'],
  [VIDEO, 'nothing', 'red'],
  [0, null, 'red'],
]) {
  codes.push(await codeOf(ann.engine.switchDevice(...switching)));
}
check('one that cannot be opened changes nothing', colourOf(shown.red) === 'blue' && stateOf('blue') === 'live');

// A device is pulled out.
opened
  .filter(({ name }) => name === 'blue')
  .at(-1)
  .track.dispatchEvent(new Event('ended'));
await until('it is told', () => ben.last('onUnPublishMedia')?.mediaId === 'red' && ann.last('onError')?.code === 4);
check('the preview is empty', !preview.srcObject && colourOf(shown.green) === 'green');

// A speaker is chosen for what plays now and for what will, and pulled out.
const speakers = (await ann.engine.getMediaDevices()).spkDevs;
const speaker = speakers.at(-1).devId;
ben.engine.chooseSpkDevice(speaker);
await until('it plays there', () => shown.appdef_mic.sinkId === speaker);
const later = newVideo();
ben.engine.unsetMediaRender('ann', AUDIO, shown.appdef_mic);
ben.engine.setMediaRender('ann', AUDIO, 'appdef_mic', later);
await until('so does what came later', () => later.sinkId === speaker);
const plug = (devices) => {
  navigator.mediaDevices.enumerateDevices = async () => (plugged = devices);
  navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
};
plug(plugged.filter(({ deviceId }) => deviceId !== speaker));
await until('it plays elsewhere', () => later.sinkId === '');
const told = () => ben.last('onDeviceChange')?.spkDevs.map(({ devId }) => devId);
await until('the change is told', () => told()?.length === speakers.length - 1 && !told().includes(speaker));
ben.engine.chooseSpkDevice('no such device');
await until('a wrong one is told', () => ben.last('onError')?.code === 4);
for (const nothing of ['', null, undefined]) ben.engine.chooseSpkDevice(nothing);
for (const { engine } of [ann, ben]) engine.destroy();
return codes;
