import { askControl } from '../control/index.ts'
import { defaultDirectory, layoutOf, readIdentity, readRunning } from '../data/index.ts'
import { PeerError } from '../errors.ts'
import { describeHost, gib, type PeerReport, type PeerStatus } from '../report.ts'
import { type Output, paint, table } from './output.ts'

/** Prints the id in the data directory. A running peer is not needed. */
export async function id(dataDir: string | undefined, output: Output): Promise<void> {
  const layout = layoutOf(dataDir ?? defaultDirectory())
  const record = await readIdentity(layout.identity)
  if (record === undefined)
    throw new PeerError(
      'BRUME_PEER_NO_IDENTITY',
      `no peer was started on ${layout.directory} yet; start one with: brume up`
    )
  output.say(record.identity.peerId)
  output.tell({ id: record.identity.peerId })
}

/** Prints what the running peer does. */
export async function status(dataDir: string | undefined, output: Output): Promise<void> {
  const status = (await ask(dataDir, 'status')) as PeerStatus
  output.tell(status)
  for (const [name, value] of statusLines(status)) output.say(`${paint.dim(name.padEnd(9))} ${value}`)
}

function statusLines(status: PeerStatus): [string, string][] {
  const { members, memory, journals } = status
  return [
    ['peer', status.id],
    ['state', `${status.state} for ${duration(status.uptimeMs)}, process ${status.pid}, brume ${status.version}`],
    ['network', `${status.network.name} (${status.network.id}), profile ${status.profile}, preset ${status.preset}`],
    ...status.addresses.map((address): [string, string] => ['address', address]),
    ['members', `${members.connected} connected of ${members.known} known`],
    ...status.groups.map((group): [string, string] => ['group', groupLine(group)]),
    [
      'journals',
      `membership ${journals.membership}, quorum ${journals.quorum}, sync p95 ${journals.syncP95Ms.toFixed(1)} ms`
    ],
    ['memory', `${Math.round(memory.rssBytes / 1e6)} MB, heap ${Math.round(memory.heapBytes / 1e6)} MB`],
    ['data', String(status.dataDir)]
  ]
}

const groupLine = ({ group, state, reason, height }: PeerStatus['groups'][number]): string =>
  `${group.slice(0, 16)} ${state}${reason ? ` (${reason})` : ''} at height ${height}`

/** Prints the members the running peer knows. */
export async function peers(dataDir: string | undefined, output: Output): Promise<void> {
  const answer = (await ask(dataDir, 'peers')) as { readonly peers: readonly PeerReport[] }
  output.tell(answer)
  const rows = answer.peers.map((peer) => [
    peer.peer,
    linkOf(peer),
    rttOf(peer),
    describeHost(peer.host),
    gib(peer.host.storageMiB),
    peer.capabilities.join(' ')
  ])
  for (const line of table([['PEER', 'LINK', 'RTT', 'MACHINE', 'DISK', 'CAPABILITIES'], ...rows])) output.say(line)
}

const linkOf = (peer: PeerReport): string => (peer.self ? 'self' : peer.connected ? 'connected' : peer.state)
const rttOf = (peer: PeerReport): string => (peer.rttMs === null ? '-' : `${peer.rttMs.toFixed(1)} ms`)

/** Asks the peer that runs on this data directory. Its answers are believed: the socket is the user's own. */
async function ask(dataDir: string | undefined, request: 'status' | 'peers'): Promise<unknown> {
  const layout = layoutOf(dataDir ?? defaultDirectory())
  const running = await readRunning(layout.running)
  if (running === undefined)
    throw new PeerError('BRUME_PEER_NOT_RUNNING', `no peer runs on ${layout.directory}; start one with: brume up`)
  return askControl(running.control, request)
}

function duration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000)
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60
  ]
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`
}
