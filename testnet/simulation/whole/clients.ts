import { createQuorum, type QuorumClient, QuorumError, readLeaf } from '@brume/actors/quorum'
import { createLog, createRegistry } from '@brume/observe'
import { encodeCall, groupIdOf } from '@brume/protocols/quorum'
import { createSystem } from '@brume/runtime'
import { memoryStore, type SimRandom } from '@brume/testkit'
import { between } from '../world/streams.ts'
import type { Scene, WholePeer } from './peer.ts'
import type { Person } from './people.ts'
import { LOG_DOMAIN } from './program.ts'
import { tapped } from './tap.ts'

/** How long a command may wait; then its client wants to know. */
const EXPIRES_MS = 15_000
/** What a client says of a command for good: it never takes effect. */
const LASTING = ['BRUME_QUORUM_EXPIRED', 'BRUME_QUORUM_SEQUENCE_OLD']
const RIVALS = 0.1
const REPEATS = 0.1
const READ_WITHIN_MS = 8_000
const PAUSE_MS = { low: 5, high: 300 } as const

/** People that use the group and take no part in it: what they are told goes to the oracle. */
export class Clients {
  readonly #scene: Scene
  readonly #random: SimRandom
  readonly #remote = new Map<number, QuorumClient>()
  #working = 0
  #isOver = false

  constructor(scene: Scene, random: SimRandom) {
    this.#scene = scene
    this.#random = random
  }

  get isIdle(): boolean {
    return this.#working === 0
  }

  /** Nobody begins anything any more. */
  end(): void {
    this.#isOver = true
  }

  /** A client on a peer of its own. @param number - of the person that uses it */
  of(number: number): QuorumClient {
    const known = this.#remote.get(number)
    if (known !== undefined) return known
    const { clock, net, manifest, log: runLog } = this.#scene
    const { identity } = this.#person(number)
    const log = createLog({ level: 'silent' })
    const quorum = createQuorum({
      ...{ identity, clock, log, journal: null, store: memoryStore(), registry: createRegistry() },
      net: tapped(net.start(identity.peerId), {
        sent: (to, protocol, body) => runLog.add(number, 'sent', `${protocol} ${to}`, body),
        heard: (from, protocol, body) => runLog.add(number, 'heard', `${protocol} ${from}`, body)
      }),
      kernel: createSystem({ clock, random: this.#random.stream(`client:${number}`), log, self: identity.peerId }),
      keepConnected: () => () => {}
    })
    const client = quorum.client(manifest, { domain: LOG_DOMAIN })
    this.#remote.set(number, client)
    return client
  }

  /** A signed command of this person, for one place of one session. */
  call(number: number, session: number, sequence: number, body: Uint8Array): Uint8Array {
    const { manifest, clock } = this.#scene
    const expiresMs = Math.floor(clock.wall()) + EXPIRES_MS
    return encodeCall(
      { groupId: groupIdOf(manifest), session, sequence, expiresMs, body },
      this.#person(number).identity
    )
  }

  /** Line after line in one session, until one has no known end: then in a new one. */
  async write(number: number): Promise<void> {
    await this.#work(async () => {
      let session = 1
      let sequence = 0
      for (let line = 0; !this.#isOver; line++) {
        sequence += 1
        const rivals = this.#random.chance(RIVALS) ? ['', ' or not'] : ['']
        const ends = await Promise.all(
          rivals.map((rival) => this.#append(number, session, sequence, `${number}/${line}${rival}`))
        )
        if (!ends.includes(true)) {
          session += 1
          sequence = 0
        }
        await this.#pause()
      }
    })
  }

  /** Asks a member in its own process for all that was final before. */
  async readFinal(peer: WholePeer): Promise<void> {
    await this.#work(async () => {
      while (!this.#isOver) {
        const client = peer.life?.quorum.client(this.#scene.manifest, { domain: LOG_DOMAIN })
        await this.#read(client, 'final', 0)
        await this.#pause()
      }
    })
  }

  /** Asks members it does not trust, for a state that is no older than one it knows. */
  async readCertified(number: number): Promise<void> {
    await this.#work(async () => {
      let known = 0
      while (!this.#isOver) {
        known = Math.max(known, (await this.#read(this.of(number), 'certified', known)) ?? 0)
        await this.#pause()
      }
    })
  }

  /** Follows the blocks for as long as members keep them. */
  async watch(number: number): Promise<void> {
    let from = 1
    while (!this.#isOver) {
      try {
        for await (const { header } of this.of(number).watch(from)) {
          this.#scene.oracle.watched(header.height, header.digest)
          from = header.height + 1
          if (this.#isOver) return
        }
      } catch (error) {
        if (!(error instanceof QuorumError)) throw error
        from = this.#scene.oracle.top
        await this.#pause()
      }
    }
  }

  close(): void {
    for (const client of this.#remote.values()) client.close()
  }

  /** True where the line is final, false where it never will be, null where nobody knows. */
  async #append(number: number, session: number, sequence: number, text: string): Promise<boolean | null> {
    const { oracle } = this.#scene
    const command = this.call(number, session, sequence, Buffer.from(text))
    const startMs = this.#nowMs()
    const outcome = await this.#submit(number, command)
    oracle.operations.push({ type: 'append', line: text, startMs, endMs: outcome === true ? this.#nowMs() : null })
    if (outcome === true && this.#random.chance(REPEATS)) await this.#submit(number, command)
    return outcome
  }

  async #submit(number: number, command: Uint8Array): Promise<boolean | null> {
    const { oracle, log } = this.#scene
    const order = this.of(number).submit(command)
    order.attested.then(
      ({ height, bundle, answer }) =>
        oracle.answer(order.id, height, bundle, Buffer.from(readLeaf(answer).value).toString()),
      () => {}
    )
    try {
      const { height, bundle } = await order.final
      oracle.acknowledge(order.id, height, bundle)
      log.add(number, 'client', `final ${order.id} ${height}`)
      return true
    } catch (error) {
      const code = error instanceof QuorumError ? error.code : String(error)
      log.add(number, 'client', `${code} ${order.id}`)
      if (!LASTING.includes(code)) return null
      oracle.refuse(order.id, code)
      return false
    }
  }

  async #read(
    client: QuorumClient | undefined,
    level: 'final' | 'certified',
    atLeast: number
  ): Promise<number | undefined> {
    const { oracle, log } = this.#scene
    const startMs = this.#nowMs()
    const reading = client?.read(['line/*'], level, { atLeast }).catch(() => undefined)
    // A member that is killed meanwhile answers nothing at all.
    const found = await Promise.race([reading, this.#after(READ_WITHIN_MS)])
    const lines = found?.leaves?.map((leaf) => Buffer.from(readLeaf(leaf).value).toString())
    if (found === undefined || lines === undefined) return undefined
    log.add(255, 'client', `${level} ${found.height} ${lines.length}`)
    oracle.read(found.height, lines, found.bundle)
    if (level === 'final') oracle.operations.push({ type: 'read', lines, startMs, endMs: this.#nowMs() })
    return found.height
  }

  #person(number: number): Person {
    const person = this.#scene.people[number]
    if (person === undefined) throw new RangeError(`nobody is number ${number}`)
    return person
  }

  #nowMs(): number {
    return this.#scene.clock.now()
  }

  #pause(): Promise<void> {
    return this.#after(between(this.#random, PAUSE_MS.low, PAUSE_MS.high))
  }

  #after(ms: number): Promise<undefined> {
    return new Promise((go) => this.#scene.clock.after(ms, () => go(undefined)))
  }

  async #work(run: () => Promise<void>): Promise<void> {
    this.#working += 1
    try {
      await run()
    } catch (error) {
      this.#scene.oracle.fail('exception', error instanceof Error ? (error.stack ?? error.message) : String(error))
    } finally {
      this.#working -= 1
    }
  }
}
