import { keyFromPeerId } from '@brume/crypto'
import type { PeerId } from '@brume/ports'
import { type AddressNeeds, multiaddrFault } from './multiaddr.ts'

/** What a setting must be, said so that `expected ${...}` completes a sentence; thrown by readers. */
export class Unfit extends Error {}

/** Takes a JSON value, or text from a flag or variable; returns the setting or throws `Unfit`. */
export type Reader<T> = (value: unknown) => T

/** As Linux has it. */
const PATH_MAX = 4_096

/** One of these words or numbers. */
export function choice<const T extends string | number>(...options: readonly T[]): Reader<T> {
  return (value) => {
    const found = options.find((option) => option === value || String(option) === value)
    if (found === undefined) throw new Unfit(`one of ${options.join(', ')}`)
    return found
  }
}

/** A whole number between these, both included. */
export function count(min: number, max: number): Reader<number> {
  return (value) => {
    const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
    if (typeof number !== 'number' || !Number.isInteger(number) || number < min || number > max)
      throw new Unfit(`a whole number from ${min} to ${max}`)
    return number
  }
}

export const bool: Reader<boolean> = (value) => {
  if (value === true || value === 'true' || value === '1') return true
  if (value === false || value === 'false' || value === '0') return false
  throw new Unfit('true or false')
}

/** Text of so many bytes of UTF-8, without control characters. */
export function text(bytesMin: number, bytesMax: number): Reader<string> {
  return (value) => {
    const fits =
      typeof value === 'string' &&
      value.isWellFormed() &&
      !/\p{Cc}/u.test(value) &&
      Buffer.byteLength(value) >= bytesMin &&
      Buffer.byteLength(value) <= bytesMax
    if (!fits) throw new Unfit(`text of ${bytesMin} to ${bytesMax} bytes`)
    return value
  }
}

/** A list; as text its items are separated by commas. */
function list(value: unknown): readonly unknown[] {
  if (typeof value === 'string') return value.split(',').flatMap((part) => part.trim() || [])
  if (Array.isArray(value)) return value
  throw new Unfit('a list')
}

/** Some of these words, each at most once. */
export function words<const T extends string>(...options: readonly T[]): Reader<readonly T[]> {
  const one = choice(...options)
  return (value) => [...new Set(list(value).map(one))]
}

/** Paths of files, as a person writes them. */
export function paths(max: number): Reader<readonly string[]> {
  return (value) => {
    const items = list(value)
    const fits = (item: unknown): boolean => typeof item === 'string' && item.length > 0 && item.length <= PATH_MAX
    if (items.length > max || !items.every(fits)) throw new Unfit(`at most ${max} paths of files`)
    return items.map(String)
  }
}

/** Ids of peers. */
export function peerIds(max: number): Reader<readonly PeerId[]> {
  return (value) => {
    const items = list(value)
    const isId = (item: unknown): boolean => typeof item === 'string' && keyFromPeerId(item) !== undefined
    if (items.length > max || !items.every(isId)) throw new Unfit(`at most ${max} peer ids such as 12D3KooW...`)
    return items.map(String)
  }
}

/** A list of multiaddrs. */
export function multiaddrs(max: number, needs: AddressNeeds = {}): Reader<readonly string[]> {
  const example = needs.peer ? '/ip4/192.0.2.1/tcp/4720/p2p/12D3KooW...' : '/ip4/0.0.0.0/tcp/4720'
  return (value) => {
    const items = list(value)
    if (items.length > max) throw new Unfit(`at most ${max} multiaddrs`)
    return items.map((item) => {
      const fault = typeof item === 'string' ? multiaddrFault(item, needs) : 'one is not text'
      if (fault !== undefined) throw new Unfit(`multiaddrs such as ${example} (${fault})`)
      return String(item)
    })
  }
}
