// Members give each other their keys over messages that a server carries, and it reads and changes nothing of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HstRtcError } from '../../sdk/errors.js';
import { KeyExchange, letterIn } from '../../sdk/key_exchange.js';

/** A group on a server that carries messages, and may do something to them. */
class Room {
  members = new Map();
  carry = (body) => body;
  /** All that the server saw. */
  seen = [];
  letters = [];

  async join(user) {
    const member = { user, own: null, keys: new Map(), safety: null, faults: [], set: 0 };
    member.exchange = new KeyExchange('g', user, {
      send: async (users, body) => {
        if (this.refuses === user) throw new HstRtcError(302, 'too many messages');
        this.seen.push(JSON.stringify(body));
        for (const to of users) {
          this.letters.push({ from: user, to, letter: letterIn(body) });
          const letter = letterIn(this.carry(JSON.parse(JSON.stringify(body)), user, to));
          this.members.get(to)?.exchange.handleLetter(user, letter);
        }
      },
      setKey: async (id, key, of) => {
        const entry = `${id} ${Buffer.from(key).toString('hex')}`;
        member.set += 1;
        if (of) member.keys.set(of, entry);
        else member.own = entry;
      },
      forget: (of) => member.keys.delete(of),
      tell: (safety) => (member.safety = safety),
      report: (error) => member.faults.push(error),
    });
    const { id, key } = member.exchange.key;
    member.own = `${id} ${Buffer.from(key).toString('hex')}`;
    const others = [...this.members.keys()];
    for (const { exchange } of this.members.values()) exchange.handleJoined(user);
    this.members.set(user, member);
    await member.exchange.begin(others);
    await this.settle();
    return member;
  }

  async leave(user) {
    this.members.delete(user);
    for (const { exchange } of this.members.values()) exchange.handleLeft(user);
    await this.settle();
  }

  /** The last letter from one to another, with a key or without. */
  last(from, to, withKey) {
    const fits = (one) => one.from === from && one.to === to && 'keys' in one.letter === withKey;
    return this.letters.findLast(fits).letter;
  }

  /** Until nobody writes to anybody any more. */
  async settle() {
    for (let seen = -1; seen !== this.seen.length; ) {
      seen = this.seen.length;
      for (let round = 0; round < 3; round += 1) {
        await Promise.all([...this.members.values()].map(({ exchange }) => exchange.handleLeft('nobody')));
      }
    }
  }

  /** Everybody has everybody's key and nobody else's, and they see one number. */
  check() {
    const all = [...this.members.values()];
    for (const { user, keys, safety } of all) {
      const others = all.filter((other) => other.user !== user);
      assert.deepEqual(new Map([...keys].sort()), new Map(others.map((other) => [other.user, other.own]).sort()), user);
      assert.equal(safety, all[0].safety);
    }
    assert.match(all[0].safety, /^\d{5}( \d{5}){11}$/);
  }
}

test('everybody has the key of everybody else, whoever comes and goes, and all see one number', async () => {
  const room = new Room();
  const ann = await room.join('ann');
  const numbers = new Set([ann.safety]);
  for (const user of ['ben', 'constructor', 'dan']) {
    const before = ann.own;
    await room.join(user);
    room.check();
    assert.notEqual(ann.own, before, 'who comes knows nothing of before');
    numbers.add(ann.safety);
  }
  const before = ann.own;
  const left = room.members.get('ben');
  await room.leave('ben');
  room.check();
  assert.notEqual(ann.own, before);
  assert.notEqual(left.keys.get('ann'), ann.own, 'who has left knows nothing of after');
  await room.join('ben');
  room.check();
  numbers.add(ann.safety);
  assert.equal(numbers.size, 5);
});

test('several who come at one time find each other', async () => {
  const room = new Room();
  await Promise.all(['ann', 'ben', 'cas', 'dan'].map((user) => room.join(user)));
  await room.settle();
  room.check();
});

test('who lost sight of the group gets what he missed', async () => {
  const room = new Room();
  const [ann, ben] = [await room.join('ann'), await room.join('ben')];
  const before = ben.keys.get('ann');
  room.carry = (body, from, to) => (to === 'ben' ? { hst_e2ee: {} } : body);
  await room.join('cas');
  assert.equal(ben.keys.get('ann'), before);
  assert.notEqual(ann.own, before);
  room.carry = (body) => body;
  ben.exchange.loseSight();
  await ben.exchange.begin(['ann', 'cas']);
  await room.settle();
  room.check();
});

test('the server sees no key', async () => {
  const room = new Room();
  const [ann] = [await room.join('ann'), await room.join('ben')];
  const [, key] = ann.own.split(' ');
  const base64 = Buffer.from(key, 'hex').toString('base64');
  for (const text of room.seen) assert.ok(!text.includes(base64) && !text.includes(key));
});

test('a letter that was changed, or is none, gives nobody a key and harms nothing', async () => {
  const room = new Room();
  const [ann, ben] = [await room.join('ann'), await room.join('ben')];
  const own = new Map(ben.keys);
  const { safety } = ben;
  const point = room.last('ann', 'ben', true).public;
  await ben.exchange.handleJoined('eve');
  for (const letter of [
    {},
    { public: 5 },
    { public: '' },
    { public: '%' },
    { public: btoa('no point of the curve') },
    { public: point, keys: { ben: 5 }, id: 0 },
    { public: point, keys: { ben: btoa('short') }, id: 0 },
    { public: point, keys: { ben: btoa('x'.repeat(60)) }, id: 256 },
  ]) {
    for (const user of ['ann', 'eve']) await ben.exchange.handleLetter(user, letter);
    assert.equal(ben.keys.has('eve'), false, JSON.stringify(letter));
  }
  assert.deepEqual(ben.keys, own);
  assert.equal(ben.safety, safety);
  assert.deepEqual([ann.faults, ben.faults], [[], []], 'it is no fault of the application');
  assert.equal(letterIn({ hst_e2ee: 'text' }) ?? letterIn(null) ?? letterIn('text') ?? letterIn({}), null);
});

test('who stands between two members is given away by their numbers', async () => {
  const room = new Room();
  const eve = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
  const own = Buffer.from(await crypto.subtle.exportKey('raw', eve.publicKey)).toString('base64');
  room.carry = (body, from, to) => {
    if (to === 'ben') body.hst_e2ee.public = own;
    return body;
  };
  const [ann, ben] = [await room.join('ann'), await room.join('ben')];
  assert.ok(ann.safety && ben.safety);
  assert.notEqual(ann.safety, ben.safety);
});

test('when a new key does not get through, nobody sees on under the old one, and the application is told', async () => {
  const room = new Room();
  const [ann] = [await room.join('ann'), await room.join('ben'), await room.join('cas')];
  const before = ann.own;
  room.refuses = 'ann';
  await room.leave('cas');
  assert.notEqual(ann.own, before);
  assert.deepEqual(ann.faults.map(({ code }) => code), [302]);
});

/** What somebody writes first whose key nobody knows. */
async function strangersHello() {
  const pair = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
  const point = await crypto.subtle.exportKey('raw', pair.publicKey);
  return { public: Buffer.from(point).toString('base64') };
}

test('whose session was replaced begins anew, whoever writes first', async () => {
  for (const replaced of ['ann', 'ben']) {
    for (const writesFirst of [true, false]) {
      const room = new Room();
      for (const user of ['ann', 'ben', 'cas']) await room.join(user);
      const back = room.members.get(replaced);
      await room.leave(replaced);
      const others = [...room.members.keys()];
      for (const { exchange } of room.members.values()) {
        exchange.handleJoined(replaced);
        if (!writesFirst) exchange.begin([]);
      }
      room.members.set(replaced, back);
      await back.exchange.beginAnew();
      if (!writesFirst) await room.settle();
      await back.exchange.begin(others);
      await room.settle();
      room.check();
    }
  }
});

test('who comes again while another is away is known by his new key', async () => {
  const room = new Room();
  const [, ben] = [await room.join('ann'), await room.join('ben')];
  room.members.clear();
  const ann = await room.join('ann');
  await ann.exchange.handleJoined('ben');
  room.members.set('ben', ben);
  ben.exchange.loseSight();
  await ben.exchange.begin(['ann']);
  await room.settle();
  room.check();
});

test('a letter of who is no other member counts when he is one and not before', async () => {
  const room = new Room();
  const [ann] = [await room.join('ann'), await room.join('ben')];
  const [seen, { safety }] = [room.seen.length, ann];
  const hello = await strangersHello();
  for (const user of ['ghost', 'ann']) await ann.exchange.handleLetter(user, hello);
  await ann.exchange.handleJoined('ann');
  await room.settle();
  assert.equal(room.seen.length, seen);
  assert.equal(ann.safety, safety);
  await ann.exchange.handleJoined('ghost');
  assert.deepEqual(Object.keys(room.last('ann', 'ghost', true).keys), ['ben', 'ghost']);
  const there = ann.safety;
  assert.notEqual(there, safety);
  await ann.exchange.handleLeft('ghost');
  assert.equal(ann.safety, safety, 'that he has gone is told, too');
});

test('the public key of a member stays, and one that is gone never comes again', async () => {
  const room = new Room();
  const [ann] = [await room.join('ann'), await room.join('ben')];
  const [genuine, key] = [room.last('ben', 'ann', false), room.last('ben', 'ann', true)];
  const impostor = await strangersHello();
  for (const letter of [impostor, { ...impostor, id: 0, keys: { ann: 'AAAA' } }]) {
    const seen = room.seen.length;
    await ann.exchange.handleLetter('ben', letter);
    assert.equal(room.seen.length, seen, 'he is given nothing');
    room.check();
  }
  const { safety } = ann;
  await ann.exchange.handleLeft('ben');
  await ann.exchange.handleJoined('ben');
  // What cannot be opened changes nothing, not even by half.
  const alone = ann.safety;
  await ann.exchange.handleLetter('ben', { ...impostor, id: 0, keys: { ann: 'AAAA' } });
  assert.equal(ann.safety, alone);
  await ann.exchange.handleLetter('ben', impostor);
  const other = ann.safety;
  assert.ok(![safety, alone].includes(other));
  await ann.exchange.loseSight();
  for (const letter of [genuine, key]) await ann.exchange.handleLetter('ben', letter);
  assert.equal(ann.safety, other);
});

test('a letter that comes again sets no key again, and none that is older', async () => {
  const room = new Room();
  const [ann] = [await room.join('ann'), await room.join('ben')];
  const older = room.last('ben', 'ann', true);
  await room.join('cas');
  const newer = room.last('ben', 'ann', true);
  assert.ok(newer.id > older.id);
  const { set } = ann;
  for (const letter of [newer, older, { ...older, id: newer.id + 1 }]) await ann.exchange.handleLetter('ben', letter);
  assert.equal(ann.set, set);
  room.check();
});

test('a change of the members is told also when nothing can be sent', async () => {
  const room = new Room();
  const [ann] = [await room.join('ann'), await room.join('ben'), await room.join('cas')];
  const { safety } = ann;
  room.refuses = 'ann';
  await room.leave('cas');
  assert.notEqual(ann.safety, safety);
});
