import { PeerError } from '../errors.ts'
import type { Arguments } from './messages.ts'

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** @throws PeerError USAGE */
export function textOf(args: Arguments, name: string): string {
  const value = args[name]
  if (typeof value !== 'string' || value === '') throw wrong(name)
  return value
}

/** @throws PeerError USAGE */
export function bytesOf(args: Arguments, name: string): Uint8Array {
  return new Uint8Array(Buffer.from(textOf(args, name), 'base64'))
}

/** @throws PeerError USAGE */
export function countOf(args: Arguments, name: string): number {
  const value = args[name]
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw wrong(name)
  return Number(value)
}

export function wrong(name: string): PeerError {
  return new PeerError('BRUME_PEER_USAGE', `"${name}" is missing or not what it should be`)
}
