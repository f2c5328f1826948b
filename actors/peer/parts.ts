import type { Clock, Log } from '@brume/ports'

/** Something the peer is made of. What is opened before it is added has no `start`. */
export interface Part {
  readonly name: string
  start?(): Promise<void> | void
  stop(): Promise<unknown> | unknown
  /** How long stopping may take; the peer goes on without it then. */
  readonly stopMs: number
}

/**
 * What each part may take of the 3 s in which a peer stops. Actors of mode standby are handed over, which their group
 * orders within 500 ms or not in time; membership says farewell, which needs a synced record and 250 ms for the last
 * gossip to leave; the others need a few milliseconds each.
 */
export const STOP_MS = {
  actors: 650,
  quorum: 400,
  executors: 50,
  membership: 750,
  net: 500,
  kernel: 50,
  control: 100,
  journals: 300,
  store: 200
} as const

/** Parts in the order in which they need each other: started first to last, stopped last to first. */
export interface Parts {
  add(part: Part): void
  start(): Promise<void>
  /** Stops everything added, started or not. Never rejects: a part that fails or hangs is logged and left. */
  stop(): Promise<void>
}

export function createParts(clock: Clock, log: Log): Parts {
  const parts: Part[] = []
  let stopping = false

  async function stopOne(part: Part): Promise<void> {
    try {
      const inTime = await within(clock, part.stopMs, Promise.resolve(part.stop()))
      if (!inTime) log.warn({ part: part.name, stopMs: part.stopMs }, 'a part did not stop in time and is left behind')
    } catch (error) {
      log.warn({ part: part.name, error }, 'a part failed to stop')
    }
  }

  return {
    add: (part) => void parts.push(part),
    async start() {
      for (const part of parts) {
        // Somebody may want the peer gone before it is there.
        if (stopping) return
        await part.start?.()
        log.debug({ part: part.name }, 'part started')
      }
    },
    async stop() {
      stopping = true
      for (let part = parts.pop(); part !== undefined; part = parts.pop()) await stopOne(part)
    }
  }
}

/** Did the promise resolve within this time? Rejects as the promise does. */
async function within(clock: Clock, timeoutMs: number, promise: Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>()
  const cancel = clock.after(timeoutMs, () => resolve(false))
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    cancel()
  }
}
