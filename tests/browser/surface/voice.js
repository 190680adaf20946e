// A voice of 440 Hz, altered in many ways while it is published, and what the other ones hear of it, in Hz.
const AUDIO = 1;
const ann = await member('ann', 'voice');
const ben = await member('ben', 'voice');
await ann.engine.startPublishMedia(AUDIO, 'low');
await until('it is told', () => ben.last('onPublishMedia'));
await ben.engine.startReceiveMedia('ann', AUDIO, 'appdef_mic');
const element = newVideo();
ben.engine.setMediaRender('ann', AUDIO, 'appdef_mic', element);
await until('a voice', () => element.srcObject);
const [before] = [ben.told.length];
const isHeard = async (frequency) => element.srcObject && isAbout(await loudest(element.srcObject), frequency);
const hears = (frequency) => until(`${frequency} Hz`, () => isHeard(frequency));

await hears(440);
ann.engine.setSendMagicAudioValue(12);
await pause(300);
await hears(440);
ann.engine.setMagicAudioSwitch(true);
await hears(880);
ann.engine.setSendMagicAudioValue('-12');
await hears(220);
ann.engine.setSendMagicAudioValue(0);
await hears(440);
ann.engine.setSendMagicAudioValue(7);
await hears(440 * 2 ** (7 / 12));
await ann.engine.switchDevice(AUDIO, null, 'high');
await hears(1200 * 2 ** (7 / 12));

// The original, whatever she does to it, and then the altered voice only.
ben.engine.setRecvMagicAudioMode('1');
await hears(1200);
ben.engine.setRecvMagicAudioMode(2);
await hears(1200 * 2 ** (7 / 12));
ann.engine.setMagicAudioSwitch(false);
const isSilent = async () => !(await heard([element]))[0];
await until('silence of who alters nothing', isSilent);
ann.engine.setMagicAudioSwitch(true);
await hears(1200 * 2 ** (7 / 12));

// Nothing is behind the altered voice when she says so.
ann.engine.setMagicAudioSwitch(true, { only: true });
await hears(1200 * 2 ** (7 / 12));
ben.engine.setRecvMagicAudioMode(1);
await until('silence of who hides the original', isSilent);
ann.engine.setMagicAudioSwitch(false);
await hears(1200);
ben.engine.setRecvMagicAudioMode(0);
await hears(1200);
check('the other one is told nothing', ben.told.length === before);
ann.engine.stopPublishMedia(AUDIO);
await until('it ends', () => ben.last('onUnPublishMedia'));
check(
  'microphones are off',
  opened.every(({ track }) => track.readyState === 'ended'),
);
// Altered from the beginning.
ann.engine.setMagicAudioSwitch(true);
await ann.engine.startPublishMedia(AUDIO, 'low');
await ben.engine.startReceiveMedia('ann', AUDIO, 'appdef_mic');
await until('a voice', () => element.srcObject);
await hears(440 * 2 ** (7 / 12));

const errors = () => ann.told.filter(([name]) => name === 'onError').map(([, { code }]) => code);
check('no fault so far', errors().length === 0);
// Who comes to one who hides her voice has no moment of it, and is told of one microphone.
ann.engine.stopPublishMedia(AUDIO);
await until('it ends', () => ben.told.filter(([name]) => name === 'onUnPublishMedia').length === 2);
ben.engine.setRecvMagicAudioMode(1);
ann.engine.setMagicAudioSwitch(true, { only: true });
await ann.engine.startPublishMedia(AUDIO, 'low');
await ben.engine.startReceiveMedia('ann', AUDIO, 'appdef_mic');
await until('her silence', () => element.srcObject?.getAudioTracks().length);
check('nothing of it is heard', await isSilent());
ben.engine.setRecvMagicAudioMode(0);
await hears(440 * 2 ** (7 / 12));
const media = ben.told.filter(([name]) => name.endsWith('ishMedia')).map(([, { mediaId }]) => mediaId);
check('there is one microphone', new Set(media).size === 1);

for (const value of [13, -13, 1.5, 'x', null]) ann.engine.setSendMagicAudioValue(value);
for (const mode of [0, 2, '0', '2', 1, '1', 3, null]) ann.engine.setRecvMagicAudioMode(mode);
await pause(100);
for (const { engine } of [ann, ben]) engine.destroy();
return errors();
