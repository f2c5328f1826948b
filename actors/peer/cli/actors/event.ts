import { PeerError } from '../../errors.ts'

/** Enough to see which one is meant; a command line takes 128 KiB. */
const SHOWN_CHARACTERS_MAX = 80

/** The event that was written as JSON. @throws PeerError USAGE for what is none, and for numbers that would not arrive as written */
export function readEvent(text: string): unknown {
  try {
    return JSON.parse(text, (_, value) => finite(value))
  } catch (error) {
    if (error instanceof PeerError) throw error
    const shown = text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}...` : text
    throw new PeerError('BRUME_PEER_USAGE', `${shown} is not JSON; quote it for the shell: '{"type":"add"}'`, error)
  }
}

/** `1e999` is JSON and no number that could be passed on: JSON writes infinity as null. */
function finite(value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value
  throw new PeerError('BRUME_PEER_USAGE', 'the event holds a number that is too large for one of 64 bits')
}
