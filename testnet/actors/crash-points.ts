import type { NetNode } from '@brume/net'
import type { Store } from '@brume/ports'
import { ACTORS_CHANNEL, decodeFrame, FRAME } from '@brume/runtime/delivery'
import { replace } from '@brume/testkit'
import { interpose } from '../peer/interpose.ts'

/**
 * Where a process can die so that what it had begun is cut in two: before its batch is written; when that is on the disk
 * and nothing was let go of; when all was, but for what tells the sender; and at a sender that was told, before its next
 * batch takes the message out of its outbox.
 */
export const POINTS = ['before batch', 'after batch', 'before ack', 'after ack'] as const
export type Point = (typeof POINTS)[number]

/** Actors' part of a peer's store. */
const ACTORS = 'actors/'
const COMMITTED = 1

/** Ends this process with SIGKILL when it comes to a point, and in no other way: nothing is said, closed or flushed. */
export class CrashPoints {
  #point: Point | undefined
  #times = 0

  /** At the so manieth time that it comes there from now on. */
  arm(point: Point, times: number): void {
    this.#point = point
    this.#times = times
  }

  wrapStore(store: Store): Store {
    const sub: Store['sub'] = (prefix) => (prefix === ACTORS ? this.#watched(store.sub(prefix)) : store.sub(prefix))
    return replace(store, { sub })
  }

  wrapNet(net: NetNode): NetNode {
    return interpose(net, ACTORS_CHANNEL.id, {
      send: (_to, body, pass) => {
        if (isCommit(body)) this.#reached('before ack')
        return pass(body)
      },
      frame: (_from, body, pass) => {
        pass(body)
        if (isCommit(body)) this.#reached('after ack')
      }
    })
  }

  #watched(store: Store): Store {
    const batch: Store['batch'] = async (operations, options) => {
      this.#reached('before batch')
      await store.batch(operations, options)
      this.#reached('after batch')
    }
    return replace(store, { batch })
  }

  #reached(point: Point): void {
    if (point !== this.#point || --this.#times > 0) return
    process.kill(process.pid, 'SIGKILL')
  }
}

function isCommit(body: Uint8Array): boolean {
  if (body[0] !== FRAME.ack) return false
  const frame = decodeFrame(body)
  return frame.type === 'ack' && frame.acks.some(({ pair, state }) => pair !== 0 && state === COMMITTED)
}
