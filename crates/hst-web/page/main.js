import { Boards } from './boards.js';
import { Call } from './call.js';
import { Chat } from './chat.js';
import { Choice } from './choice.js';
import { Invites } from './invites.js';
import { Lobby } from './lobby.js';
import { Panels } from './panels.js';
import { People } from './people.js';
import { Presence } from './presence.js';
import { Ringing } from './ringing.js';
import { Room } from './room.js';
import { Session } from './session.js';
import { Settings } from './settings.js';
import { Shortcuts } from './shortcuts.js';
import { Stage } from './stage.js';
import { errorText, translate, words } from './text.js';
import { Tiles } from './tiles.js';
import { banner, toast } from './toasts.js';

const query = new URLSearchParams(location.search);
const engine = new window.HstRtcEngine();
const session = new Session(engine, query);
const choice = new Choice();
const stage = new Stage();
const tiles = new Tiles(stage);
const call = new Call(engine, tiles, stage, choice, update);
const boards = new Boards(engine, stage, () => session.self);
const chat = new Chat(engine);
const presence = new Presence(engine);
const invites = new Invites(engine);
const people = new People(call, session, presence, invites);
const panels = new Panels();
const room = new Room(call, boards, tiles, () => leave());
const ringing = new Ringing(engine, choice, accept);
const lobby = new Lobby(session, choice, query, enter);
const settings = new Settings(engine, choice);

new Shortcuts(
  {
    keyMic: () => call.toggle('mic'),
    keyCam: () => call.toggle('cam'),
    keyShare: () => call.toggle('share'),
    keyBoard: () => boards.toggle(),
    keyChat: () => panels.toggle('chat'),
    keyPeople: () => panels.toggle('people'),
    keyView: () => tiles.switchView(),
  },
  () => room.isOpen,
  () => panels.close(),
);
panels.onChange = (/** @type {typeof panels.open} */ open) => {
  chat.isOpen = open === 'chat';
  people.isOpen = open === 'people';
};

engine.on('onGroupUserCount', ({ total }) => (room.total = total));
engine.on('onReconnecting', () => banner(words().reconnecting));
engine.on('onReconnected', () => {
  banner('');
  toast(words().reconnected);
});
engine.on('onError', (error) => room.isOpen && toast(errorText(error)));
engine.on('onGroupRemoved', (why) => leave(errorText(why)));
engine.on('onUserForceLogout', () => end(words().loggedInElsewhere));
engine.on('onKickOut', () => end(words().kickedOut));
engine.on('onWebSocketClosed', () => session.self !== '' && end(words().lost));
session.onOnline = () => presence.open();
window.addEventListener('pagehide', () => session.end());
window.addEventListener('pageshow', ({ persisted }) => persisted && leave());

translate();
lobby.open();

/**
 * Into a group, out of the one before.
 * @param {string} group its name
 * @param {{ mic: boolean, cam: boolean }} media what is on from the start
 */
async function enter(group, media) {
  forget();
  // What the group tells finds its place from the first event on.
  call.open(session.self);
  await session.enter(group);
  engine.chooseSpkDevice(choice.of('spk'));
  room.open(group);
  chat.open(session.self);
  if (media.mic) call.toggle('mic');
  if (media.cam) call.toggle('cam');
}

/** Somebody's invite was accepted. @param {string} group its name */
async function accept(group) {
  if (lobby.isOpen) return lobby.join(group);
  if (session.group === group) return;
  const media = { mic: call.own.has('mic'), cam: call.own.has('cam') };
  await enter(group, media).catch((error) => leave(errorText(error)));
}

/** Back to the lobby, still online. @param {string} [trouble] */
function leave(trouble) {
  session.leave();
  forget();
  room.close();
  lobby.open(trouble);
}

/** The login is over. @param {string} [trouble] */
function end(trouble) {
  session.end();
  ringing.clear();
  leave(trouble);
}

/** Whatever was of a group is forgotten. */
function forget() {
  invites.clear();
  boards.close();
  call.close();
  panels.close();
  banner('');
}

function update() {
  room.update();
  people.update();
}
