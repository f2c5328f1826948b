import type { TestnetEvent } from '../runner/state.ts'

type Detail = Readonly<Record<string, string | number>>

/** One sentence an event; `peer` stands in front of it. An unknown kind shows its name and its detail. */
const SENTENCES: Readonly<Record<string, (detail: Detail) => string>> = {
  'run.started': (d) => `run ${d.runId}: ${d.peers} peers, discovery by ${d.discovery}, files in ${d.path}`,
  'run.stopping': (d) => `stopping: ${d.reason}`,
  'run.stopped': (d) => `all ${d.processes} processes ended in ${d.tookMs} ms`,
  'peer.started': (d) => `started, pid ${d.pid}`,
  'peer.ready': (d) => `listens on ${d.address}`,
  'peer.discovered': (d) => `discovered ${d.other} (${d.connected} of ${d.others} connected)`,
  'peer.suspects': (d) => `suspects ${d.other}`,
  'peer.lost': (d) => `lost ${d.other}`,
  'peer.failed': (d) => `failed: ${d.message}`,
  'peer.killed': () => 'killed',
  'peer.paused': () => 'paused',
  'peer.resumed': () => 'resumed',
  'peer.accuses': (d) => `holds a proof that ${d.member} contradicted itself in view ${d.view}`,
  'peer.behaves': (d) => (d.behaviour === '' ? 'keeps to the rules again' : `breaks the rules: ${d.behaviour}`),
  'peer.exited': (d) => `exited by itself with ${d.how}; its log: ${d.log}`,
  'mesh.complete': (d) => `every peer is connected to every other after ${d.tookMs} ms`,
  'group.state': (d) => `${d.state}${d.reason === undefined ? '' : `: ${d.reason}`}`,
  'group.weights': (d) => `member weights: ${d.weights}`,
  'group.stalled': (d) => `nothing new is final for ${d.forMs} ms, height ${d.height}`,
  'group.resumed': (d) => `finality goes on at height ${d.height}`,
  'fault.begins': (d) => `fault ${d.number}: ${d.action} ${d.targets}${d.detail}`,
  'fault.ends': (d) => `fault ${d.number} ends: ${d.action} ${d.targets} after ${d.tookMs} ms`,
  'fault.over': (d) => `fault ${d.number} is over: ${d.targets} ${d.how}`,
  'actor.killed': (d) => `killed, the ${d.number}th time, ${d.where}: ${d.acknowledged} events acknowledged`,
  'flood.begins': (d) => `${d.times} times what an actor can take, for ${d.seconds} s: ${d.overflow}`,
  'drill.formed': (d) => `${d.members} members replicate ${d.address}`,
  'drill.part': (d) => `${d.part}: ${d.answered} answers; ${d.proofs} proofs by now, ${d.wrong} wrong`,
  'drill.named': (d) => `every honest member holds a proof of ${d.members}`,
  'standby.formed': (d) => `${d.members} members place ${d.address}`,
  'standby.taken': (d) => `fault ${d.number}: ${d.fault} of the holder; answered again after ${d.tookMs} ms`,
  'standby.back': (d) => `is back and followed in step; ${d.answered} counts by now`,
  'standby.wrong': (d) => `WRONG: counted ${d.was}, expected ${d.expected}`,
  'drill.wrong': (d) => `WRONG: ${d.sentence}`,
  'load.begins': (d) => `clients submit ${d.ratePerS} commands a second`,
  'load.ends': (d) => `the load ends: ${d.acknowledged} commands acknowledged as final, ${d.unknown} without an answer`,
  progress: (d) =>
    `height ${d.height}, count ${d.value}, notarized ${d.notarizedP50Ms} ms, final ${d.finalP50Ms} ms (medians), ` +
    `${d.connections} connections`
}

export function describe(event: TestnetEvent): string {
  const detail = event.detail ?? {}
  const sentence = SENTENCES[event.event]?.(detail) ?? `${event.event} ${JSON.stringify(detail)}`
  return event.peer === undefined ? sentence : `${event.peer} ${sentence}`
}

/** `1.234 s`, right-aligned, so that a column of events reads as a time line. */
export function timeColumn(atMs: number): string {
  return `${(atMs / 1_000).toFixed(3).padStart(8)} s`
}

/** A line for a log, a pipe or a CI job. */
export function plainLine(event: TestnetEvent): string {
  return `${timeColumn(event.atMs)}  ${describe(event)}`
}

/** One JSON object: `atMs`, `event`, `peer` where there is one, and the detail's own fields. */
export function jsonLine(event: TestnetEvent): string {
  const { atMs, event: kind, peer, detail } = event
  return JSON.stringify({ atMs: Math.round(atMs), event: kind, ...(peer === undefined ? {} : { peer }), ...detail })
}
