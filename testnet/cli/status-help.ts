/** Shown by `brume testnet status --help`; the fields are those of `TestnetState` (runner/state.ts). */
export const STATUS_HELP = `
--json prints one object:
  runId, discovery ('mdns' | 'list'), group (program, absent without one)
  elapsedMs        since the run began
  meshedMs         when every peer first had every other as a live, connected member; absent before
  heightMin, heightMax        lowest and highest final height among running peers
  notarizedP50Ms, finalP50Ms  median over the peers' medians below; absent before the first block
  submitted, refused, ratePerS  the workload
  peers[]          name, peerId, pid (absent when dead), addresses, weight,
                   state: waiting starting running paused killed stopped failed
                   members[]: peer, state (up suspect dead), connected
                   notarizedP50Ms, finalP50Ms: proposal to notarized and to final, newest 256 blocks
                   sample, once a second: connections, lagMs, rssBytes, notarizedMs[], finalMs[],
                   group: group, state, reason, epoch, view, height, digest, value, pool,
                   dormant, weights[]
  events[]         newest last: atMs, event, peer, detail`
