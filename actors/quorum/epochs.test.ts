import { DEFAULT_POLICY, KIND, NO_DIGEST, signedBytes } from '@brume/consensus'
import { proverFromSeed } from '@brume/crypto/vrf'
import { makeEvidence, type SystemCommand } from '@brume/protocols/quorum'
import { describe, expect, test } from 'vitest'
import { clientOf, type Member, person, systemOf, type Terms, World } from './samples.ts'

const ONES = (n: number) => Array.from({ length: n }, () => 1)
const HALF_A_MINUTE = 30_000

/** A group whose members can be asked for things, and which is asked for as many blocks as a test needs. */
class Scene {
  readonly world: World
  readonly #line: (line: string) => Uint8Array
  readonly #callers = new Map<number, (command: SystemCommand) => Uint8Array>()
  #lines = 0

  private constructor(world: World) {
    this.world = world
    this.#line = clientOf(world.manifest, () => world.clock.wall())
  }

  static async of(n: number, terms: Terms = {}): Promise<Scene> {
    const world = await World.of(ONES(n), [], terms)
    const scene = new Scene(world)
    expect(await scene.until(() => scene.members.every(inState('voting')))).toBe(true)
    return scene
  }

  /** Members that are up. */
  get members(): readonly Member[] {
    return this.world.alive
  }

  until(done: () => boolean): Promise<boolean> {
    return this.world.until(done, HALF_A_MINUTE)
  }

  /** Has a command to the quorum made final. */
  async system(by: number, command: SystemCommand): Promise<void> {
    const call = this.#callers.get(by) ?? systemOf(this.world.manifest, () => this.world.clock.wall(), by)
    this.#callers.set(by, call)
    await this.#submit(call(command))
  }

  /** Has one command of a client made final. */
  async line(): Promise<void> {
    this.#lines += 1
    await this.#submit(this.#line(`line ${this.#lines}`))
  }

  async #submit(bytes: Uint8Array): Promise<void> {
    const speaker = this.members.find(inState('voting'))
    let final = false
    void speaker?.group.submit(bytes).final.then(() => (final = true))
    expect(await this.until(() => final)).toBe(true)
  }

  /** Goes on until every member that is up is in that epoch at the least. */
  async reach(epoch: number): Promise<void> {
    for (let i = 0; i < 100 && this.members.some((member) => epochOf(member) < epoch); i++) {
      await this.line()
      await this.world.clock.pass(200)
    }
    expect(await this.until(() => this.members.every((member) => epochOf(member) >= epoch))).toBe(true)
  }

  /** All that are up hold the same log and the same record, once they are at rest. */
  async expectAgreement(): Promise<void> {
    const heights = () => new Set(this.members.map(({ group }) => group.status().height))
    expect(await this.until(() => heights().size === 1)).toBe(true)
    // Programs go their own pace, and one that has forgotten gets its state from others.
    expect(await this.until(() => this.members.every(({ tape }) => tape.lines.length === this.#lines))).toBe(true)
    const [first] = this.members
    for (const { group, tape } of this.members) {
      expect(group.status().digest).toBe(first?.group.status().digest)
      expect(group.record?.digest()).toBe(first?.group.record?.digest())
      expect(tape.lines).toEqual(first?.tape.lines)
    }
  }
}

const epochOf = ({ group }: Member) => group.status().epoch
const inState = (state: string) => (member: Member) => member.group.status().state === state
const weightsOf = ({ group }: Member) => group.status().members.map(({ weight }) => weight)
const peersOf = ({ group }: Member) => group.status().members.map(({ peer }) => peer)
const at = (scene: Scene, index: number): Member => {
  const member = scene.world.members[index]
  if (member === undefined) throw new RangeError(`no member ${index}`)
  return member
}

function joinOf(number: number): SystemCommand {
  const { peerId, publicKey, seed } = person(number)
  const vrfKey = proverFromSeed(seed).publicKey
  const fields = { operator: '', site: 'here', hardware: '', volatile: false, attestation: null }
  return { name: 'join', candidate: { peer: peerId, key: publicKey, vrfKey, ...fields } }
}

const vouchFor = (number: number, admit = true): SystemCommand => ({
  name: 'vouch',
  subject: person(number).publicKey,
  admit,
  class: 1,
  untilEpoch: 100
})

describe('epochs', { timeout: 60_000 }, () => {
  test('turn over after so many blocks: weights become those of the classes, leaders are drawn anew', async () => {
    const scene = await Scene.of(4, { pace: { epochBlocks: 4 } })
    const seeds = new Set<string>()
    for (let epoch = 0; epoch < 4; epoch++) {
      await scene.reach(epoch)
      const [first] = scene.members
      if (first === undefined) throw new RangeError('nobody')
      const { seed, drawn } = first.group.record?.membership ?? { seed: new Uint8Array(), drawn: [] }
      seeds.add(Buffer.from(seed).toString('hex'))
      expect(drawn.length).toBeLessThanOrEqual(4)
      expect(weightsOf(first)).toEqual(epoch < 2 ? [1, 1, 1, 1] : [100, 100, 100, 100])
      expect(scene.members.every(inState('voting'))).toBe(true)
    }
    expect(seeds.size).toBe(4)
    await scene.expectAgreement()
  })

  test('a member leaves: after two extra blocks it is out, follows, and the rest go on', async () => {
    const scene = await Scene.of(5)
    await scene.system(2, { name: 'leave' })
    expect(await scene.until(() => scene.members.every((member) => epochOf(member) === 2))).toBe(true)
    expect(peersOf(at(scene, 0))).not.toContain(person(2).peerId)
    expect(peersOf(at(scene, 0)).length).toBe(4)
    expect(await scene.until(() => inState('observing')(at(scene, 2)))).toBe(true)
    for (let i = 0; i < 5; i++) await scene.line()
    await scene.expectAgreement()
    await scene.world.clock.pass(20_000)
    expect(epochOf(at(scene, 0))).toBe(2)
  })

  test('a member that is proven to lie is put out by the same way', async () => {
    const scene = await Scene.of(5)
    await scene.line()
    const { committee, index } = seatOf(scene, 3)
    const sign = (kind: 2 | 3) => {
      const named = kind === KIND.finalize
      const digest = named ? '11'.repeat(32) : NO_DIGEST
      const statement = signedBytes(committee, { kind, epoch: 0, view: 9, parentView: named ? 8 : 0, digest })
      return { statement: Uint8Array.from(statement), signature: person(3).sign(statement) }
    }
    const evidence = makeEvidence(person(3).publicKey, sign(KIND.nullify), sign(KIND.finalize))
    if (evidence === undefined || index < 0) throw new RangeError('no evidence')
    await scene.system(1, { name: 'evidence', evidence })
    // What that process did not say itself somebody else with its key did, so it stops when it hears of the proof.
    expect(await scene.until(() => inState('halted')(at(scene, 3)))).toBe(true)
    await scene.world.crash(3)
    expect(await scene.until(() => scene.members.every((member) => epochOf(member) === 2))).toBe(true)
    expect(peersOf(at(scene, 0))).not.toContain(person(3).peerId)
    await scene.line()
    await scene.expectAgreement()
  })

  test('a candidate with most members behind it becomes a member; one with half of them does not', async () => {
    const scene = await Scene.of(4, { pace: { epochBlocks: 6 } })
    const joiner = await scene.world.observe()
    expect(await scene.until(() => inState('observing')(joiner))).toBe(true)
    await scene.system(4, joinOf(4))
    for (const by of [0, 1, 2]) await scene.system(by, vouchFor(4))
    await scene.system(77, joinOf(77))
    for (const by of [0, 1]) await scene.system(by, vouchFor(77))
    await scene.reach(joiner.group.status().epoch + 3)
    expect(await scene.until(() => inState('voting')(joiner))).toBe(true)
    expect(peersOf(joiner)).toContain(person(4).peerId)
    expect(peersOf(joiner)).not.toContain(person(77).peerId)
    const weights = joiner.group.status().members.map(({ peer, weight }) => [peer === person(4).peerId, weight])
    expect(weights.filter(([isNew]) => isNew)).toEqual([[true, 150]])
    const said = scene.world.said(4).length
    await scene.reach(epochOf(joiner) + 1)
    expect(scene.world.said(4).length).toBeGreaterThan(said)
    await scene.expectAgreement()
  })

  test('a member that most others no longer vouch for is out, and the committee shrinks', async () => {
    const scene = await Scene.of(5, { pace: { epochBlocks: 5 } })
    for (const by of [0, 1, 2]) await scene.system(by, vouchFor(4, false))
    await scene.reach(2)
    await scene.reach(3)
    expect(peersOf(at(scene, 0))).not.toContain(person(4).peerId)
    expect(at(scene, 0).group.status().weight.total).toBe(400)
    await scene.expectAgreement()
  })

  test('requests of more than F close the epoch at once, commands or not', async () => {
    const scene = await Scene.of(4)
    await scene.system(0, { name: 'close' })
    await scene.world.clock.pass(10_000)
    expect(epochOf(at(scene, 0))).toBe(0)
    await scene.system(1, { name: 'close' })
    expect(await scene.until(() => scene.members.every((member) => epochOf(member) === 1))).toBe(true)
    await scene.line()
    await scene.expectAgreement()
  })

  test('a group that idled beyond the end of its epoch closes it with the next blocks, and not before', async () => {
    const scene = await Scene.of(4, { pace: { epochMs: 60_000 } })
    await scene.line()
    await scene.world.clock.pass(600_000)
    expect(epochOf(at(scene, 0))).toBe(0)
    expect(scene.members.every(({ group }) => group.status().dormant)).toBe(true)
    for (let i = 0; i < 2; i++) await scene.line()
    expect(await scene.until(() => scene.members.every((member) => epochOf(member) === 1))).toBe(true)
    await scene.line()
    await scene.expectAgreement()
  })

  test('where no committee can be formed the one before goes on, with an alarm', async () => {
    const sites = ['a', 'b', 'c', 'd', 'd']
    const policy = { ...DEFAULT_POLICY, diversity: [{ attribute: 'site', minDistinct: 3 }] }
    const scene = await Scene.of(5, { sites, policy })
    await scene.system(0, { name: 'leave' })
    expect(await scene.until(() => scene.members.every((member) => epochOf(member) === 2))).toBe(true)
    expect(peersOf(at(scene, 0))).toContain(person(0).peerId)
    expect(await at(scene, 1).registry.metrics()).toMatch(
      /brume_quorum_formation_failed_total\{[^}]*diversity[^}]*\} [1-9]/
    )
    await scene.line()
    await scene.expectAgreement()
  })
})

function seatOf(scene: Scene, number: number) {
  const record = at(scene, 0).group.record
  if (record === null) throw new RangeError('no record')
  const { committee, membership } = record
  return { committee, index: membership.members.findIndex(({ peer }) => peer === person(number).peerId) }
}

describe('who was away while epochs passed', { timeout: 60_000 }, () => {
  test('a member two epochs behind fetches all of them, judges each by its own committee, and votes again', async () => {
    const scene = await Scene.of(4, { pace: { epochBlocks: 5 } })
    await scene.line()
    await scene.world.crash(3)
    await scene.reach(3)
    await scene.world.restart(3)
    expect(await scene.until(() => inState('voting')(at(scene, 3)) && epochOf(at(scene, 3)) >= 3)).toBe(true)
    const said = scene.world.said(3).length
    await scene.reach(4)
    expect(scene.world.said(3).length).toBeGreaterThan(said)
    await scene.expectAgreement()
  })

  test('a member that is put out meanwhile is told so by those that do not count it any more, and follows', async () => {
    const scene = await Scene.of(4, { pace: { epochBlocks: 5 } })
    await scene.system(3, { name: 'leave' })
    await scene.world.crash(3)
    await scene.reach(4)
    expect(seatOf(scene, 3).index).toBe(-1)
    await scene.world.restart(3)
    const isThere = () => inState('observing')(at(scene, 3)) && epochOf(at(scene, 3)) === epochOf(at(scene, 0))
    expect(await scene.until(isThere)).toBe(true)
    await scene.expectAgreement()
  })

  test('a member cut off while its epoch ends is told by the old instance, and goes on in the next', async () => {
    const scene = await Scene.of(4, { pace: { epochBlocks: 5 } })
    await scene.world.crash(2)
    await scene.reach(1)
    await scene.world.restart(2)
    expect(await scene.until(() => inState('voting')(at(scene, 2)) && epochOf(at(scene, 2)) === 1)).toBe(true)
    await scene.expectAgreement()
  })

  test('everybody crashes around a closing block, again and again: nobody contradicts itself', {
    timeout: 60_000
  }, async () => {
    const scene = await Scene.of(4, { pace: { epochBlocks: 3 }, durable: true })
    for (let round = 0; round < 12; round++) {
      const before = Math.max(...scene.members.map(epochOf))
      for (let i = 0; i < 20 && Math.max(...scene.members.map(epochOf)) === before; i++) await scene.line()
      await scene.world.clock.pass(round * 0.6)
      for (const { index } of scene.world.members) await scene.world.crash(index)
      for (const { index } of scene.world.members) await scene.world.restart(index)
      expect(await scene.until(() => scene.members.every(inState('voting')))).toBe(true)
    }
    await scene.line()
    await scene.expectAgreement()
    for (const { index } of scene.world.members) expectOneVoice(scene.world, index)
  })

  test('a member that finds no quorum follows its group out of an epoch that is long over', async () => {
    const scene = await Scene.of(4, { pace: { epochBlocks: 3 } })
    await scene.world.crash(3)
    await scene.reach(2)
    for (const index of [1, 2]) await scene.world.crash(index)
    await scene.world.restart(3)
    expect(await scene.until(() => epochOf(at(scene, 3)) >= 2)).toBe(true)
    expect(inState('joining')(at(scene, 3))).toBe(true)
    await scene.world.restart(1)
    expect(await scene.until(() => inState('voting')(at(scene, 3)))).toBe(true)
    await scene.line()
    await scene.expectAgreement()
  })

  test('an observer that knows the manifest alone follows from the first block through every epoch', async () => {
    const scene = await Scene.of(4, { pace: { epochBlocks: 4 } })
    await scene.reach(3)
    const observer = await scene.world.observe()
    expect(await scene.until(() => inState('observing')(observer))).toBe(true)
    await scene.reach(4)
    await scene.expectAgreement()
    expect(scene.world.said(4)).toEqual([])
  })
})

/** One vote of a kind for a view of an epoch, through all restarts. */
function expectOneVoice(world: World, index: number): void {
  const said = new Map<string, string>()
  for (const [key, what] of world.said(index)) {
    expect(said.get(key) ?? what).toBe(what)
    said.set(key, what)
  }
}
