import type { PeerId } from '@brume/ports'
import { MALFORMED_BAN_MS } from '../limits.ts'
import { emit, type Turn } from './state.ts'

/** The sender broke the protocol: told to reputation, and refused for a minute. */
export function blame(turn: Turn, peer: PeerId, reason: string): void {
  emit(turn, { type: 'malformed', peer, reason })
  emit(turn, { type: 'drop', peer, banMs: MALFORMED_BAN_MS, reason })
}
