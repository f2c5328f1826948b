import { CodecError } from '@brume/codec'
import type { PeerId } from '@brume/ports'
import { RuntimeError, type RuntimeErrorCode } from '../error.ts'
import type { Json } from '../logic/port.ts'
import { readOptions, writeOptions } from './durable/record.ts'
import { refusalError } from './errors.ts'
import { isCount, offerOf } from './move/arrivals.ts'
import { tokenOf } from './move/departures.ts'
import type { Parts } from './parts.ts'
import type { Place } from './places.ts'
import { REFUSAL, type Refusal, type SpawnOptions } from './port.ts'
import { spawnOptions, storedOptions } from './records.ts'

/** What one peer wants of another; `do` says what. Each may come again, where a link lost its memory, and does no harm then. */
export type Command =
  /** Of this peer's admins. */
  | { readonly do: 'spawn'; readonly kind: string; readonly version: number | null; readonly options: Json }
  | { readonly do: 'stop' | 'resurrect' }
  | { readonly do: 'move'; readonly peer: PeerId }
  | {
      readonly do: 'offer'
      readonly token: Uint8Array
      readonly from: string
      readonly bytes: number
      readonly name: string
      readonly version: number
      readonly logic: Uint8Array
    }
  /** Of the other end of a move. */
  | { readonly do: 'parcel'; readonly token: Uint8Array; readonly at: number }
  | { readonly do: 'decision' | 'settle' | 'settled'; readonly token: Uint8Array }

type Body = { readonly [field: string]: Json }

/** What peers do for each other besides taking events. */
export class Commands {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws RuntimeError: as it was thrown there, or because the peer is not reached */
  async send(target: string, command: Command): Promise<Json> {
    const { remote } = this.#parts.options
    if (remote === undefined) throw refusalError('unreachable', target)
    const answer = (await remote.command(target, command as Json)) as Body | null
    if (answer !== null && typeof answer === 'object' && 'value' in answer) return answer.value ?? null
    const { code, message } = answer ?? {}
    const isCode = typeof code === 'string' && /^BRUME_RUNTIME_[A-Z_]{1,32}$/.test(code)
    if (!isCode) throw refusalError('invalid', target)
    throw new RuntimeError(code as RuntimeErrorCode, `${target}: ${String(message)}`)
  }

  spawn(address: string, kind: string, options: SpawnOptions): Promise<Json> {
    const { durability = 'snapshot', allow, version = null } = options
    if (typeof allow === 'function') throw new RuntimeError('BRUME_RUNTIME_TARGET', 'a rule of allow cannot be sent')
    return this.send(address, {
      ...{ do: 'spawn', kind, version },
      options: writeOptions(storedOptions({ options, durability }))
    })
  }

  /** As `Kernel.obey`. @throws RuntimeError with a refusal; other errors are part of the answer */
  async obey(peer: PeerId, target: string, body: Json): Promise<Json> {
    const place = this.#placeOf(target)
    const command = bodyOf(body)
    if (FOR_ADMINS.has(String(command.do)) && !this.#isAdmin(peer)) throw refusalError('forbidden', target)
    try {
      return { value: await this.#do(peer, place, command) }
    } catch (error) {
      if (error instanceof CodecError) throw refusalError('invalid', target)
      if (!(error instanceof RuntimeError) || isRefusal(error)) throw error
      return { code: error.code, message: error.message }
    }
  }

  async #do(peer: PeerId, { path }: Place, command: Body): Promise<Json> {
    const { departures, arrivals } = this.#parts
    switch (command.do) {
      case 'spawn':
        return this.#spawn(path, command)
      case 'stop':
        return this.#stop(path)
      case 'resurrect':
        await this.#parts.resurrect(path)
        return null
      case 'move':
        return this.#move(path, command)
      case 'offer':
        await arrivals.offered(peer, offerOf(command))
        return null
      case 'parcel':
        return departures.chunk(peer, path, tokenOf(command.token), isCount(command.at) ? command.at : 0)
      case 'decision':
        return departures.decision(path, tokenOf(command.token))
      case 'settle':
        await arrivals.settle(peer, tokenOf(command.token), true)
        return null
      case 'settled':
        departures.told(path, tokenOf(command.token))
        return null
      default:
        throw refusalError('invalid', path)
    }
  }

  #spawn(path: string, { kind, version, options }: Body): Json {
    if (typeof kind !== 'string') throw refusalError('invalid', path)
    const given = spawnOptions(readOptions(options as Parameters<typeof readOptions>[0]))
    const { spawner, scheduler } = this.#parts
    const which = isCount(version) ? { version } : {}
    let address = ''
    scheduler.held(() => {
      address = spawner.root(path, kind, { ...given, ...which })
    })
    return address
  }

  async #stop(path: string): Promise<Json> {
    await this.#parts.stop(path)
    return null
  }

  async #move(path: string, { peer }: Body): Promise<Json> {
    if (typeof peer !== 'string') throw refusalError('invalid', path)
    return this.#parts.move(path, peer)
  }

  #isAdmin(peer: PeerId): boolean {
    const { self, admins = [] } = this.#parts.options
    return peer === self || admins.includes(peer)
  }

  /** What is brume's own is nobody's to command. @throws RuntimeError */
  #placeOf(target: string): Place {
    const place = this.#parts.places.find(target)
    if (!place.isHere) throw refusalError('noactor', target)
    if (place.path === 'sys' || place.path.startsWith('sys/')) throw refusalError('forbidden', target)
    return place
  }
}

const FOR_ADMINS: ReadonlySet<string> = new Set<Command['do']>(['spawn', 'stop', 'resurrect', 'move', 'offer'])

function bodyOf(body: Json): Body {
  if (typeof body === 'object' && body !== null && !Array.isArray(body) && 'do' in body) return body as Body
  throw refusalError('invalid', 'a command')
}

/** What another peer is told by number. */
function isRefusal({ code }: RuntimeError): boolean {
  const name = code.slice('BRUME_RUNTIME_'.length).toLowerCase()
  return (name as Refusal) in REFUSAL
}
