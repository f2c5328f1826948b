import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isDeepStrictEqual } from 'node:util'
import type { FromPeer, MemberSample, PeerConfig, PeerSample, ToPeer } from '../runner/messages.ts'
import type { HostedPeer } from './hosted-peer.ts'

const SAMPLE_MS = 1_000
/** Joining and leaving is told at once; a change of mind about a silent member is found by looking. */
const MEMBERS_MS = 500
/** perf_hooks samples the loop at this interval; what a sample has above it is lag. */
const LAG_RESOLUTION_MS = 20

function say(message: FromPeer): void {
  // Without a channel the runner is gone, and this process about to follow.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

/** Worst event-loop lag since the call before, in milliseconds. */
function lagMeter(): () => number {
  const histogram = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
  histogram.enable()
  return () => {
    const lagMs = Math.max(0, histogram.max / 1e6 - LAG_RESOLUTION_MS)
    histogram.reset()
    return lagMs
  }
}

function sampleOf(peer: HostedPeer, lagMs: number): PeerSample {
  return {
    connections: peer.connections(),
    group: peer.group(),
    ...peer.takeLatencies(),
    lagMs,
    rssBytes: process.memoryUsage.rss(),
    misdeeds: peer.misdeeds(),
    inboundPorts: peer.inboundPorts()
  }
}

/** Tells the runner of every change of the members, and once a second of everything else. */
function report(peer: HostedPeer): void {
  const takeLag = lagMeter()
  let told: readonly MemberSample[] = []
  const tellMembers = (): void => {
    const members = peer.members()
    if (isDeepStrictEqual(members, told)) return
    told = members
    say({ type: 'members', members })
  }
  peer.onMembers(tellMembers)
  setInterval(tellMembers, MEMBERS_MS)
  tellMembers()
  peer.onAccused((member, view) => say({ type: 'accused', member, view }))
  setInterval(() => say({ type: 'sample', sample: sampleOf(peer, takeLag()) }), SAMPLE_MS)
}

async function submit(peer: HostedPeer, id: number, client: string): Promise<void> {
  try {
    say({ type: 'outcome', id, placed: await peer.submit(client) })
  } catch (error) {
    say({ type: 'outcome', id, error: error instanceof Error ? error.message : String(error) })
  }
}

async function obey(peer: HostedPeer, message: Exclude<ToPeer, { readonly type: 'config' }>): Promise<void> {
  if (message.type === 'submit') await submit(peer, message.id, message.client)
  else if (message.type === 'behave') peer.behave(message.behaviour)
  else peer.slowDisk(message.syncMs)
}

function refuse(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'BRUME_TESTNET_PEER_FAILED'
  say({ type: 'failed', code, message: error instanceof Error ? error.message : String(error) })
  throw error
}

/**
 * Makes this process a testnet's peer: waits for the config, composes and starts, reports until told to
 * end. SIGTERM ends it, and so does the end of the runner, which closes the channel. SIGINT and SIGHUP
 * reach the whole foreground group of a terminal; what they mean is the runner's to decide.
 */
export function runPeer(compose: (config: PeerConfig) => Promise<HostedPeer>): void {
  let peer: HostedPeer | undefined
  const end = async (): Promise<void> => {
    await peer?.stop()
    process.exit(0)
  }
  for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => undefined)
  process.on('SIGTERM', end).on('disconnect', end)
  const begin = async (config: PeerConfig): Promise<void> => {
    peer = await compose(config).catch(refuse)
    say({ type: 'ready', peerId: peer.peerId, addresses: peer.addresses() })
    report(peer)
  }
  process.on('message', async (message: ToPeer) => {
    if (message.type === 'config') await begin(message.config)
    else if (peer !== undefined) await obey(peer, message)
  })
}
