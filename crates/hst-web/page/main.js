import { Call } from './call.js';
import { Chat } from './chat.js';
import { idOf, nameOf } from './names.js';
import { errorText, switchLanguage, text, translate } from './text.js';

/** The App that a server in dev mode knows, for which it gives tokens to this page. */
const DEV_APP = { appId: '7a02a8217cd541f990152ea666ee24bf', appSecret: '42de63b19db7fda7' };
/** How long a toast stays, in ms. */
const TOAST = 5_000;

const byId = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const canCapture = !!navigator.mediaDevices?.getUserMedia;

const engine = new HstRtcEngine();
const chat = new Chat(say);
/** @type {Call | null} */
let call = null;
let self = '';
let group = '';

byId('name').value = query.get('name') ?? `${text('guest')}-${Math.floor(100 + Math.random() * 900)}`;
byId('group').value = query.get('group') ?? 'demo';
byId('notice').hidden = canCapture;
for (const id of ['with-mic', 'with-cam']) {
  byId(id).disabled = !canCapture;
  if (!canCapture) byId(id).checked = false;
}
for (const button of document.querySelectorAll('[data-language]')) button.onclick = switchLanguage;
document.addEventListener('languagechange', update);
translate();

byId('join-form').onsubmit = async (event) => {
  event.preventDefault();
  byId('lobby-error').hidden = true;
  byId('join').disabled = true;
  byId('join').firstChild.textContent = text('joining');
  try {
    await join(byId('name').value.trim(), byId('group').value.trim());
  } catch (error) {
    engine.destroy();
    showLobby(errorText(error));
  }
  byId('join').disabled = false;
  byId('join').firstChild.textContent = text('join');
};

for (const kind of ['mic', 'cam', 'share']) byId(kind).onclick = () => call?.toggle(kind);
byId('copy').onclick = copyLink;
for (const [target, type] of [
  [byId('leave'), 'click'],
  [window, 'pagehide'],
]) {
  target.addEventListener(type, () => {
    engine.destroy();
    showLobby();
  });
}

engine.on('onGroupUserList', (users) => call?.handleMembers(users));
engine.on('onUserJoinGroup', (user) => {
  call?.handleJoined(user);
  toast(text('came', nameOf(user)));
});
engine.on('onUserLeaveGroup', (user) => {
  call?.handleLeft(user);
  toast(text('went', nameOf(user)));
});
engine.on('onPublishMedia', (media) => call?.handlePublished(media));
engine.on('onUnPublishMedia', (media) => call?.handleUnpublished(media));
engine.on('onRemoteMediaAdd', (media) => call?.handleMedia(media));
engine.on('onScreenShareStopped', () => call?.handleOwnEnded(engine.MediaType.SCREEN_SHARE));
engine.on('onRecvGroupMsg', ({ srcUserId, msg }) => {
  chat.add(srcUserId, typeof msg === 'string' ? msg : JSON.stringify(msg), false);
});
engine.on('onReconnecting', () => call && toast(text('reconnecting'), Infinity));
engine.on('onReconnected', () => call && toast(text('reconnected')));
engine.on('onGroupRemoved', (why) => {
  engine.destroy();
  showLobby(errorText(why));
});
engine.on('onWebSocketClosed', () => {
  engine.destroy();
  showLobby(text('lost'));
});
engine.on('onError', (error) => call && toast(errorText(error)));

async function join(name, groupName) {
  if (name === '' || groupName === '') throw new Error(text('noName'));
  self = idOf(name);
  group = groupName;
  await engine.init();
  const { appId, token } = await credentials();
  await engine.login({ appId, token, userId: self, extendInfo: name });
  await engine.joinGroup(idOf(groupName));
  showRoom();
  if (byId('with-mic').checked) call.toggle('mic');
  if (byId('with-cam').checked) call.toggle('cam');
}

/** A server in dev mode gives this page a token; for any other the address of the page brings one. */
async function credentials() {
  const token = query.get('token');
  if (token) return { appId: query.get('appId') ?? DEV_APP.appId, token };
  const response = await fetch('/generate/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(DEV_APP),
  }).catch(() => null);
  const body = await response?.json().catch(() => null);
  if (body?.code !== 0) throw new Error(text('noToken'));
  return { appId: DEV_APP.appId, token: body.result };
}

function showRoom() {
  call = new Call(engine, self, update);
  chat.clear();
  byId('lobby').hidden = true;
  byId('room').hidden = false;
  byId('share').hidden = !navigator.mediaDevices?.getDisplayMedia;
  byId('mic').disabled = byId('cam').disabled = !canCapture;
  update();
}

function showLobby(error) {
  call?.close();
  call = null;
  byId('room').hidden = true;
  byId('lobby').hidden = false;
  byId('toast').hidden = true;
  byId('lobby-error').textContent = error ?? '';
  byId('lobby-error').hidden = !error;
  document.title = 'hst-rtc';
}

/** Brings the bars in accord with the call. */
function update() {
  if (!call) return;
  document.title = `${group} · hst-rtc`;
  byId('group-name').textContent = group;
  byId('count').textContent = String(call.names.length);
  byId('people').setAttribute('aria-label', text('people', call.names.length));
  byId('people').title = call.names.join('\n');
  for (const [kind, icon] of [
    ['mic', 'mic'],
    ['cam', 'cam'],
    ['share', null],
  ]) {
    const isOn = call.own.has(call.kinds[kind]);
    byId(kind).setAttribute('aria-pressed', String(isOn));
    if (icon)
      byId(kind)
        .querySelector('use')
        .setAttribute('href', `#i-${icon}${isOn ? '' : '-off'}`);
  }
}

function say(words) {
  engine.sendGroupMsg({ msg: words });
  chat.add(self, words, true);
}

async function copyLink() {
  const link = new URL(location.pathname, location.href);
  link.search = new URLSearchParams({ group }).toString();
  try {
    await navigator.clipboard.writeText(link.href);
    toast(text('copied'));
  } catch {
    // Without permission, or without https: the link to be copied by hand.
    toast(link.href);
  }
}

let toastTimer;
function toast(words, duration = TOAST) {
  byId('toast').textContent = words;
  byId('toast').hidden = false;
  clearTimeout(toastTimer);
  if (duration < Infinity) toastTimer = setTimeout(() => (byId('toast').hidden = true), duration);
}
