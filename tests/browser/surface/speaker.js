// Two who hear each other by devices of one tone each: how loud they are, and who speaks.
const AUDIO = 1;
const ann = await member('ann', 'speaker');
const ben = await member('ben', 'speaker');
const [levels, speakers] = [[], []];
ben.engine.on('onAudioLevels', (all) => levels.push(all));
ben.engine.on('onActiveSpeaker', ({ userId }) => speakers.push(userId));
await pause(500);
check('nothing is told without a sound', levels.length + speakers.length === 0);

ann.engine.startPublishMedia(AUDIO, 'high');
await until('a microphone', () => ben.last('onPublishMedia'));
ben.engine.startReceiveMedia('ann', AUDIO, 'appdef_mic');
ben.engine.setMediaRender('ann', AUDIO, 'appdef_mic', newVideo());
await until('she speaks', () => speakers.at(-1) === 'ann');
const [loudest] = levels.at(-1);
check('it is her', loudest.userId === 'ann' && loudest.mediaId === 'appdef_mic');
const stats = await new Promise((told) =>
  ben.engine.getStreamStats({ userId: 'ann', mediaType: AUDIO, mediaId: 'appdef_mic' }, told, 200),
);
check(`a sound is about as loud as its figures say: ${loudest.volume}, ${stats.volume}`, Math.abs(loudest.volume - stats.volume) < 25);
const before = levels.length;
await pause(2_000);
const pace = (levels.length - before) / 2;
check(`about 5 times a second: ${pace}`, pace > 3 && pace <= 5);

// A microphone that says nothing, as one that is muted by its user.
ben.engine.startPublishMedia(AUDIO, 'low');
await until('his own', () => levels.at(-1).length === 2 && levels.at(-1).every(({ volume }) => volume > 30));
check('the loudest comes first', levels.every(([first, second]) => !second || first.volume >= second.volume));
check('who speaks as loud takes nobody’s turn', speakers.at(-1) === 'ann');
opened.find(({ name }) => name === 'high').track.enabled = false;
await until('he speaks', () => speakers.at(-1) === 'ben');
opened.find(({ name }) => name === 'low').track.enabled = false;
await until('nobody does', () => speakers.at(-1) === null);
opened.find(({ name }) => name === 'low').track.enabled = true;
await until('he does again', () => speakers.at(-1) === 'ben');
ben.engine.stopPublishMedia(AUDIO);
ben.engine.stopReceiveMedia('ann', AUDIO, 'appdef_mic');
await until('the last list is empty', () => levels.at(-1).length === 0);
const [told, spoke] = [levels.length, [...speakers]];

// Whoever does not listen pays nothing.
let asked = 0;
const { getStats } = RTCRtpSender.prototype;
RTCRtpSender.prototype.getStats = function () {
  asked += 1;
  return getStats.call(this);
};
await ben.engine.startPublishMedia(AUDIO, 'low');
await until('he is measured', () => asked > 0 && levels.length > told);
ben.engine.unsubEvent('onAudioLevels');
ben.engine.unsubEvent('onActiveSpeaker');
await pause(500);
asked = 0;
await pause(1_000);
check('nothing is measured for nobody', asked === 0);
ann.engine.destroy();
ben.engine.destroy();
return spoke;
