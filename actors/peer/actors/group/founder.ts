import { asArray, asBytes, asText, decode, encode, equal, utf8 } from '@brume/codec'
import type { Store } from '@brume/ports'
import { addressOf } from '@brume/protocols/actors/proof'
import { RuntimeError } from '@brume/runtime'
import { encodeTerms, inputDigest, type Json, RUNTIME } from '@brume/runtime/replica'
import { PeerError } from '../../errors.ts'
import type { QuorumOptions } from '../types.ts'
import type { Directory } from './directory.ts'
import { type FormingOptions, formGroup, keyOf } from './form.ts'
import type { Replicable } from './hosting.ts'

export interface FounderOptions extends FormingOptions {
  readonly directory: Directory
  /** Of the groups founded here, by id. */
  readonly store: Store
}

export interface Wish {
  readonly id: string
  readonly quorum: QuorumOptions | undefined
  readonly input: unknown
}

/** Groups of replicated actors that this peer has founded: the same wish twice is one group. */
export class Founder {
  readonly #options: FounderOptions
  readonly #underWay = new Map<string, Promise<string>>()

  constructor(options: FounderOptions) {
    this.#options = options
  }

  /**
   * @returns the address
   * @throws RuntimeError UNREACHABLE, REJECTED, PATH_TAKEN; PeerError USAGE; ReplicaError BUNDLE; CommitteeError
   */
  found(logic: Replicable, wish: Wish): Promise<string> {
    const before = this.#underWay.get(wish.id)
    const now = (before ?? Promise.resolve('')).catch(() => '').then(() => this.#found(logic, wish))
    this.#underWay.set(wish.id, now)
    return now.finally(() => this.#underWay.get(wish.id) === now && this.#underWay.delete(wish.id))
  }

  async #found({ name, bundle }: Replicable, { id, quorum, input = null }: Wish): Promise<string> {
    const { logicId } = await bundle()
    const known = await this.#known(id)
    if (known !== undefined && equal(known.logicId, logicId)) return this.#address(known.manifest)
    if (known !== undefined) {
      throw new RuntimeError('BRUME_RUNTIME_PATH_TAKEN', `${id} is a group that runs ${known.name} in another form`)
    }
    if (quorum === undefined) {
      throw new PeerError('BRUME_PEER_USAGE', 'mode bft needs quorum: { members }, the peers that replicate it')
    }
    const admins = (quorum.admins ?? [this.#options.net.self]).map(keyOf)
    const terms = { logicId, runtime: RUNTIME, inputDigest: inputDigest(input as Json), admins, origin: null }
    const founding = { name: id, quorum, program: encodeTerms(terms), input: encode(input as Json) }
    const manifest = await formGroup(founding, this.#options)
    const value = encode([name, logicId, manifest])
    await this.#options.store.batch([{ type: 'put', key: utf8(id), value }], { sync: true })
    return this.#address(manifest)
  }

  async #known(id: string) {
    const bytes = await this.#options.store.get(utf8(id))
    if (bytes === undefined) return undefined
    const [name, logicId, manifest] = asArray(decode(bytes, { bytesMax: 66_000 }), 'founded', 3)
    return {
      name: asText(name, 'name', 64),
      logicId: asBytes(logicId, 'logicId', 32),
      manifest: asBytes(manifest, 'manifest', { min: 1, max: 65_536 })
    }
  }

  async #address(manifest: Uint8Array): Promise<string> {
    await this.#options.directory.learn(manifest)
    return addressOf(manifest)
  }
}
