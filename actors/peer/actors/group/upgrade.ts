import { equal } from '@brume/codec'
import { peerIdFromKey } from '@brume/crypto'
import type { Store } from '@brume/ports'
import { addressOf } from '@brume/protocols/actors/proof'
import { decodeManifest, type Manifest } from '@brume/protocols/quorum'
import { checkMigration, decodeTerms, encodeCommand, encodeTerms, RUNTIME } from '@brume/runtime/replica'
import type { Executors } from '../executors.ts'
import type { QuorumOptions } from '../types.ts'
import { trialOf } from './beginning.ts'
import { type Certified, readFrozen, readWhole } from './certified.ts'
import type { Directory, GroupAccess } from './directory.ts'
import { type FormingOptions, formGroup, keyOf } from './form.ts'
import type { Replicable } from './hosting.ts'
import { GroupRef } from './ref.ts'
import { refusal } from './refusals.ts'

export interface UpgradesOptions extends FormingOptions {
  readonly directory: Directory
  readonly executor: Executors['create']
  /** Manifests of successors that were founded here, by group and logic. */
  readonly store: Store
}

export interface UpgradeWish {
  /** Of the machine that runs now. */
  readonly version: number
  readonly quorum: Partial<QuorumOptions>
}

/**
 * Manifests never change, so another version of a replicated machine is another group: the old one is frozen, members
 * of the new one have its state shown and migrate it, and then the old one says where its actor went on.
 */
export class Upgrades {
  readonly #options: UpgradesOptions

  constructor(options: UpgradesOptions) {
    this.#options = options
  }

  /**
   * Whatever keeps it from being done, it can be tried again and goes on where it was; nothing is frozen before the
   * migration was tried on the state as it was then.
   *
   * @returns the address of the successor, also where it was the successor before
   * @throws RuntimeError FORBIDDEN where this peer is no admin, and as for spawning; ReplicaError NONDETERMINISTIC
   */
  async upgrade(address: string, logic: Replicable, wish: UpgradeWish): Promise<string> {
    const { directory, clock, executor, net } = this.#options
    const ref = new GroupRef({ address, clock, group: () => directory.current(address) })
    await ref.snapshot()
    const group = await directory.current(address)
    const { logicId, ...bundled } = await logic.bundle()
    const { admins, logicId: before } = decodeTerms(decodeManifest(group.manifest).program)
    if (equal(before, logicId)) return addressOf(group.manifest)
    if (!admins.some((key) => equal(key, keyOf(net.self)))) {
      throw refusal('forbidden', `this peer is no admin of ${address}`)
    }
    const trial = trialOf(await readWhole(group, group.atLeast), wish.version)
    await checkMigration(() => executor({ ...bundled, logicId }, trial))
    await ref.stop()
    const successor = await this.#succeed(group, logicId, await readFrozen(group, clock), wish)
    await ref.order({ kind: 'freeze', successor })
    group.successor = successor
    return successor
  }

  async #succeed(group: GroupAccess, logicId: Uint8Array, state: Certified, wish: UpgradeWish): Promise<string> {
    const { directory, store } = this.#options
    const key = Buffer.concat([group.groupId, logicId])
    const known = await store.get(key)
    const manifest = known ?? (await this.#form(group, logicId, state, wish))
    if (known === undefined) await store.batch([{ type: 'put', key, value: manifest }], { sync: true })
    const { commands } = await directory.learn(manifest)
    await commands.send(encodeCommand({ kind: 'noop' })).attested
    return addressOf(manifest)
  }

  #form(group: GroupAccess, logicId: Uint8Array, { stateRoot }: Certified, wish: UpgradeWish): Promise<Uint8Array> {
    const manifest = decodeManifest(group.manifest)
    const { admins } = decodeTerms(manifest.program)
    const terms = {
      ...{ logicId, runtime: RUNTIME, inputDigest: stateRoot },
      admins: wish.quorum.admins?.map(keyOf) ?? admins,
      origin: { groupId: group.groupId, version: wish.version }
    }
    const founding = { name: manifest.name, quorum: quorumOf(manifest, wish), program: encodeTerms(terms), input: null }
    return formGroup(founding, this.#options)
  }
}

/** Whatever is not wished is as it was. */
function quorumOf({ members, pace, admit }: Manifest, { quorum }: UpgradeWish): QuorumOptions {
  return {
    members: members.map(({ peer }) => peer),
    deltaMs: pace.deltaMs,
    admit: admit.type === 'listed' ? admit.keys.map(peerIdFromKey) : admit.type,
    ...quorum
  }
}
