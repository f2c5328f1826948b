import type { Cancel } from '@brume/ports'
import type { Machine, Ref, Snapshot } from '../actors/types.ts'
import type { Peer } from '../peer.ts'
import { base64, countOf, textOf, wrong } from './arguments.ts'
import type { Arguments } from './messages.ts'

/** Entries of one answer. */
const HISTORY_MAX = 1_000

/** An actor of this peer by its path, or any by its address; of machines that are not known here. */
const refOf = (peer: Peer, args: Arguments): Ref<Machine> => peer.ref(textOf(args, 'actor'))

export async function showActor(peer: Peer, args: Arguments): Promise<unknown> {
  return reported(await refOf(peer, args).snapshot())
}

export async function actorAt(peer: Peer, args: Arguments): Promise<unknown> {
  return reported(await refOf(peer, args).snapshotAt(countOf(args, 'seq')))
}

export async function askActor(peer: Peer, args: Arguments): Promise<unknown> {
  const { event } = args
  if (typeof event !== 'object' || event === null || !('type' in event)) throw wrong('event')
  const ref = refOf(peer, args)
  if (args.reply === true) return { reply: asJson(await ref.ask(event as { type: string })) }
  return ref.submit(event as { type: string })
}

export async function actorHistory(peer: Peer, args: Arguments): Promise<unknown> {
  const entries: unknown[] = []
  for await (const entry of refOf(peer, args).history({ from: countOf(args, 'from') })) {
    entries.push(asJson(entry))
    if (entries.length === HISTORY_MAX) break
  }
  return { entries }
}

export async function stopActor(peer: Peer, args: Arguments): Promise<unknown> {
  const ref = refOf(peer, args)
  await ref.stop()
  return { address: ref.address }
}

export async function resurrectActor(peer: Peer, args: Arguments): Promise<unknown> {
  const { address } = refOf(peer, args)
  await peer.resurrect(address)
  return { address }
}

export async function moveActor(peer: Peer, args: Arguments): Promise<unknown> {
  const { address } = await refOf(peer, args).move(textOf(args, 'to'))
  return { address }
}

/** What an actor emits, and what it becomes. */
export function tailActor(peer: Peer, args: Arguments, listener: (event: object) => void): Cancel {
  const ref = refOf(peer, args)
  const cancels = [
    ref.follow((snapshot) => listener({ became: reported(snapshot) })),
    ref.on('*', (event) => listener({ emitted: asJson(event) }))
  ]
  return () => {
    for (const cancel of cancels) cancel()
  }
}

function reported(snapshot: Snapshot): object {
  const { address, incarnation, seq, cell, status, value, context, tags, output, error } = snapshot
  const failed = snapshot.failure === undefined ? {} : { failure: snapshot.failure }
  const failure = error === undefined ? {} : { error: error instanceof Error ? error.message : String(error) }
  const result = output === undefined ? {} : { output: asJson(output) }
  return {
    address,
    incarnation,
    seq,
    cell,
    status,
    value,
    context: asJson(context),
    tags,
    ...result,
    ...failed,
    ...failure
  }
}

/** Bytes become `{ base64 }`: JSON has none. */
function asJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { base64: base64(value) }
  if (Array.isArray(value)) return value.map(asJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asJson(item)]))
}
