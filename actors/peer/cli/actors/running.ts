import type { HistoryEntry } from '@brume/runtime/kernel'
import type { ActorView, Snapshot } from '../../actors/types.ts'
import { streamControl } from '../../control/index.ts'
import { defaultDirectory, layoutOf, readRunning } from '../../data/index.ts'
import { PeerError } from '../../errors.ts'
import type { PeerReport } from '../../report.ts'
import { type Output, paint, table } from '../output.ts'
import { ask } from '../quorum/running.ts'
import { readEvent } from './event.ts'
import { peerOf, unreached } from './unreached.ts'

type DataDir = string | undefined

export async function list(dataDir: DataDir, output: Output): Promise<void> {
  const answer = (await ask(dataDir, 'actors.list')) as { readonly actors: readonly ActorView[] }
  output.tell(answer)
  const rows = answer.actors.map((actor) => {
    const { path, kind, version, status, seq, waiting, restarts, durability } = actor
    const counts = [seq, waiting, restarts].map((count) => (actor.role === 'follower' ? '-' : String(count)))
    const logic = version === 0 ? kind : `${kind}@${version}`
    return [path, logic, modeOf(actor), actor.role === 'follower' ? '-' : status, ...counts, durability]
  })
  const head = ['ACTOR', 'LOGIC', 'MODE', 'STATUS', 'EVENTS', 'WAITING', 'RESTARTS', 'DURABILITY']
  for (const line of table([head, ...rows])) output.say(line)
  for (const { path, status, failure } of answer.actors) {
    if (status === 'failed')
      output.say(`${path} failed: ${failure ?? 'its log says why'}; go on: brume actors resurrect ${path}`)
  }
}

const modeOf = ({ mode, role, inSync }: ActorView): string =>
  role === undefined ? mode : `${mode} ${role}, ${inSync} in step`

export async function show(dataDir: DataDir, actor: string, output: Output): Promise<void> {
  try {
    say((await ask(dataDir, 'actors.show', { actor })) as Snapshot, output)
  } catch (error) {
    const peer = peerOf(actor)
    if (peer === undefined) throw error
    const { peers } = (await ask(dataDir, 'peers')) as { readonly peers: readonly PeerReport[] }
    throw unreached(error, peer, peers)
  }
}

export async function at(dataDir: DataDir, args: { actor: string; seq: number }, output: Output): Promise<void> {
  const snapshot = (await ask(dataDir, 'actors.at', args)) as Snapshot
  if (snapshot.seq < args.seq)
    throw new PeerError('BRUME_PEER_USAGE', `${args.actor} has processed ${snapshot.seq} events, not ${args.seq}`)
  say(snapshot, output)
}

function say(snapshot: Snapshot, output: Output): void {
  const { address, seq, cell, value, context, tags } = snapshot
  output.tell(snapshot)
  output.say(`${paint.bold(address)}  ${cell}, ${seq} ${seq === 1 ? 'event' : 'events'}`)
  output.say(`value    ${JSON.stringify(value)}${tags.length > 0 ? `  tags ${tags.join(' ')}` : ''}`)
  output.say(`context  ${JSON.stringify(context)}`)
  if (snapshot.output !== undefined) output.say(`output   ${JSON.stringify(snapshot.output)}`)
  if (snapshot.failure !== undefined) output.say(`failure  ${snapshot.failure}`)
  if (snapshot.error !== undefined) output.say(`error    ${String(snapshot.error)}`)
}

interface Sending {
  readonly actor: string
  /** As written. */
  readonly event: string
  readonly reply: boolean
}

export async function send(dataDir: DataDir, { actor, event, reply }: Sending, output: Output): Promise<void> {
  const answer = (await ask(dataDir, 'actors.ask', { actor, event: readEvent(event), reply })) as {
    readonly seq?: number
    readonly reply?: unknown
  }
  output.tell(answer)
  output.say(reply ? JSON.stringify(answer.reply) : `processed as event ${answer.seq}`)
}

export async function stop(dataDir: DataDir, actor: string, output: Output): Promise<void> {
  const answer = (await ask(dataDir, 'actors.stop', { actor })) as { readonly address: string }
  output.tell(answer)
  output.say(`${answer.address} is stopped`)
}

export async function resurrect(dataDir: DataDir, actor: string, output: Output): Promise<void> {
  const answer = (await ask(dataDir, 'actors.resurrect', { actor })) as { readonly address: string }
  output.tell(answer)
  output.say(`${answer.address} goes on`)
}

export async function move(dataDir: DataDir, args: { actor: string; to: string }, output: Output): Promise<void> {
  const answer = (await ask(dataDir, 'actors.move', args)) as { readonly address: string }
  output.tell(answer)
  output.say(`it lives at ${answer.address}`)
}

export async function history(dataDir: DataDir, args: { actor: string; from: number }, output: Output): Promise<void> {
  const answer = (await ask(dataDir, 'actors.history', args)) as { readonly entries: readonly HistoryEntry[] }
  output.tell(answer)
  for (const { seq, atMs, sender, event } of answer.entries) {
    output.say(`${seq}  ${new Date(atMs).toISOString()}  ${JSON.stringify(event)}  ${paint.dim(sender ?? 'itself')}`)
  }
}

export async function tail(dataDir: DataDir, actor: string, output: Output): Promise<void> {
  const layout = layoutOf(dataDir ?? defaultDirectory())
  const running = await readRunning(layout.running)
  if (running === undefined)
    throw new PeerError('BRUME_PEER_NOT_RUNNING', `no peer runs on ${layout.directory}; start one with: brume up`)
  await streamControl(running.control, 'actors.tail', { actor }, (told) => {
    const { became, emitted } = told as { readonly became?: Snapshot; readonly emitted?: unknown }
    output.tell(told as object)
    if (emitted !== undefined) output.say(`emitted  ${JSON.stringify(emitted)}`)
    if (became !== undefined)
      output.say(`${String(became.seq).padEnd(7)}  ${JSON.stringify(became.value)}  ${JSON.stringify(became.context)}`)
  })
}
