// Calls between two users, whose applications make element names of what they are given.
const ann = await member('ann', 'home');
const ben = await member('ben');
const call = { seqId: 1000, groupId: 'home', calleeType: 4, calleeId: 'ben', extendInfo: '' };
const ring = async () => {
  const { callId } = await ann.engine.makeCall(call);
  const incoming = await until(
    'it rings',
    () => ben.last('onIncommingCall')?.callId === callId && ben.last('onIncommingCall'),
  );
  check('the ID is the name of an element', document.createElement('i').matches(`:not(#${callId})`));
  check('it says who and where', incoming.callerId === 'ann' && incoming.groupId === 'home' && incoming.seqId === 1000);
  return callId;
};
const released = (...members) =>
  until('both ends are free', () => members.every((one) => one.last('onCallRelease')?.callId === callId));
const result = (wanted) =>
  until(`result ${wanted}`, () => {
    const { callId: of, result } = ann.last('onCallResult') ?? {};
    return of === callId && result === wanted;
  });

let callId = await ring();
ben.engine.replyCall({ seqId: 1000, callId, groupId: 'home', result: 0 });
await result(0);
await ann.engine.finishCall(callId);
await released(ann, ben);
await result(4);
check('the callee is told', ben.last('onFinishCall').callId === callId);

callId = await ring();
ben.engine.replyCall({ seqId: 1000, callId, groupId: 'home', result: 0 });
await result(0);
await ben.engine.finishCall(callId);
await result(5);
await released(ann, ben);
check('the caller is told', ann.last('onCallFinished').callId === callId);

callId = await ring();
ben.engine.replyCall({ seqId: undefined, callId: undefined, groupId: undefined, result: 1 });
await result(1);

callId = await ring();
await ann.engine.cancelCall(callId);
await result(3);
await until('it stops ringing', () => ben.last('onCancelCall')?.callId === callId);

callId = await ring();
ben.engine.destroy();
await result(99);
const isQuiet = ![...ann.told, ...ben.told].some(([name]) =>
  ['onCommingInvite', 'onInviteReply', 'onRecvUserMsg'].includes(name),
);
check('invites and messages of the application are others', isQuiet);
const codes = [];
for (const wrong of [{ ...call }, { ...call, calleeType: 1 }, { ...call, calleeId: '' }, {}, null]) {
  codes.push(await codeOf(ann.engine.makeCall(wrong)));
}
codes.push(await codeOf(ann.engine.finishCall('nothing')), await codeOf(ann.engine.cancelCall()));
ann.engine.destroy();
return codes;
