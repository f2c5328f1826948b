import type { Journal } from '@brume/ports'
import { JournalError } from '@brume/store'

const PAYLOAD_BYTES_MAX = 65_536

/**
 * The journal of a peer without a data directory. It keeps nothing: the key that speaks under it is as young as it, so
 * there is nothing to contradict. Confirms later, in order, and never replays.
 */
export function memoryJournal(): Journal {
  let next = 1
  let closed = false
  return {
    verdict: 'clean',
    since: 1,
    cutAt: 0,
    replay: () => [],
    append(_, payload, synced) {
      if (payload.length < 1 || payload.length > PAYLOAD_BYTES_MAX) {
        throw new JournalError('BRUME_JOURNAL_RECORD', `a record takes 1 to ${PAYLOAD_BYTES_MAX} bytes`)
      }
      const error = closed ? new JournalError('BRUME_JOURNAL_CLOSED', 'the journal is closed') : undefined
      Promise.resolve().then(() => synced?.(error))
      return error === undefined ? next++ : 0
    },
    release: () => undefined,
    syncP95Ms: () => 0,
    close: async () => {
      closed = true
    }
  }
}
