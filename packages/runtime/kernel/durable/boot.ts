import { utf8 } from '@brume/codec'
import type { Log, Store, StoreOperation } from '@brume/ports'
import { allOf, BOOT_KEY, PREFIX, readIdKey, readSeqKey, recordKey, timerKey, tombstoneKey } from './keys.ts'
import { Outbox } from './outbox.ts'
import type { StoredActor, StoredTimer } from './port.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import { dueOf, pathOf } from './residents.ts'
import { decodeBoot, decodeOutbox, decodeTombstone, encodeBoot } from './values.ts'

export interface Boot {
  /** 1 for the first start on this disk. */
  readonly boot: number
  readonly outbox: Outbox
  /** Paths of actors to be loaded now. */
  readonly awake: readonly string[]
  /** Someone's timers go by how long the peer was down. */
  readonly hasRemaining: boolean
}

/**
 * Reads what must be known before the first event: the indexes of who is to be woken and of what was sent, and the
 * records of those alone. Timers that do not go on while the peer is down are moved here, together with the counting of
 * the boot, so that they are moved once.
 */
export async function readBoot(store: Store, nowMs: number, log: Log): Promise<Boot> {
  const before = await store.get(BOOT_KEY)
  const { boot, aliveMs } = before === undefined ? { boot: 0, aliveMs: nowMs } : decodeBoot(before)
  const outbox = await readOutbox(store, log)
  const paths = new Set<string>()
  const changes: StoreOperation[] = [{ type: 'put', key: BOOT_KEY, value: encodeBoot(boot + 1, Math.ceil(nowMs)) }]
  for await (const [key, value] of store.entries(allOf(PREFIX.wake))) {
    paths.add(TEXT.decode(value))
    changes.push(...resumed(store, readIdKey(key).id, { nowMs, downMs: Math.max(0, nowMs - aliveMs) }))
  }
  for (const id of outbox.ids()) for (const path of senderOf(store, id, log)) paths.add(path)
  await store.batch(changes, { sync: true })
  return { boot: boot + 1, outbox, awake: [...paths], hasRemaining: changes.length > 1 }
}

const TEXT = new TextDecoder()

async function readOutbox(store: Store, log: Log): Promise<Outbox> {
  const outbox = new Outbox()
  for await (const [key, value] of store.entries(allOf(PREFIX.outbox))) {
    const { id, seq } = readSeqKey(key)
    try {
      outbox.put(id, seq, decodeOutbox(value))
    } catch (error) {
      log.error({ error, seq }, 'an entry of an outbox is damaged and is not sent')
    }
  }
  return outbox
}

function senderOf(store: Store, id: Uint8Array, log: Log): readonly string[] {
  try {
    const record = store.getSync(recordKey(id)) ?? decodeTombstone(store.getSync(tombstoneKey(id)) ?? NONE).record
    return [pathOf(decodeRecord(record).address)]
  } catch (error) {
    log.error({ error }, 'an outbox belongs to an actor whose record cannot be read')
    return []
  }
}

const NONE = utf8('')

interface Downtime {
  readonly nowMs: number
  readonly downMs: number
}

/** The record with its timers moved, and its place in the index. An undecodable one is found again when it is loaded. */
function resumed(store: Store, id: Uint8Array, down: Downtime): readonly StoreOperation[] {
  const actor = readActor(store, id)
  if (actor === undefined || actor.options.resume === 'deadline' || actor.timers.length === 0) return []
  const moved: StoredActor = { ...actor, timers: actor.timers.map((timer) => moveTimer(timer, actor, down)) }
  const [before, after] = [dueOf(actor), dueOf(moved)]
  return [
    ...(before === null ? [] : [{ type: 'del' as const, key: timerKey(before, id) }]),
    ...(after === null ? [] : [{ type: 'put' as const, key: timerKey(after, id), value: new Uint8Array() }]),
    { type: 'put', key: recordKey(id), value: encodeRecord(moved) }
  ]
}

function moveTimer(timer: StoredTimer, actor: StoredActor, { nowMs, downMs }: Downtime): StoredTimer {
  const dueMs = actor.options.resume === 'restart' ? nowMs + timer.delayMs : timer.dueMs + downMs
  return { ...timer, dueMs }
}

function readActor(store: Store, id: Uint8Array): StoredActor | undefined {
  try {
    const bytes = store.getSync(recordKey(id))
    return bytes === undefined ? undefined : decodeRecord(bytes)
  } catch {
    return undefined
  }
}
