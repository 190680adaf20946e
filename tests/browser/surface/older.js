// An application of the older calls, as those of the platform are written: a panel for each stream, which is rendered
// once whatever it carries, and figures that are looked at every second.
const [SCREEN_SHARE, AUDIO, VIDEO] = [0, 1, 2];

class Meeting {
  engine = new HstRtcEngine();
  told = [];
  streams = new Map();
  screen = newVideo();
  preview = newVideo();

  constructor(userId) {
    this.userId = userId;
    const { engine } = this;
    const events = {
      onWebSocketClosed: () => {},
      onPublishMedia: (media) => this.receive('start', media),
      onUnPublishMedia: (media) => this.remove(media),
      onRecvUserMsg: () => {},
      onRecvGroupMsg: () => {},
      onOnlineUserState: () => {},
      onRemoteMediaAdd: (media) => this.add(media),
      onGroupUserList: () => {},
      onUserJoinGroup: () => {},
      onUserLeaveGroup: () => {},
      onCommingInvite: ({ seqId, groupId }) => engine.replyInvite({ seqId, groupId, operation: 1, extendInfo: '' }),
      onInviteReply: ({ result }) => (this.reply = result),
      onUserForceLogout: () => {},
      onKickOut: () => {},
    };
    for (const [name, handle] of Object.entries(events)) {
      engine.on(name, (what) => {
        this.told.push(name);
        handle(what);
      });
    }
  }

  async enter(groupId, address) {
    const { engine, userId } = this;
    await engine.init(address);
    this.devices = await engine.getMediaDevices();
    engine.chooseSpkDevice(this.devices.spkDevs[0]?.devId);
    await engine.login({ ...credentials, companyId: '', userId, forceLogin: true, extendInfo: userId });
    await engine.getOnlineUsers();
    await engine.joinGroup(groupId);
  }

  publish() {
    const { engine } = this;
    const [mic, cam] = [this.devices.micDevs[0].devId, this.devices.camDevs[0].devId];
    this.ownMedia = { [AUDIO]: mic, [VIDEO]: cam };
    const returned = [
      engine.chooseMicDevice(mic),
      engine.startPublishAudio(),
      engine.startPublishVideo(cam, { width: 320, height: 180, frameRate: 15, bitRate: 0 }),
      engine.setLocalVideoRender(this.preview, cam),
    ];
    check(
      'they return nothing',
      returned.every((value) => value === undefined),
    );
  }

  receive(verb, { userId, mediaType, mediaId }) {
    const what = ['ScreenShare', 'RemoteAudio', 'RemoteVideo'][mediaType];
    return this.engine[`${verb}Receive${what}`](userId, mediaId);
  }

  add({ userId, mediaType, mediaId, streamId }) {
    const { engine, streams } = this;
    if (mediaType === SCREEN_SHARE) {
      engine.setRemoteScreenShareRender(this.screen, userId, mediaId);
      return;
    }
    const stream = streams.get(streamId) ?? { userId, media: new Map(), video: newVideo(), times: 0 };
    streams.set(streamId, stream);
    stream.media.set(mediaType, mediaId);
    if (stream.times++ === 0) engine.setStreamRender(stream.video, streamId);
  }

  remove(media) {
    this.receive('stop', media).then(() => {
      if (media.mediaType === SCREEN_SHARE) {
        // Not every application finds the element itself.
        this.engine.unsetScreenShareRender({ panel: this.screen });
        this.engine.unsetScreenShareRender(this.screen);
      }
      for (const [streamId, { userId, media: there, video }] of this.streams) {
        if (userId !== media.userId || there.get(media.mediaType) !== media.mediaId) continue;
        there.delete(media.mediaType);
        if (there.size > 0) continue;
        this.engine.unsetStreamRender(video, streamId);
        this.streams.delete(streamId);
      }
    });
  }

  figures(userId, mediaType, mediaId) {
    return this.engine.getStats({ userId, mediaType, mediaId });
  }
}

const [ann, ben] = [new Meeting('ann'), new Meeting('ben')];
await ann.enter('old', null);
await ben.enter('old', location.origin);
ann.publish();
ben.publish();
for (const [me, other] of [
  [ann, 'ben'],
  [ben, 'ann'],
]) {
  await until('a preview', () => isMoving(me.preview));
  const stream = await until('both media of one stream', () =>
    [...me.streams.values()].find(({ media }) => media.size === 2),
  );
  check('a user has one stream', me.streams.size === 1 && stream.times === 2);
  await until('a picture', () => isMoving(stream.video));
  check('a sound', (await heard([stream.video]))[0]);
  for (const [type, id] of stream.media) {
    const kind = type === AUDIO ? 'audio' : 'video';
    const grown = await until('figures', () => {
      const figures = me.figures(other, type, id);
      return figures?.[kind].bitRate > 0 && figures;
    });
    check('they are whole numbers', Number.isInteger(grown[kind].bitRate) && grown[kind].totalBytes > 0);
    if (type === VIDEO) check('a size', grown.video.width > 0 && grown.video.height > 0 && grown.video.frameRate >= 0);
  }
  await until('own figures', () => me.figures(me.userId, VIDEO, me.ownMedia[VIDEO])?.video.totalBytes > 0);
  await until('figures of the own sound', () => me.figures(me.userId, AUDIO, me.ownMedia[AUDIO])?.audio.totalBytes > 0);
}
check('of nothing there are no figures', !ann.figures('nobody', VIDEO, 'cam') && !ann.engine.getStats());

ann.engine.startScreenShare({ width: 640, height: 360, frameRate: 5, bitRate: 0 });
const ownScreen = newVideo();
ann.engine.setLocalScreenShareRender(ownScreen);
await until('the screen', () => isMoving(ownScreen) && isMoving(ben.screen));
await until('its figures', () => ben.figures('ann', SCREEN_SHARE, '0')?.video.width > 0);
ann.engine.stopScreenShare();
ann.engine.unsetScreenShareRender(ownScreen);
await until('the screen is gone', () => !ben.screen.srcObject && !ownScreen.srcObject);

// A picture goes and the sound of its stream stays; and the other way round.
const [[, of]] = ben.streams;
ann.engine.stopPublishVideo();
ann.engine.unsetLocalVideoRender(ann.preview);
await until('the picture is gone', () => of.media.size === 1);
check('the sound stays', (await heard([of.video]))[0] && !ann.preview.srcObject);
ann.engine.startPublishVideo(ann.ownMedia[VIDEO]);
await until(
  'the picture is in the stream again',
  () => of.media.size === 2 && of.video.srcObject.getVideoTracks().length > 0,
);
ann.engine.stopPublishAudio();
await until('the sound is gone', () => of.video.srcObject.getAudioTracks().length === 0);
check('the picture stays', of.video.srcObject.getVideoTracks().length === 1);

ann.engine.invite({ seqId: 1, groupId: 'other', calleeInfo: ['ben'], extendInfo: '' });
await until('the answer', () => ann.reply === 1);

// Out without waiting, and in again.
const gone = ann.engine.exit();
ann.engine.destroy();
await gone;
await until('the other one sees it', () => ben.told.includes('onUserLeaveGroup') && ben.streams.size === 0);
await ann.enter('old', null);
ann.publish();
await until('a picture after coming back', () => [...ben.streams.values()].some(({ video }) => isMoving(video)));
await ben.engine.leaveGroup();
for (const { engine } of [ann, ben]) {
  engine.exit();
  engine.destroy();
}
return 'done';
