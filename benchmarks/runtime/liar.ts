import type { Group } from '@brume/actors/quorum'
import type { Committee } from '@brume/consensus'
import { type Identity, identityFromSeed } from '@brume/crypto'
import { createNet } from '@brume/net'
import type { PeerPorts } from '@brume/peer'
import { committeeOf, encodeManifest, type Manifest } from '@brume/protocols/quorum'
import { Misbehaviour, type MisbehaviourOptions } from '@brume/testnet/misbehaviour'

/** A peer that keeps to the rules until it is told to break those of its group, on the wire and with its own key. */
export class Liar implements MisbehaviourOptions {
  readonly clientKey = (name: string): string => name
  readonly #misbehaviour = new Misbehaviour(this)
  #identity: Identity | undefined
  #manifest: Manifest | undefined
  #committee: Committee | undefined

  /** For the peer that is to lie. */
  get ports(): Partial<PeerPorts> {
    return {
      makeNet: (options) => {
        this.#identity = identityFromSeed(options.seed)
        return createNet(options)
      },
      wrapNet: (net) => this.#misbehaviour.wrap(net)
    }
  }

  get identity(): Identity {
    return known(this.#identity)
  }

  get self(): string {
    return this.identity.peerId
  }

  get accomplices(): readonly string[] {
    return [this.self]
  }

  get members(): readonly string[] {
    return known(this.#manifest).members.map(({ peer }) => peer)
  }

  get committee(): Committee {
    return known(this.#committee)
  }

  /** Frames that were not what an honest member would have sent. */
  get misdeeds(): number {
    return this.#misbehaviour.count
  }

  /** From here on it says nothing at all, or proposes two blocks whenever it leads. */
  begin({ manifest }: Group, behaviour: 'silent' | 'equivocate'): void {
    this.#manifest = manifest
    this.#committee = committeeOf(encodeManifest(manifest))
    this.#misbehaviour.behave({ behaviour, clients: [], delayMs: 0 })
  }
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('it lies before it has a group')
  return value
}
