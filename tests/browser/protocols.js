// What the media go over: here, there, and to the relay.
window.protocols = async () => {
  const stats = [...(await peers.at(-1).getStats()).values()];
  const chosen = stats.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
  const pair = stats.find(({ id }) => id === chosen);
  const of = (id) => stats.find((it) => it.id === id);
  return [of(pair?.localCandidateId)?.protocol, of(pair?.remoteCandidateId)?.protocol, of(pair?.localCandidateId)?.relayProtocol];
};
